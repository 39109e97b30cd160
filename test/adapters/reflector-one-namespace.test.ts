// A reflector that may look at one namespace only (src/kubernetes/reflector, source): GET and the old watch path, GET again
// where the watch is forbidden, and a refusal that the store is told of.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collection, oneNamespace } from '../../src/kubernetes/source.ts';
import { ReflectorScene, bookmark, item, listOf } from '../support/reflector-scene.ts';
import { type Handler, until } from '../support/stub-api-server.ts';

let scene: ReflectorScene;
beforeEach(async () => {
  scene = await ReflectorScene.open(['team-a']);
});
afterEach(() => scene.close());

const there =
  (version: string): Handler =>
  (exchange) =>
    exchange.json(item('team-a', version));
const gone: Handler = (exchange) => exchange.refuse(404, 'NotFound');
const forbidden: Handler = (exchange) => exchange.refuse(403, 'Forbidden');
const paths = () => scene.server.requests.map(({ path }) => path);
const get = '/api/v1/namespaces/team-a';
const watch = '/api/v1/watch/namespaces/team-a';

const run = () => scene.run(oneNamespace('team-a'), 'team-a');

describe('one namespace', () => {
  test('is read by its name and watched from the present moment on, as metadata', async () => {
    scene.lists = [there('3')];
    run();
    await scene.watchNumber(1);
    expect(scene.changes).toStrictEqual(['team-a 3 initial']);
    expect([paths(), scene.watchedFrom()]).toStrictEqual([[get, watch], [undefined]]);
    expect(scene.server.requests.map(({ headers }) => headers.accept)).toStrictEqual(
      Array.from({ length: 2 }, () => 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'),
    );
    expect(scene.server.requests[1]?.query).toMatchObject({ allowWatchBookmarks: 'true' });
  });

  test('is followed by what the watch says, which begins with what there is', async () => {
    scene.lists = [there('3')];
    run();
    const stream = await scene.watchNumber(1);
    stream.send('ADDED', item('team-a', '3'));
    stream.send('BOOKMARK', bookmark('50'));
    stream.send('MODIFIED', item('team-a', '60'));
    stream.send('DELETED', item('team-a', '70'));
    await until(() => scene.changes.length === 3);
    expect(scene.changes).toStrictEqual(['team-a 3 initial', 'team-a 60 cluster', 'team-a gone cluster']);
  });

  test('that is not there is known as absent, and appears by the watch', async () => {
    scene.lists = [gone];
    run();
    const stream = await scene.watchNumber(1);
    expect([scene.store.synced, scene.changes]).toStrictEqual([true, []]);
    stream.send('ADDED', item('team-a', '80'));
    await until(() => scene.changes.length === 1);
    expect(scene.changes).toStrictEqual(['team-a 80 cluster']);
  });

  test('is read again after each watch, so that what was deleted just before it is found', async () => {
    scene.lists = [there('3'), gone];
    run();
    const stream = await scene.watchNumber(1);
    stream.send('BOOKMARK', bookmark('50'));
    await scene.clock.advance(1_000);
    stream.end();
    await scene.watchNumber(2);
    expect(scene.changes).toStrictEqual(['team-a 3 initial', 'team-a gone cluster']);
    expect(scene.watchedFrom()).toStrictEqual([undefined, undefined]);
  });

  test('is read every 30 s where its watch is forbidden', async () => {
    scene.watches = forbidden;
    scene.lists = [there('3'), there('4'), gone];
    run();
    for (const changes of [1, 2, 3]) {
      await until(() => scene.changes.length === changes && scene.clock.timers.includes(30_000));
      await scene.clock.advance(29_999);
      expect(scene.changes).toHaveLength(changes);
      await scene.clock.advance(1);
    }
    expect(scene.changes).toStrictEqual(['team-a 3 initial', 'team-a 4 cluster', 'team-a gone cluster']);
    expect(scene.failed()).toStrictEqual([]);
    expect(scene.store.refused.size).toBe(0);
  });

  test('is not taken for gone where the answer is another object', async () => {
    scene.lists = [there('3'), (exchange) => exchange.json({ kind: 'Status' }), there('3')];
    run();
    const stream = await scene.watchNumber(1);
    await scene.clock.advance(1_000);
    stream.end();
    await scene.clock.advance(await scene.delayAfter(1));
    await scene.watchNumber(2);
    expect([...scene.store.keys()]).toStrictEqual(['team-a']);
    expect(scene.changes.join()).not.toContain('gone');
  });
});

describe('a namespace that refuses us', () => {
  test('is known as refused, is tried again, and is known when we may look', async () => {
    scene.lists = [forbidden, forbidden, there('3')];
    run();
    await scene.delayAfter(1);
    expect([scene.store.synced, [...scene.store.refused]]).toStrictEqual([true, ['team-a']]);
    await scene.clock.advance(await scene.delayAfter(1));
    await scene.clock.advance(await scene.delayAfter(2));
    await scene.watchNumber(1);
    expect(scene.store.refused.size).toBe(0);
    expect(scene.changes).toStrictEqual(['team-a gone access', 'team-a 3 cluster', 'team-a 3 access']);
  });

  test('may do so for its collections, in the list or in the watch', async () => {
    scene.watches = forbidden;
    scene.lists = [(exchange) => exchange.json(listOf('10', { 'team-a': '3' }))];
    const path = '/api/v1/namespaces/team-a/things';
    scene.run(collection({ path, query: {}, representation: 'full' }), 'team-a');
    await scene.delayAfter(1);
    expect([[...scene.store.refused], [...scene.store.keys()]]).toStrictEqual([['team-a'], ['team-a']]);
  });

  test('for a moment only, as while its RoleBinding is made anew, is known again as soon as it lets us', async () => {
    scene.lists = [(exchange) => exchange.json(listOf('10', { 'team-a': '3' }))];
    const path = '/api/v1/namespaces/team-a/things';
    scene.run(collection({ path, query: {}, representation: 'full' }), 'team-a');
    const stream = await scene.watchNumber(1);
    await scene.clock.advance(2_000);
    scene.watches = forbidden;
    stream.end();
    const delay = await scene.delayAfter(1);
    expect([...scene.store.refused]).toStrictEqual(['team-a']);
    scene.watches = undefined;
    await scene.clock.advance(delay);
    await scene.watchNumber(2);
    expect([...scene.store.refused]).toStrictEqual([]);
  });
});

test('a whole cluster that refuses us is waited for', async () => {
  await scene.close();
  scene = await ReflectorScene.open();
  scene.lists = [forbidden];
  scene.run();
  await scene.delayAfter(1);
  expect([scene.store.synced, scene.store.refused.size]).toStrictEqual([false, 0]);
});
