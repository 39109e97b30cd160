// The recorder of Events (src/kubernetes/events) over real sockets: the very requests, how repeats are folded, and that it
// neither fails nor waits. How it stops, and its bounds, are in events-bounds.test.ts.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogFields } from '../../src/controller/ports.ts';
import type { Problem } from '../../src/domain/errors.ts';
import { HttpApi } from '../../src/kubernetes/api.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import { EventRecorder } from '../../src/kubernetes/events.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  type StubApiServer,
  connectTo,
  leakedText,
  startStubApiServer,
  until,
} from '../support/stub-api-server.ts';

let server: StubApiServer;
let connection: Connection;
let clock: ManualClock;
let events: EventRecorder;
let logged: unknown[];

beforeEach(async () => {
  server = await startStubApiServer();
  let made = 0;
  server.handle((exchange) => {
    if (exchange.request.method !== 'POST') return exchange.json({});
    made += 1;
    return exchange.json({ metadata: { name: `event-${made}` } }, 201);
  });
  connection = connectTo(server);
  clock = new ManualClock({ now: Date.UTC(2026, 0, 2, 3, 4, 5, 67) });
  logged = [];
  const note = (message: string, fields?: LogFields) => void logged.push([message, fields]);
  events = new EventRecorder({
    api: new HttpApi({ connection, clock: new ManualClock(), userAgent: 'x' }),
    clock,
    log: { debug: note, info: note, warn: note, error: note },
    instance: 'my-instance',
    reporter: { namespace: 'our-own', pod: 'pod-1' },
    secretName: 'ecr-pull-secret',
  });
});

afterEach(async () => {
  await connection.close();
  await server.close();
});

const problem = (overrides: Partial<Problem> = {}): Problem => ({
  reason: 'NoRegistries',
  subject: 'registries',
  note: 'no registry is named: set the annotation',
  ...overrides,
});

const minutes = (count: number) => count * 60_000;

/** Lets time pass until that many requests have come, and some more, in which none may come. */
async function requests(count: number): Promise<void> {
  const end = performance.now() + 20_000;
  for (let more = 10; more > 0 && performance.now() < end; more -= server.requests.length < count ? 0 : 1) {
    await clock.advance(10);
    await new Promise<void>((resolve) => void setTimeout(resolve, 2));
  }
  expect(server.requests).toHaveLength(count);
}

const asked = () => server.requests.map(({ method, path }) => `${method} ${path}`);
const bodies = () =>
  server.requests.map(({ body }) => JSON.parse(body) as { note?: string; series?: { count: number } });
const path = '/apis/events.k8s.io/v1/namespaces/team-a/events';

describe('a problem', () => {
  test('is one Event in the namespace of the tenant, regarding our Secret', async () => {
    events.warn('team-a', problem());
    await requests(1);
    expect(asked()).toStrictEqual([`POST ${path}`]);
    expect(bodies()[0]).toStrictEqual({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { generateName: 'ecr-pull-secret-', namespace: 'team-a' },
      eventTime: '2026-01-02T03:04:05.067000Z',
      reportingController: 'my-instance',
      reportingInstance: 'pod-1',
      action: 'Reconcile',
      reason: 'NoRegistries',
      type: 'Warning',
      note: 'no registry is named: set the annotation',
      regarding: { apiVersion: 'v1', kind: 'Secret', namespace: 'team-a', name: 'ecr-pull-secret' },
    });
  });

  test.each([
    ['ASCII', 'x'],
    ['two bytes a letter', 'ü'],
    ['three bytes a letter', '日'],
    ['four bytes a letter', '🙂'],
    ['a letter that the limit falls into', 'xx🙂'],
  ])(
    'with a long note of %s is cut to what the API server takes, between two letters',
    async (_what, piece) => {
      const note = piece.repeat(2_000);
      events.warn('team-a', problem({ note }));
      await requests(1);
      const sent = bodies()[0]?.note ?? '';
      expect(Buffer.byteLength(sent)).toBeLessThanOrEqual(1_000);
      expect(sent.length).toBeGreaterThan(200);
      expect(sent.isWellFormed() && !sent.includes('\uFFFD')).toBe(true);
      expect(note.startsWith(sent.replace(/…$|\.\.\.$/, ''))).toBe(true);
    },
  );

  test('of its own for each namespace, reason and note', async () => {
    events.warn('team-a', problem());
    events.warn('team-b', problem({ note: 'of b' }));
    events.warn('team-a', problem({ reason: 'Forbidden' }));
    events.warn('team-a', problem({ note: 'another' }));
    events.warn('team-a', problem({ subject: 'elsewhere', retryAt: 5 }));
    await requests(4);
    expect(asked().every((request) => request.startsWith('POST '))).toBe(true);
  });

  test('does not follow another without a pause', async () => {
    events.warn('team-a', problem());
    events.warn('team-b', problem({ note: 'of b' }));
    await until(() => clock.timers.length === 1);
    expect(server.requests).toHaveLength(1);
    await requests(2);
  });
});

