// How a watch and a run of the reflector (src/kubernetes/reflector) end when the server does not end them in good order: a
// broken watch is resumed, a dead one is let go by the watchdog, and an abort ends all of it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReflectorScene, bookmark, item, listOf } from '../support/reflector-scene.ts';
import { until } from '../support/stub-api-server.ts';

let scene: ReflectorScene;
beforeEach(async () => {
  scene = await ReflectorScene.open();
});
afterEach(() => scene.close());

describe('an abort ends the run', () => {
  test('while it watches, and lets go of the connection', async () => {
    scene.run();
    const watch = await scene.watchNumber(1);
    scene.stop.abort();
    await scene.running;
    await until(() => watch.over);
    expect(scene.clock.timers).toStrictEqual([]);
  });

  test('while it waits to try again', async () => {
    scene.lists = [(exchange) => exchange.refuse(500, 'InternalError')];
    scene.run();
    await until(() => scene.clock.timers.length === 1);
    scene.stop.abort();
    await scene.running;
    expect([scene.clock.timers, scene.store.synced]).toStrictEqual([[], false]);
  });

  test('while it lists: then the answer is the last thing it asked for', async () => {
    let answer: (() => void) | undefined;
    scene.lists = [(exchange) => void (answer = () => exchange.json(listOf('10', {})))];
    scene.run();
    await until(() => answer !== undefined);
    scene.stop.abort();
    answer?.();
    await scene.running;
    expect(scene.server.requests).toHaveLength(1);
  });

  test('before it has begun', async () => {
    scene.stop.abort();
    scene.run();
    await scene.running;
    expect(scene.server.requests).toHaveLength(0);
  });
});

describe('a watch that breaks', () => {
  test('is resumed from the last event, without a list, and nothing is forgotten meanwhile', async () => {
    scene.run();
    const watch = await scene.watchNumber(1);
    watch.send('MODIFIED', item('a', '11'));
    await until(() => scene.store.get('a')?.resourceVersion === '11');
    watch.cut();
    const delay = await scene.delayAfter(1);
    expect([[...scene.store.keys()], scene.store.synced]).toStrictEqual([['a', 'b'], true]);
    await scene.clock.advance(delay);
    await scene.watchNumber(2);
    expect(scene.watchedFrom()).toStrictEqual(['10', '11']);
    expect(scene.started).toStrictEqual([false, true]);
  });

  test('by an error event of another kind, or by nonsense, is resumed without a list', async () => {
    scene.run();
    (await scene.watchNumber(1)).send('ERROR', { kind: 'Status', code: 500, reason: 'InternalError' });
    await scene.clock.advance(await scene.delayAfter(1));
    (await scene.watchNumber(2)).raw('null\n');
    await scene.clock.advance(await scene.delayAfter(2));
    (await scene.watchNumber(3)).send('ERROR', null);
    await scene.clock.advance(await scene.delayAfter(3));
    await scene.watchNumber(4);
    expect(scene.watchedFrom()).toStrictEqual(['10', '10', '10', '10']);
  });

  test('now and then, but works in between, is resumed as quickly as the first time', async () => {
    scene.clock.chance = 0.999_999;
    scene.run();
    for (let count = 1; count <= 6; count += 1) {
      const watch = await scene.watchNumber(count);
      const version = String(10 + count);
      watch.send('MODIFIED', item('a', version));
      await until(() => scene.store.get('a')?.resourceVersion === version);
      await scene.clock.advance(100_000);
      watch.cut();
      const delay = await scene.delayAfter(count);
      expect(delay).toBeLessThanOrEqual(500);
      await scene.clock.advance(delay);
    }
  });
});

describe('a watch that says nothing', () => {
  test('for two and a half minutes is dead: it is let go and resumed', async () => {
    scene.run();
    const watch = await scene.watchNumber(1);
    await scene.clock.advance(140_000);
    expect([watch.over, scene.streams.length]).toStrictEqual([false, 1]);
    await scene.clock.advance(11_000);
    await scene.clock.advance(await scene.delayAfter(1));
    await scene.watchNumber(2);
    await until(() => watch.over);
    expect(scene.watchedFrom()).toStrictEqual(['10', '10']);
    expect(scene.started).toStrictEqual([false, true]);
  });

  test('lives as long as bookmarks come', async () => {
    scene.run();
    const watch = await scene.watchNumber(1);
    for (let minute = 1; minute <= 10; minute += 1) {
      await scene.clock.advance(60_000);
      watch.send('BOOKMARK', bookmark(String(10 + minute)));
      await until(() => scene.heard.length === 1 + minute);
    }
    expect([watch.over, scene.streams.length, scene.failed().length]).toStrictEqual([false, 1, 0]);
  });

  test('not even a header is dead too', async () => {
    scene.server.next(scene.lists[0] ?? (() => undefined), () => undefined);
    scene.run();
    await until(() => scene.server.requests.length === 2);
    await scene.clock.advance(151_000);
    await scene.clock.advance(await scene.delayAfter(1));
    await scene.watchNumber(1);
    expect(scene.watchedFrom()).toStrictEqual(['10', '10']);
  });
});
