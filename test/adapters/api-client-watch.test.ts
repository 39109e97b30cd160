// The watch of the API client (src/kubernetes/api, json-lines) over real sockets: lines however they are cut, and every way
// in which a watch ends.
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ApiCall, WatchEvent } from '../../src/controller/ports.ts';
import { HttpApi } from '../../src/kubernetes/api.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import { ApiError } from '../../src/kubernetes/errors.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  type StubApiServer,
  type WatchStream,
  connectTo,
  leakedText,
  startStubApiServer,
  until,
} from '../support/stub-api-server.ts';

let server: StubApiServer;
let connection: Connection;
let clock: ManualClock;
let api: HttpApi;

beforeEach(async () => {
  server = await startStubApiServer();
  connection = connectTo(server);
  clock = new ManualClock();
  api = new HttpApi({ connection, clock, userAgent: 'ecr-pull-secrets/test' });
});

afterEach(async () => {
  await connection.close();
  await server.close();
});

const call: ApiCall = {
  method: 'GET',
  path: '/api/v1/secrets',
  query: { watch: 'true', fieldSelector: 'metadata.name=x' },
  representation: 'metadata',
};

interface Watching {
  readonly events: readonly WatchEvent[];
  /** How it ended: `ended`, or what was thrown. */
  readonly end: Promise<unknown>;
  readonly stop: AbortController;
}

function startWatch(): Watching {
  const events: WatchEvent[] = [];
  const stop = new AbortController();
  const read = async () => {
    for await (const event of api.watch(call, stop.signal)) events.push(event);
    return 'ended';
  };
  return { events, end: read().catch((error: unknown) => error), stop };
}

/** A watch that the server has begun to answer. */
async function openWatch(): Promise<Watching & { readonly stream: WatchStream }> {
  let stream: WatchStream | undefined;
  server.next((exchange) => void (stream = exchange.watch()));
  const watching = startWatch();
  await until(() => stream !== undefined);
  if (stream === undefined) throw new Error('unreachable');
  return { ...watching, stream };
}

const pieces = async (stream: WatchStream, bytes: Uint8Array, size: number) => {
  for (let at = 0; at < bytes.length; at += size) {
    stream.raw(bytes.subarray(at, at + size));
    await new Promise<void>((resolve) => void setTimeout(resolve, 2));
  }
};

test('a watch asks for what the call says and yields each line as it comes', async () => {
  const { events, stream, end } = await openWatch();
  expect(server.requests[0]).toMatchObject({ path: call.path, query: call.query });
  stream.send('ADDED', { name: 'a' });
  await until(() => events.length === 1);
  stream.send('MODIFIED', { name: 'a' }).send('BOOKMARK', {});
  await until(() => events.length === 3);
  stream.end();
  expect(await end).toBe('ended');
  expect(events.map(({ type }) => type)).toStrictEqual(['ADDED', 'MODIFIED', 'BOOKMARK']);
});

test('a line that arrives byte by byte, in the middle of characters too, is put together', async () => {
  const { events, stream, end } = await openWatch();
  const object = { name: 'grüße-日本-🙂', text: 'zwei\nZeilen' };
  const lines = `${JSON.stringify({ type: 'ADDED', object })}\n\n${JSON.stringify({ type: 'DELETED', object })}\n`;
  await pieces(stream, Buffer.from(lines), 1);
  stream.end();
  expect(await end).toBe('ended');
  expect(events).toStrictEqual([
    { type: 'ADDED', object },
    { type: 'DELETED', object },
  ]);
});

test('many lines in one piece and one line in many are all the same', async () => {
  const { events, stream, end } = await openWatch();
  const long = 'ü'.repeat(200_000);
  for (let at = 0; at < 500; at += 1) stream.send('ADDED', { at });
  stream.send('ADDED', { long });
  stream.end();
  expect(await end).toBe('ended');
  expect(events).toHaveLength(501);
  expect(events.at(-1)?.object).toStrictEqual({ long });
});

test('a line that the end of the watch has cut off is dropped, since the watch goes on from before it', async () => {
  const { events, stream, end } = await openWatch();
  stream.send('ADDED', { at: 1 }).raw('{"type":"MODIFIED","obj');
  stream.end();
  expect(await end).toBe('ended');
  expect(events).toHaveLength(1);
});

test('an abort ends the watch without an error and lets go of the connection', async () => {
  const { stream, end, stop } = await openWatch();
  stop.abort();
  expect(await end).toBe('ended');
  await until(() => stream.over);
});

test('an abort ends a watch that was never answered, and one that has not been sent', async () => {
  server.next(() => undefined);
  const unanswered = startWatch();
  await until(() => server.requests.length === 1);
  unanswered.stop.abort();
  expect(await unanswered.end).toBe('ended');

  const unsent = startWatch();
  unsent.stop.abort();
  expect(await unsent.end).toBe('ended');
});

test('a reader that has seen enough lets go of the connection', async () => {
  let stream: WatchStream | undefined;
  server.next((exchange) => void (stream = exchange.watch().send('ADDED', {})));
  for await (const event of api.watch(call, new AbortController().signal)) {
    expect(event.type).toBe('ADDED');
    break;
  }
  await until(() => stream?.over === true);
});

test('a watch that is cut in the middle is an ApiError, after the events that had arrived', async () => {
  const { events, stream, end } = await openWatch();
  stream.send('ADDED', {}).raw(`{"type":"ADDED","object":"${leakedText}`);
  await until(() => events.length === 1);
  stream.cut();
  const error = await end;
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 0 });
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(leakedText);
});

test('a line that is no JSON is an ApiError that does not repeat it', async () => {
  const { stream, end } = await openWatch();
  stream.raw(`upstream says ${leakedText}\n`);
  const error = await end;
  expect(error).toBeInstanceOf(ApiError);
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(leakedText);
  await until(() => stream.over);
});

test('a watch that is refused is an ApiError with the status', async () => {
  server.next((exchange) => exchange.refuse(410, 'Expired'));
  expect(await startWatch().end).toMatchObject({ name: 'ApiError', status: 410, reason: 'Expired' });
  server.next((exchange) => exchange.refuse(429, 'TooManyRequests', { retryAfter: '2' }));
  expect(await startWatch().end).toMatchObject({ status: 429, afterMs: 2_000 });
});

test('a watch outlives the time-out of calls', async () => {
  const { events, stream, end } = await openWatch();
  await clock.advance(3_600_000);
  stream.send('ADDED', {});
  await until(() => events.length === 1);
  stream.end();
  expect(await end).toBe('ended');
});
