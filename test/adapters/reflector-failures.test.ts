// The reflector (src/kubernetes/reflector, store) against a server that fails in every way: the store keeps what it has,
// the back-off grows, and a version that is too old leads to a new list. How watches end is in reflector-end.test.ts.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogFields } from '../../src/controller/ports.ts';
import { HttpApi } from '../../src/kubernetes/api.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import { Reflector } from '../../src/kubernetes/reflector.ts';
import { Store } from '../../src/kubernetes/store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  type Exchange,
  type Handler,
  type StubApiServer,
  type WatchStream,
  connectTo,
  leakedText,
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

let server: StubApiServer;
let connection: Connection;
let clock: ManualClock;
let store: Store<Thing>;
let changes: string[];
let stop: AbortController;
let running: Promise<void>;
let streams: WatchStream[];
let logged: { message: string; fields: LogFields }[];
let started: boolean[];

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
  [started, streams, logged] = [[], [], []];
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
  const note = (message: string, fields: LogFields = {}) => void logged.push({ message, fields });
  const reflector = new Reflector<Thing>({
    api: new HttpApi({ connection, clock: new ManualClock(), userAgent: 'x' }),
    clock,
    log: { debug: note, info: note, warn: note, error: note },
    metrics: {
      watchStarted: (_resource, afterFailure) => void started.push(afterFailure),
      watchHeard: () => undefined,
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

/** The failures that were logged. */
const failed = () => logged.filter(({ message }) => message === 'watch failed');

/** Waits until the reflector waits after its `count`th failure. @returns for how long, in ms */
async function delayAfter(count: number): Promise<number> {
  await until(() => failed().length >= count && clock.timers.length === 1);
  return clock.timers[0] ?? -1;
}

describe('a list that fails', () => {
  const broken: Handler = (exchange) => exchange.refuse(500, 'InternalError');

  test.each([
    [0, 250],
    [0.999_999, 500],
  ])('is tried again after a delay that grows to half a minute, by chance (%d)', async (chance, least) => {
    clock.chance = chance;
    lists = [broken];
    run();
    const delays: number[] = [];
    for (let count = 1; count <= 9; count += 1) {
      const delay = await delayAfter(count);
      delays.push(Math.round(delay));
      expect(server.requests).toHaveLength(count);
      await clock.advance(delay);
    }
    const doubled = [1, 2, 4, 8, 16, 32, 64, 128, 256].map((factor) => Math.min(least * factor, least * 60));
    expect(delays).toStrictEqual(doubled);
  });

  test('waits as long as the server asks for', async () => {
    lists = [(exchange) => exchange.refuse(429, 'TooManyRequests', { retryAfter: '7' })];
    run();
    expect(await delayAfter(1)).toBe(7_000);
  });

  test('says so in the log without a word of the body, and the next success is marked', async () => {
    lists = [broken, (exchange) => exchange.text(`<html>${leakedText}`), lists[0] ?? broken];
    run();
    await clock.advance(await delayAfter(1));
    await clock.advance(await delayAfter(2));
    await watchNumber(1);
    expect(failed().map(({ fields }) => fields['resource'])).toStrictEqual(['things', 'things']);
    expect(JSON.stringify(logged)).not.toContain(leakedText);
    expect(started).toStrictEqual([true]);
  });

  test('in the middle of its pages leaves the store as it was, and begins with the first page', async () => {
    lists = [
      (exchange) => exchange.json(listOf('10', { a: '3' }, 'page-2')),
      (exchange) => exchange.refuse(410, 'Expired'),
      (exchange) => exchange.json(listOf('20', { b: '4' })),
    ];
    run();
    const delay = await delayAfter(1);
    expect([store.synced, changes]).toStrictEqual([false, []]);
    await clock.advance(delay);
    await watchNumber(1);
    expect(changes).toStrictEqual(['b 4 initial']);
    expect(server.requests[2]?.query).not.toHaveProperty('continue');
  });

  test.each([
    ['no items', { kind: 'List', metadata: { resourceVersion: '30' } }],
    ['items that are no list', { kind: 'List', metadata: { resourceVersion: '30' }, items: 'abc' }],
    ['no version', { kind: 'List', metadata: {}, items: [] }],
    ['no metadata', { kind: 'List', items: [] }],
    ['no list at all', null],
  ])('because it has %s empties nothing', async (_what, body) => {
    const good = lists[0] ?? broken;
    lists = [good, (exchange) => exchange.json(body), (exchange) => exchange.json(listOf('40', { a: '3' }))];
    run();
    (await watchNumber(1)).send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    await clock.advance(await delayAfter(1));
    const delay = await delayAfter(2);
    expect([...store.keys()]).toStrictEqual(['a', 'b']);
    expect(store.synced).toBe(true);
    await clock.advance(delay);
    await until(() => changes.includes('b gone cluster'));
  });
});

describe('a version that is too old', () => {
  const relisted = (exchange: Exchange) => exchange.json(listOf('90', { a: '3', c: '80' }));

  test('as an event of the watch leads to a new list, which tells what has vanished meanwhile', async () => {
    lists = [...lists, relisted];
    run();
    const watch = await watchNumber(1);
    changes.length = 0;
    watch.send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    await clock.advance(await delayAfter(1));
    await watchNumber(2);
    expect(changes.toSorted()).toStrictEqual(['b gone cluster', 'c 80 cluster']);
    expect(watchedFrom()).toStrictEqual(['10', '90']);
  });

  test('as the answer to the watch does the same', async () => {
    lists = [...lists, relisted];
    run();
    const watch = await watchNumber(1);
    await clock.advance(2_000);
    server.next((exchange) => exchange.refuse(410, 'Gone'));
    watch.end();
    await clock.advance(await delayAfter(1));
    await watchNumber(2);
    expect(watchedFrom()).toStrictEqual(['10', '10', '90']);
    expect([...store.keys()].toSorted()).toStrictEqual(['a', 'c']);
  });
});
