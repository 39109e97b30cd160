// How the whole controller (src/app) stops over real sockets: in good order, within the ten seconds that it has, whatever
// the API server is doing, and without leaving anything open.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Controller, wireController } from '../../src/app.ts';
import type { Log } from '../../src/controller/ports.ts';
import { HttpApi } from '../../src/kubernetes/api.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  type Exchange,
  type Handler,
  type StubApiServer,
  type WatchStream,
  connectTo,
  startStubApiServer,
  until,
} from '../support/stub-api-server.ts';
import { aSettings, aToken } from '../support/views.ts';

const nothing = () => undefined;
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

let server: StubApiServer;
let connection: Connection;
let clock: ManualClock;
let controller: Controller;
let streams: WatchStream[];

/** The annotations of the Namespaces that the server lists. */
let namespaces: Record<string, Readonly<Record<string, string>>>;
/** What becomes of everything that is not a list or a watch. */
let others: Handler;

beforeEach(async () => {
  server = await startStubApiServer();
  [streams, namespaces, others] = [[], {}, nothing];
  server.handle((exchange) => {
    if (exchange.request.method !== 'GET') return others(exchange);
    if (exchange.request.query['watch'] !== 'true') return list(exchange);
    streams.push(exchange.watch());
  });
  connection = connectTo(server);
  clock = new ManualClock();
  const api = new HttpApi({ connection, clock, userAgent: 'x' });
  const { metrics } = createMetrics('x');
  const issued = Math.floor(clock.now() / 1_000);
  const fetcher = { fetch: () => Promise.resolve(aToken({ issued, expires: issued + 43_200 })) };
  controller = wireController(
    { clock, api, fetcher, log, metrics },
    { settings: aSettings(), reporter: { namespace: 'own', pod: 'pod' } },
  );
});

afterEach(async () => {
  await connection.close();
  await server.close();
});

function list(exchange: Exchange): void {
  const items = Object.entries(namespaces).map(([name, annotations]) => ({
    metadata: { name, resourceVersion: '5', annotations },
  }));
  const isNamespaces = exchange.request.path === '/api/v1/namespaces';
  exchange.json({ kind: 'List', metadata: { resourceVersion: '10' }, items: isNamespaces ? items : [] });
}

const optedIn = { 'ecr-pull-secrets/enabled': 'true' };
const wrong = { 'ecr-pull-secrets/enabled': 'true', 'ecr-pull-secrets/registries': 'no.such.registry' };
const asked = (method: string, part: string) =>
  server.requests.filter(({ method: used, path }) => used === method && path.includes(part)).length;

/** Stops, and lets the time pass that a stop may take. @returns the time that it took, in ms; Infinity: too long */
async function stopWithin(limitMs: number): Promise<number> {
  const begin = clock.now();
  const took: number[] = [];
  void controller.stop().then(() => took.push(clock.now() - begin));
  for (let passed = 0; passed <= limitMs && took.length === 0; passed += 100) {
    await clock.advance(100);
    await new Promise<void>((resolve) => void setTimeout(resolve, 2));
  }
  return took[0] ?? Infinity;
}

test('with nothing under way it stops at once, is not ready any more, and lets go of every watch', async () => {
  await controller.start();
  await until(() => streams.length === 3);
  expect(controller.ready).toBe(true);
  const stopping = controller.stop();
  expect(controller.ready).toBe(false);
  await stopping;
  expect(controller.ready).toBe(false);
  await until(() => streams.every(({ over }) => over));
});

test('a step that is under way may end', async () => {
  namespaces = { 'team-a': optedIn };
  let answer: (() => void) | undefined;
  others = (exchange) => {
    const metadata = { name: 'ecr-pull-secret', namespace: 'team-a', uid: 'u', resourceVersion: '11' };
    answer = () => exchange.json({ metadata }, 201);
  };
  await controller.start();
  await until(() => answer !== undefined);
  let over = false;
  const stopping = controller.stop().then(() => (over = true));
  await clock.advance(1_000);
  expect(over).toBe(false);
  answer?.();
  await stopping;
  expect(controller.stores.secrets.get('ecr-pull-secret')?.get('team-a')?.uid).toBe('u');
});

test('a write that hangs does not hold the stop up for longer than eight seconds, and none follows it', async () => {
  namespaces = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`team-${index}`, optedIn]));
  await controller.start();
  // Half of the workers: the first list is routine work.
  await until(() => asked('PATCH', '/secrets/') === 8);
  expect(await stopWithin(9_000)).toBeLessThanOrEqual(8_100);
  expect(asked('PATCH', '/secrets/')).toBe(8);
  await until(() => streams.every(({ over }) => over));
});

test('an Event that hangs does not hold the stop up either', async () => {
  namespaces = { 'team-a': optedIn, 'team-b': wrong };
  await controller.start();
  await until(() => asked('POST', '/events') === 1 && asked('PATCH', '/secrets/') === 1);
  expect(await stopWithin(9_000)).toBeLessThanOrEqual(8_100);
});

test('lists that hang do not hold the stop up: it was never ready, and does no work later', async () => {
  server.handle(nothing);
  void controller.start();
  await until(() => server.requests.length === 3);
  expect(controller.ready).toBe(false);
  expect(await stopWithin(9_000)).toBeLessThanOrEqual(8_100);
  await clock.advance(60_000);
  await new Promise<void>((resolve) => void setTimeout(resolve, 50));
  expect(server.requests).toHaveLength(3);
});

test('a watch that fails while it stops is not begun again', async () => {
  await controller.start();
  await until(() => streams.length === 3);
  const stopping = controller.stop();
  for (const stream of streams) stream.cut();
  await stopping;
  const before = server.requests.length;
  await clock.advance(60_000);
  await new Promise<void>((resolve) => void setTimeout(resolve, 50));
  expect(server.requests).toHaveLength(before);
});