describe('a problem that lasts', () => {
  test('sends nothing for ten minutes, then the series of the same Event', async () => {
    events.warn('team-a', problem());
    await requests(1);
    for (const after of [1, 3, 4]) {
      await clock.advance(minutes(after));
      events.warn('team-a', problem());
    }
    await requests(1);
    await clock.advance(minutes(2));
    events.warn('team-a', problem());
    const at = clock.now();
    await requests(2);
    expect(asked()).toStrictEqual([`POST ${path}`, `PATCH ${path}/event-1`]);
    expect(server.requests[1]?.headers['content-type']).toBe('application/merge-patch+json');
    const lastObservedTime = new Date(at).toISOString().replace('Z', '000Z');
    expect(bodies()[1]).toStrictEqual({ series: { count: 5, lastObservedTime } });
  });

  test('is counted on and on', async () => {
    for (let round = 1; round <= 4; round += 1) {
      events.warn('team-a', problem());
      await requests(round);
      await clock.advance(minutes(11));
    }
    expect(bodies().map(({ series }) => series?.count)).toStrictEqual([undefined, 2, 3, 4]);
  });

  test('is an Event anew when the old one has expired', async () => {
    events.warn('team-a', problem());
    await requests(1);
    await clock.advance(minutes(90));
    server.next((exchange) => exchange.refuse(404, 'NotFound'));
    events.warn('team-a', problem());
    await requests(3);
    await clock.advance(minutes(11));
    events.warn('team-a', problem());
    await requests(4);
    expect(asked()).toStrictEqual([
      `POST ${path}`,
      `PATCH ${path}/event-1`,
      `POST ${path}`,
      `PATCH ${path}/event-2`,
    ]);
    expect(bodies()[3]?.series?.count).toBe(2);
  });
});

describe('a failure', () => {
  test.each([
    ['for lack of rights', 403, 'Forbidden'],
    ['in a terminating namespace', 403, 'NamespaceTerminating'],
    ['of the server', 500, 'InternalError'],
    ['by too many requests', 429, 'TooManyRequests'],
  ])('%s is swallowed, and the next problem is sent all the same', async (_why, status, reason) => {
    server.next((exchange) => exchange.refuse(status, reason));
    events.warn('team-a', problem());
    events.warn('team-b', problem({ note: 'of b' }));
    await requests(2);
    expect(logged.length).toBeGreaterThan(0);
    expect(JSON.stringify(logged)).not.toContain(leakedText);
  });

  test('leaves no Event behind, so the next report makes one', async () => {
    server.next((exchange) => exchange.cut());
    events.warn('team-a', problem());
    await requests(1);
    await clock.advance(minutes(11));
    events.warn('team-a', problem());
    await requests(2);
    expect(asked()).toStrictEqual([`POST ${path}`, `POST ${path}`]);
  });

  test('to repeat leaves the Event, so the next report repeats', async () => {
    events.warn('team-a', problem());
    await requests(1);
    await clock.advance(minutes(11));
    server.next((exchange) => exchange.refuse(500, 'InternalError'));
    events.warn('team-a', problem());
    await requests(2);
    await clock.advance(minutes(11));
    events.warn('team-a', problem());
    await requests(3);
    expect(asked()).toStrictEqual([`POST ${path}`, `PATCH ${path}/event-1`, `PATCH ${path}/event-1`]);
  });
});
