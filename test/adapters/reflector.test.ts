// The reflector (src/kubernetes/reflector, store) against a server that behaves: lists by pages, watches that go on where
// the last one ended, and an end on request. Its failures are in reflector-failures.test.ts.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HttpApi } from '../../src/kubernetes/api.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import { Reflector } from '../../src/kubernetes/reflector.ts';
import { Store } from '../../src/kubernetes/store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  type Handler,
  type StubApiServer,
  type WatchStream,
  connectTo,
  startStubApiServer,
  until,
} from '../support/stub-api-server.ts';

interface Thing {
  readonly name: string;
  readonly resourceVersion: string;
}

const item = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } });
const listOf = (version: string, names: Readonly<Record<string, string>>, next = '') => ({
  kind: 'List',
  metadata: { resourceVersion: version, ...(next === '' ? {} : { continue: next }) },
  items: Object.entries(names).map(([name, of]) => item(name, of)),
});
const bookmark = (resourceVersion: string) => ({ metadata: { resourceVersion } });

let server: StubApiServer;
let connection: Connection;
let clock: ManualClock;
let store: Store<Thing>;
let changes: string[];
let stop: AbortController;
let running: Promise<void>;
let streams: WatchStream[];
let started: boolean[];
let heard: number[];

/** What lists answer, one after another; the last one goes on. */
let lists: Handler[];

beforeEach(async () => {
  server = await startStubApiServer();
  connection = connectTo(server);
  clock = new ManualClock();
  store = new Store<Thing>();
  changes = [];
  store.onChange(({ key, after, origin }) =>
    changes.push(`${key} ${after?.resourceVersion ?? 'gone'} ${origin}`),
  );
  [started, heard, streams] = [[], [], []];
  lists = [(exchange) => exchange.json(listOf('10', { a: '3', b: '4' }))];
  server.handle((exchange) => {
    if (exchange.request.query['watch'] === 'true') streams.push(exchange.watch());
    else (lists.length > 1 ? lists.shift() : lists[0])?.(exchange);
  });
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await connection.close();
  await running;
  await server.close();
});

function run(): void {
  const reflector = new Reflector<Thing>({
    api: new HttpApi({ connection, clock: new ManualClock(), userAgent: 'x' }),
    clock,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    metrics: {
      watchStarted: (_resource, afterFailure) => void started.push(afterFailure),
      watchHeard: (_resource, at) => void heard.push(at),
    },
    resource: 'things',
    path: '/api/v1/things',
    query: { fieldSelector: 'metadata.name=x' },
    representation: 'metadata',
    project: ({ metadata }) => ({
      name: metadata?.name ?? '',
      resourceVersion: metadata?.resourceVersion ?? '',
    }),
    keyOf: ({ name }) => name,
    store,
  });
  running = reflector.run(stop.signal);
}

/** The watch that is open now, the `count`th one of this test. */
async function watchNumber(count: number): Promise<WatchStream> {
  await until(() => streams.length >= count);
  const stream = streams[count - 1];
  if (stream === undefined) throw new Error('unreachable');
  return stream;
}

const queries = () => server.requests.map(({ query }) => query);
const watchedFrom = () =>
  queries().flatMap(({ watch, resourceVersion }) => (watch === 'true' ? [resourceVersion] : []));

describe('the list', () => {
  test('is read by pages, and complete only with the last one', async () => {
    let lastPage: (() => void) | undefined;
    lists = [
      (exchange) => exchange.json(listOf('10', { a: '3' }, 'page-2')),
      (exchange) => exchange.json(listOf('10', { b: '4' }, 'page-3')),
      (exchange) => void (lastPage = () => exchange.json(listOf('10', { c: '5' }))),
    ];
    run();
    await until(() => lastPage !== undefined);
    expect([store.synced, changes]).toStrictEqual([false, []]);
    lastPage?.();
    await store.whenSynced();
    expect(changes).toStrictEqual(['a 3 initial', 'b 4 initial', 'c 5 initial']);
    const common = { fieldSelector: 'metadata.name=x', limit: '500' };
    expect(queries().slice(0, 3)).toStrictEqual([
      common,
      { ...common, continue: 'page-2' },
      { ...common, continue: 'page-3' },
    ]);
  });

  test('of nothing has items of null, and is complete all the same', async () => {
    lists = [(exchange) => exchange.json({ ...listOf('10', {}), items: null })];
    run();
    await watchNumber(1);
    expect([store.synced, watchedFrom()]).toStrictEqual([true, ['10']]);
  });

  test('asks for a list of metadata, the watch for objects of metadata, both by the selectors', async () => {
    run();
    await watchNumber(1);
    expect(server.requests).toHaveLength(2);
    const kind = (name: string) => `application/json;as=${name};g=meta.k8s.io;v=v1`;
    const accepted = server.requests.map(({ headers }) => headers.accept);
    expect(accepted).toStrictEqual([kind('PartialObjectMetadataList'), kind('PartialObjectMetadata')]);
    for (const { path, query } of server.requests) {
      expect(path).toBe('/api/v1/things');
      expect(query['fieldSelector']).toBe('metadata.name=x');
    }
  });
});

