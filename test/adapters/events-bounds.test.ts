// The bounds of the recorder of Events (src/kubernetes/events): how much it keeps and sends when everything is wrong at
// once, and how it stops, also while the server hangs.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Api, ApiAnswer, Log } from '../../src/controller/ports.ts';
import type { Problem } from '../../src/domain/errors.ts';
import { HttpApi } from '../../src/kubernetes/api.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import { EventRecorder } from '../../src/kubernetes/events.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type StubApiServer, connectTo, startStubApiServer, until } from '../support/stub-api-server.ts';

const capacity = 2_000;

const nothing = () => undefined;
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const problem: Problem = { reason: 'NoRegistries', subject: 'registries', note: 'no registry is named' };

let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});

const recorderOn = (api: Api) =>
  new EventRecorder({
    api,
    clock,
    log,
    instance: 'i',
    reporter: { namespace: 'own', pod: 'r' },
    secretName: 's',
  });

describe('with more problems than it can remember', () => {
  /** In ms; less than the ten minutes within which a repeat is not sent. */
  const minutesToSendAll = 4 * 60_000;

  /** An API server in memory, since thousands of requests are counted; it hangs while `gate` is closed. */
  const counting = () => {
    const namespaces: string[] = [];
    const gate = Promise.withResolvers<void>();
    const call = async ({ path }: { path: string }): Promise<ApiAnswer> => {
      namespaces.push(path.split('/')[5] ?? '');
      await gate.promise;
      return { status: 201, body: { metadata: { name: 'event' } } };
    };
    const watch = () => {
      throw new Error('it does not watch');
    };
    return { api: { call, watch }, namespaces, open: gate.resolve };
  };

  const warnAll = (events: EventRecorder, count: number) => {
    for (let index = 0; index < count; index += 1) events.warn(`team-${index}`, problem);
  };

  test('while the server hangs it keeps no more than that to be sent', async () => {
    const { api, namespaces, open } = counting();
    warnAll(recorderOn(api), capacity + 500);
    expect(namespaces).toHaveLength(1);
    open();
    await clock.advance((capacity + 1_000) * 50);
    expect(namespaces.length).toBeGreaterThan(capacity / 2);
    expect(namespaces.length).toBeLessThanOrEqual(capacity + 1);
  });

  test('it does not make a new Event for each report of the same problem', async () => {
    const { api, namespaces, open } = counting();
    open();
    const events = recorderOn(api);
    warnAll(events, capacity + 500);
    await clock.advance(minutesToSendAll);
    warnAll(events, capacity + 500);
    await clock.advance(minutesToSendAll);
    expect(namespaces.length).toBeLessThanOrEqual(capacity + 500);
  });
});

describe('what is not news', () => {
  /** An API server in memory: the requests that it got, such as `POST team-a`. */
  function recording() {
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const call = async ({ method, path }: { method: string; path: string }): Promise<ApiAnswer> => {
      asked.push(`${method} ${path.split('/')[5] ?? ''}`);
      answers.shift()?.();
      return { status: 201, body: { metadata: { name: 'event' } } };
    };
    const watch = () => {
      throw new Error('it does not watch');
    };
    const events = recorderOn({ call, watch });
    const warn = async (namespace: string, note = `of ${namespace}`) => {
      events.warn(namespace, { ...problem, note });
      await clock.advance(1_000);
    };
    const failNext = () =>
      answers.push(() => {
        throw new Error('the API server is away');
      });
    return { events, asked, warn, failNext };
  }

  test('is news again in a namespace that was done with, and in no other', async () => {
    const { events, asked, warn } = recording();
    for (const name of ['team-a', 'team-ab']) await warn(name);
    events.forget('team-a');
    for (const name of ['team-a', 'team-ab']) await warn(name);
    expect(asked).toStrictEqual(['POST team-a', 'POST team-ab', 'POST team-a']);
  });

  test('of a namespace that was done with is not sent any more', async () => {
    const { events, asked } = recording();
    for (const name of ['team-a', 'team-b', 'team-c']) events.warn(name, { ...problem, note: `of ${name}` });
    events.forget('team-b');
    await clock.advance(10_000);
    expect(asked).toStrictEqual(['POST team-a', 'POST team-c']);
  });

  test('is told anew by the next report where it could not be sent, without waiting for ten minutes', async () => {
    const { asked, warn, failNext } = recording();
    failNext();
    for (let report = 0; report < 3; report += 1) await warn('team-a');
    expect(asked).toStrictEqual(['POST team-a', 'POST team-a']);
  });

  test('does not stay untold for a day where the clock is set back by a day', async () => {
    const { asked, warn } = recording();
    await warn('team-a');
    clock.jump(-24 * 60 * 60_000);
    await warn('team-a');
    expect(asked).toStrictEqual(['POST team-a', 'PATCH team-a']);
  });
});

describe('stopping', () => {
  let server: StubApiServer;
  let connection: Connection;
  let events: EventRecorder;

  beforeEach(async () => {
    server = await startStubApiServer();
    server.handle((exchange) => exchange.json({ metadata: { name: 'e' } }, 201));
    connection = connectTo(server);
    events = recorderOn(new HttpApi({ connection, clock: new ManualClock(), userAgent: 'x' }));
  });

  afterEach(async () => {
    await connection.close();
    await server.close();
  });

  const soon = (work: Promise<void>) =>
    Promise.race([
      work.then(() => 'stopped'),
      new Promise((resolve) => void setTimeout(resolve, 10_000, 'still waiting')),
    ]);

  test('with nothing to send is done at once', async () => {
    expect(await soon(events.stop(clock.timeoutSignal(2_000)))).toBe('stopped');
  });

  test('sends what is queued, as long as there is time', async () => {
    for (const name of ['a', 'b', 'c']) events.warn(name, { ...problem, note: name });
    const stopped = events.stop(clock.timeoutSignal(2_000));
    for (let sent = 1; sent <= 3; sent += 1) {
      await until(() => server.requests.length >= sent);
      await until(() => sent === 3 || clock.timers.length === 2);
      await clock.advance(50);
    }
    expect(await soon(stopped)).toBe('stopped');
    expect(server.requests).toHaveLength(3);
  });

  test('sends nothing more when the time is over', async () => {
    for (const name of ['a', 'b', 'c']) events.warn(name, problem);
    await until(() => clock.timers.length === 1);
    const stopped = events.stop(AbortSignal.abort());
    expect(await soon(stopped)).toBe('stopped');
    await clock.advance(10_000);
    expect(server.requests).toHaveLength(1);
  });

  test('ends in time while the server hangs', async () => {
    server.handle(() => undefined);
    for (const name of ['a', 'b']) events.warn(name, problem);
    await until(() => server.requests.length === 1);
    const stopped = events.stop(clock.timeoutSignal(2_000));
    await clock.advance(2_000);
    expect(await soon(stopped)).toBe('stopped');
    expect(server.requests).toHaveLength(1);
  });

  test('is the end: what is reported later is not sent', async () => {
    events.warn('a', problem);
    expect(await soon(events.stop(clock.timeoutSignal(2_000)))).toBe('stopped');
    events.warn('b', problem);
    await clock.advance(1_000);
    await new Promise<void>((resolve) => void setTimeout(resolve, 50));
    expect(server.requests).toHaveLength(1);
  });
});
