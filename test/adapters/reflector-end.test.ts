// How a watch and a run of the reflector (src/kubernetes/reflector) end when the server does not end them in good order: a
// broken watch is resumed, a dead one is let go by the watchdog, and an abort ends all of it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogFields } from '../../src/controller/ports.ts';
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
let stop: AbortController;
let running: Promise<void>;
let streams: WatchStream[];
let logged: { message: string; fields: LogFields }[];
let started: boolean[];
let heard: number[];

/** What lists answer, one after another; the last one goes on. */
let lists: Handler[];

beforeEach(async () => {
  server = await startStubApiServer();
  connection = connectTo(server);
  clock = new ManualClock();
  store = new Store<Thing>();
  [started, heard, streams, logged] = [[], [], [], []];
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

/** The failures that were logged. */
const failed = () => logged.filter(({ message }) => message === 'watch failed');

/** Waits until the reflector waits after its `count`th failure. @returns for how long, in ms */
async function delayAfter(count: number): Promise<number> {
  await until(() => failed().length >= count && clock.timers.length === 1);
  return clock.timers[0] ?? -1;
}

describe('an abort ends the run', () => {
  test('while it watches, and lets go of the connection', async () => {
    run();
    const watch = await watchNumber(1);
    stop.abort();
    await running;
    await until(() => watch.over);
    expect(clock.timers).toStrictEqual([]);
  });

  test('while it waits to try again', async () => {
    lists = [(exchange) => exchange.refuse(500, 'InternalError')];
    run();
    await until(() => clock.timers.length === 1);
    stop.abort();
    await running;
    expect([clock.timers, store.synced]).toStrictEqual([[], false]);
  });

  test('while it lists: then the answer is the last thing it asked for', async () => {
    let answer: (() => void) | undefined;
    lists = [(exchange) => void (answer = () => exchange.json(listOf('10', {})))];
    run();
    await until(() => answer !== undefined);
    stop.abort();
    answer?.();
    await running;
    expect(server.requests).toHaveLength(1);
  });

  test('before it has begun', async () => {
    stop.abort();
    run();
    await running;
    expect(server.requests).toHaveLength(0);
  });
});

describe('a watch that breaks', () => {
  test('is resumed from the last event, without a list, and nothing is forgotten meanwhile', async () => {
    run();
    const watch = await watchNumber(1);
    watch.send('MODIFIED', item('a', '11'));
    await until(() => store.get('a')?.resourceVersion === '11');
    watch.cut();
    const delay = await delayAfter(1);
    expect([[...store.keys()], store.synced]).toStrictEqual([['a', 'b'], true]);
    await clock.advance(delay);
    await watchNumber(2);
    expect(watchedFrom()).toStrictEqual(['10', '11']);
    expect(started).toStrictEqual([false, true]);
  });

  test('by an error event of another kind, or by nonsense, is resumed without a list', async () => {
    run();
    (await watchNumber(1)).send('ERROR', { kind: 'Status', code: 500, reason: 'InternalError' });
    await clock.advance(await delayAfter(1));
    (await watchNumber(2)).raw('null\n');
    await clock.advance(await delayAfter(2));
    (await watchNumber(3)).send('ERROR', null);
    await clock.advance(await delayAfter(3));
    await watchNumber(4);
    expect(watchedFrom()).toStrictEqual(['10', '10', '10', '10']);
  });

  test('now and then, but works in between, is resumed as quickly as the first time', async () => {
    clock.chance = 0.999_999;
    run();
    for (let count = 1; count <= 6; count += 1) {
      const watch = await watchNumber(count);
      const version = String(10 + count);
      watch.send('MODIFIED', item('a', version));
      await until(() => store.get('a')?.resourceVersion === version);
      await clock.advance(100_000);
      watch.cut();
      const delay = await delayAfter(count);
      expect(delay).toBeLessThanOrEqual(500);
      await clock.advance(delay);
    }
  });
});

describe('a watch that says nothing', () => {
  test('for two and a half minutes is dead: it is let go and resumed', async () => {
    run();
    const watch = await watchNumber(1);
    await clock.advance(140_000);
    expect([watch.over, streams.length]).toStrictEqual([false, 1]);
    await clock.advance(11_000);
    await clock.advance(await delayAfter(1));
    await watchNumber(2);
    await until(() => watch.over);
    expect(watchedFrom()).toStrictEqual(['10', '10']);
    expect(started).toStrictEqual([false, true]);
  });

  test('lives as long as bookmarks come', async () => {
    run();
    const watch = await watchNumber(1);
    for (let minute = 1; minute <= 10; minute += 1) {
      await clock.advance(60_000);
      watch.send('BOOKMARK', bookmark(String(10 + minute)));
      await until(() => heard.length === 1 + minute);
    }
    expect([watch.over, streams.length, failed().length]).toStrictEqual([false, 1, 0]);
  });

  test('not even a header is dead too', async () => {
    server.next(lists[0] ?? (() => undefined), () => undefined);
    run();
    await until(() => server.requests.length === 2);
    await clock.advance(151_000);
    await clock.advance(await delayAfter(1));
    await watchNumber(1);
    expect(watchedFrom()).toStrictEqual(['10', '10']);
  });
});