describe('the watch', () => {
  test('goes on from the version of the list, and tells what changes', async () => {
    run();
    const watch = await watchNumber(1);
    expect(queries()[1]).toMatchObject({ watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '10' });
    changes.length = 0;
    watch.send('ADDED', item('c', '11')).send('MODIFIED', item('a', '12')).send('DELETED', item('b', '13'));
    await until(() => changes.length === 3);
    expect(changes).toStrictEqual(['c 11 cluster', 'a 12 cluster', 'b gone cluster']);
  });

  test.each([
    [0, 300],
    [0.999_999, 600],
  ])('asks to be ended after five to ten minutes, by chance (%d)', async (chance, seconds) => {
    clock.chance = chance;
    run();
    await watchNumber(1);
    expect(queries()[1]?.['timeoutSeconds']).toBe(String(seconds));
  });

  test('that was ended goes on from the last event without a list', async () => {
    run();
    const watch = await watchNumber(1);
    watch.send('MODIFIED', item('a', '11')).send('DELETED', item('b', '12'));
    await until(() => changes.includes('b gone cluster'));
    await clock.advance(2_000);
    watch.end();
    await watchNumber(2);
    expect(watchedFrom()).toStrictEqual(['10', '12']);
    expect(queries().filter(({ watch: watching }) => watching === undefined)).toHaveLength(1);
    expect(started).toStrictEqual([false, false]);
  });

  test('that was ended goes on from the last bookmark, which is no change', async () => {
    run();
    const watch = await watchNumber(1);
    const before = changes.length;
    watch.send('BOOKMARK', bookmark('400'));
    await until(() => heard.length === 2);
    await clock.advance(2_000);
    watch.end();
    await watchNumber(2);
    expect(watchedFrom()).toStrictEqual(['10', '400']);
    expect(changes).toHaveLength(before);
  });

  test('that is ended at once, again and again, is not asked for without a pause', async () => {
    run();
    for (let count = 1; count <= 3; count += 1) {
      (await watchNumber(count)).end();
      await until(() => clock.timers.length === 1);
      await clock.advance(200);
      expect(streams).toHaveLength(count);
      await clock.advance(1_000);
    }
    await watchNumber(4);
  });

  test('does not undo what a newer write of ours has told', async () => {
    run();
    const watch = await watchNumber(1);
    store.put('a', { name: 'a', resourceVersion: '20' }, 'own');
    watch
      .send('MODIFIED', item('a', '11'))
      .send('DELETED', item('a', '12'))
      .send('MODIFIED', item('b', '21'));
    await until(() => changes.includes('b 21 cluster'));
    expect(store.get('a')?.resourceVersion).toBe('20');
    watch.send('MODIFIED', item('a', '22'));
    await until(() => store.get('a')?.resourceVersion === '22');
  });

  test('says whenever something was heard: a list, an event, a bookmark', async () => {
    run();
    const watch = await watchNumber(1);
    const begin = clock.now();
    expect(heard).toStrictEqual([begin]);
    await clock.advance(1_000);
    watch.send('ADDED', item('c', '11'));
    await until(() => heard.length === 2);
    await clock.advance(1_000);
    watch.send('BOOKMARK', bookmark('12'));
    await until(() => heard.length === 3);
    expect(heard).toStrictEqual([begin, begin + 1_000, begin + 2_000]);
  });
});
