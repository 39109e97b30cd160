// The reflector (src/kubernetes/reflector, store) against a server that behaves: lists by pages, watches that go on where
// the last one ended, and an end on request. Its failures are in reflector-failures.test.ts.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReflectorScene, bookmark, item, listOf } from '../support/reflector-scene.ts';
import { until } from '../support/stub-api-server.ts';

let scene: ReflectorScene;
beforeEach(async () => {
  scene = await ReflectorScene.open();
});
afterEach(() => scene.close());

describe('the list', () => {
  test('is read by pages, and complete only with the last one', async () => {
    let lastPage: (() => void) | undefined;
    scene.lists = [
      (exchange) => exchange.json(listOf('10', { a: '3' }, 'page-2')),
      (exchange) => exchange.json(listOf('10', { b: '4' }, 'page-3')),
      (exchange) => void (lastPage = () => exchange.json(listOf('10', { c: '5' }))),
    ];
    scene.run();
    await until(() => lastPage !== undefined);
    expect([scene.store.synced, scene.changes]).toStrictEqual([false, []]);
    lastPage?.();
    await scene.store.whenSynced();
    expect(scene.changes).toStrictEqual(['a 3 initial', 'b 4 initial', 'c 5 initial']);
    const common = { fieldSelector: 'metadata.name=x', limit: '500' };
    expect(scene.queries().slice(0, 3)).toStrictEqual([
      common,
      { ...common, continue: 'page-2' },
      { ...common, continue: 'page-3' },
    ]);
  });

  test('of nothing has items of null, and is complete all the same', async () => {
    scene.lists = [(exchange) => exchange.json({ ...listOf('10', {}), items: null })];
    scene.run();
    await scene.watchNumber(1);
    expect([scene.store.synced, scene.watchedFrom()]).toStrictEqual([true, ['10']]);
  });

  test('asks for a list of metadata, the watch for objects of metadata, both by the selectors', async () => {
    scene.run();
    await scene.watchNumber(1);
    expect(scene.server.requests).toHaveLength(2);
    const kind = (name: string) => `application/json;as=${name};g=meta.k8s.io;v=v1`;
    const accepted = scene.server.requests.map(({ headers }) => headers.accept);
    expect(accepted).toStrictEqual([kind('PartialObjectMetadataList'), kind('PartialObjectMetadata')]);
    for (const { path, query } of scene.server.requests) {
      expect(path).toBe('/api/v1/things');
      expect(query['fieldSelector']).toBe('metadata.name=x');
    }
  });
});

describe('the watch', () => {
  test('goes on from the version of the list, and tells what changes', async () => {
    scene.run();
    const watch = await scene.watchNumber(1);
    expect(scene.queries()[1]).toMatchObject({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '10',
    });
    scene.changes.length = 0;
    watch.send('ADDED', item('c', '11')).send('MODIFIED', item('a', '12')).send('DELETED', item('b', '13'));
    await until(() => scene.changes.length === 3);
    expect(scene.changes).toStrictEqual(['c 11 cluster', 'a 12 cluster', 'b gone cluster']);
  });

  test.each([
    [0, 300],
    [0.999_999, 600],
  ])('asks to be ended after five to ten minutes, by chance (%d)', async (chance, seconds) => {
    scene.clock.chance = chance;
    scene.run();
    await scene.watchNumber(1);
    expect(scene.queries()[1]?.['timeoutSeconds']).toBe(String(seconds));
  });

  test('that was ended goes on from the last event without a list', async () => {
    scene.run();
    const watch = await scene.watchNumber(1);
    watch.send('MODIFIED', item('a', '11')).send('DELETED', item('b', '12'));
    await until(() => scene.changes.includes('b gone cluster'));
    await scene.clock.advance(2_000);
    watch.end();
    await scene.watchNumber(2);
    expect(scene.watchedFrom()).toStrictEqual(['10', '12']);
    expect(scene.queries().filter(({ watch: watching }) => watching === undefined)).toHaveLength(1);
    expect(scene.started).toStrictEqual([false, false]);
  });

  test('that was ended goes on from the last bookmark, which is no change', async () => {
    scene.run();
    const watch = await scene.watchNumber(1);
    const before = scene.changes.length;
    watch.send('BOOKMARK', bookmark('400'));
    await until(() => scene.heard.length === 2);
    await scene.clock.advance(2_000);
    watch.end();
    await scene.watchNumber(2);
    expect(scene.watchedFrom()).toStrictEqual(['10', '400']);
    expect(scene.changes).toHaveLength(before);
  });

  test('that is ended at once, again and again, is not asked for without a pause', async () => {
    scene.run();
    for (let count = 1; count <= 3; count += 1) {
      (await scene.watchNumber(count)).end();
      await until(() => scene.clock.timers.length === 1);
      await scene.clock.advance(200);
      expect(scene.streams).toHaveLength(count);
      await scene.clock.advance(1_000);
    }
    await scene.watchNumber(4);
  });

  test('does not undo what a newer write of ours has told', async () => {
    scene.run();
    const watch = await scene.watchNumber(1);
    scene.store.put('a', { name: 'a', resourceVersion: '20' }, 'own');
    watch
      .send('MODIFIED', item('a', '11'))
      .send('DELETED', item('a', '12'))
      .send('MODIFIED', item('b', '21'));
    await until(() => scene.changes.includes('b 21 cluster'));
    expect(scene.store.get('a')?.resourceVersion).toBe('20');
    watch.send('MODIFIED', item('a', '22'));
    await until(() => scene.store.get('a')?.resourceVersion === '22');
  });

  test('says whenever something was heard: a list, an event, a bookmark', async () => {
    scene.run();
    const watch = await scene.watchNumber(1);
    const begin = scene.clock.now();
    expect(scene.heard).toStrictEqual([begin]);
    await scene.clock.advance(1_000);
    watch.send('ADDED', item('c', '11'));
    await until(() => scene.heard.length === 2);
    await scene.clock.advance(1_000);
    watch.send('BOOKMARK', bookmark('12'));
    await until(() => scene.heard.length === 3);
    expect(scene.heard).toStrictEqual([begin, begin + 1_000, begin + 2_000]);
  });
});
