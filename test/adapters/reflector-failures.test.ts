// The reflector (src/kubernetes/reflector, store) against a server that fails in every way: the store keeps what it has,
// the back-off grows, and a version that is too old leads to a new list. How watches end is in reflector-end.test.ts.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReflectorScene, listOf } from '../support/reflector-scene.ts';
import { type Exchange, type Handler, leakedText, until } from '../support/stub-api-server.ts';

let scene: ReflectorScene;
beforeEach(async () => {
  scene = await ReflectorScene.open();
});
afterEach(() => scene.close());

describe('a list that fails', () => {
  const broken: Handler = (exchange) => exchange.refuse(500, 'InternalError');

  test.each([
    [0, 250],
    [0.999_999, 500],
  ])('is tried again after a delay that grows to half a minute, by chance (%d)', async (chance, least) => {
    scene.clock.chance = chance;
    scene.lists = [broken];
    scene.run();
    const delays: number[] = [];
    for (let count = 1; count <= 9; count += 1) {
      const delay = await scene.delayAfter(count);
      delays.push(Math.round(delay));
      expect(scene.server.requests).toHaveLength(count);
      await scene.clock.advance(delay);
    }
    const doubled = [1, 2, 4, 8, 16, 32, 64, 128, 256].map((factor) => Math.min(least * factor, least * 60));
    expect(delays).toStrictEqual(doubled);
  });

  test('waits as long as the server asks for', async () => {
    scene.lists = [(exchange) => exchange.refuse(429, 'TooManyRequests', { retryAfter: '7' })];
    scene.run();
    expect(await scene.delayAfter(1)).toBe(7_000);
  });

  test('says so in the log without a word of the body, and the next success is marked', async () => {
    scene.lists = [broken, (exchange) => exchange.text(`<html>${leakedText}`), scene.lists[0] ?? broken];
    scene.run();
    await scene.clock.advance(await scene.delayAfter(1));
    await scene.clock.advance(await scene.delayAfter(2));
    await scene.watchNumber(1);
    expect(scene.failed().map(({ fields }) => fields['resource'])).toStrictEqual(['things', 'things']);
    expect(JSON.stringify(scene.logged)).not.toContain(leakedText);
    expect(scene.started).toStrictEqual([true]);
  });

  test('in the middle of its pages leaves the store as it was, and begins with the first page', async () => {
    scene.lists = [
      (exchange) => exchange.json(listOf('10', { a: '3' }, 'page-2')),
      (exchange) => exchange.refuse(410, 'Expired'),
      (exchange) => exchange.json(listOf('20', { b: '4' })),
    ];
    scene.run();
    const delay = await scene.delayAfter(1);
    expect([scene.store.synced, scene.changes]).toStrictEqual([false, []]);
    await scene.clock.advance(delay);
    await scene.watchNumber(1);
    expect(scene.changes).toStrictEqual(['b 4 initial']);
    expect(scene.server.requests[2]?.query).not.toHaveProperty('continue');
  });

  test.each([
    ['no items', { kind: 'List', metadata: { resourceVersion: '30' } }],
    ['items that are no list', { kind: 'List', metadata: { resourceVersion: '30' }, items: 'abc' }],
    ['no version', { kind: 'List', metadata: {}, items: [] }],
    ['no metadata', { kind: 'List', items: [] }],
    ['no list at all', null],
  ])('because it has %s empties nothing', async (_what, body) => {
    const good = scene.lists[0] ?? broken;
    scene.lists = [
      good,
      (exchange) => exchange.json(body),
      (exchange) => exchange.json(listOf('40', { a: '3' })),
    ];
    scene.run();
    (await scene.watchNumber(1)).send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    await scene.clock.advance(await scene.delayAfter(1));
    const delay = await scene.delayAfter(2);
    expect([...scene.store.keys()]).toStrictEqual(['a', 'b']);
    expect(scene.store.synced).toBe(true);
    await scene.clock.advance(delay);
    await until(() => scene.changes.includes('b gone cluster'));
  });
});

describe('a version that is too old', () => {
  const relisted = (exchange: Exchange) => exchange.json(listOf('90', { a: '3', c: '80' }));

  test('as an event of the watch leads to a new list, which tells what has vanished meanwhile', async () => {
    scene.lists = [...scene.lists, relisted];
    scene.run();
    const watch = await scene.watchNumber(1);
    scene.changes.length = 0;
    watch.send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    await scene.clock.advance(await scene.delayAfter(1));
    await scene.watchNumber(2);
    expect(scene.changes.toSorted()).toStrictEqual(['b gone cluster', 'c 80 cluster']);
    expect(scene.watchedFrom()).toStrictEqual(['10', '90']);
  });

  test('as the answer to the watch does the same', async () => {
    scene.lists = [...scene.lists, relisted];
    scene.run();
    const watch = await scene.watchNumber(1);
    await scene.clock.advance(2_000);
    scene.server.next((exchange) => exchange.refuse(410, 'Gone'));
    watch.end();
    await scene.clock.advance(await scene.delayAfter(1));
    await scene.watchNumber(2);
    expect(scene.watchedFrom()).toStrictEqual(['10', '10', '90']);
    expect([...scene.store.keys()].toSorted()).toStrictEqual(['a', 'c']);
  });
});
