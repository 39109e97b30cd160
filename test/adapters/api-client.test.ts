// The API client (src/kubernetes/api) over real sockets: what it sends, what it makes of every refusal, how it ends what
// hangs, and that nothing of a refusal's body gets into an error.
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ApiCall } from '../../src/controller/ports.ts';
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

const get: ApiCall = { method: 'GET', path: '/api/v1/namespaces' };

/** What a call failed with; anything but an ApiError is a failure of the test. */
async function failureOf(work: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await work.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

describe('a call', () => {
  test('sends method, path, query and body as they are, and gives back status and decoded JSON', async () => {
    server.next((exchange) => exchange.json({ kind: 'Secret', note: 'grüße' }, 201));
    const answer = await api.call({
      method: 'PATCH',
      path: '/api/v1/namespaces/team-a/secrets/x',
      query: { fieldManager: 'a b&c', force: 'true' },
      contentType: 'application/apply-patch+yaml',
      body: { text: 'grüße' },
    });
    expect(answer).toStrictEqual({ status: 201, body: { kind: 'Secret', note: 'grüße' } });
    expect(server.requests).toMatchObject([
      {
        method: 'PATCH',
        path: '/api/v1/namespaces/team-a/secrets/x',
        query: { fieldManager: 'a b&c', force: 'true' },
        headers: { 'content-type': 'application/apply-patch+yaml', authorization: 'Bearer plain' },
        body: '{"text":"grüße"}',
      },
    ]);
  });

  test('says who it is, asks for JSON, and sends no content type without a body', async () => {
    server.handle((exchange) => exchange.json({}));
    await api.call(get);
    expect(server.requests[0]?.headers).toMatchObject({
      'user-agent': 'ecr-pull-secrets/test',
      accept: 'application/json',
    });
    expect(server.requests[0]?.headers).not.toHaveProperty('content-type');
    expect(server.requests[0]?.body).toBe('');
    await api.call({ ...get, method: 'POST', body: {} });
    expect(server.requests[1]?.headers['content-type']).toBe('application/json');
  });

  test.each([
    ['metadata', 'PartialObjectMetadata'],
    ['metadata-list', 'PartialObjectMetadataList'],
  ] as const)('asks for %s only, and accepts nothing else', async (representation, kind) => {
    server.handle((exchange) => exchange.json({}));
    await api.call({ ...get, representation });
    expect(server.requests[0]?.headers.accept).toBe(`application/json;as=${kind};g=meta.k8s.io;v=v1`);
  });

  test('uses few connections for many calls, also after refusals', async () => {
    server.handle((exchange) =>
      server.requests.length % 5 === 0 ? exchange.refuse(409, 'Conflict') : exchange.json({}),
    );
    for (let call = 0; call < 50; call += 1) await api.call(get).catch(() => undefined);
    expect(server.requests).toHaveLength(50);
    expect(server.connections).toBeLessThanOrEqual(3);
  });
});

describe('a refusal', () => {
  const cause = { reason: 'FieldValueInvalid', field: 'data[.dockerconfigjson]' };

  test.each([
    [
      '403 with a cause',
      403,
      'Forbidden',
      { causes: [{ reason: 'NamespaceTerminating', field: '' }] },
      undefined,
    ],
    ['404', 404, 'NotFound', {}, undefined],
    ['409', 409, 'Conflict', {}, undefined],
    ['410', 410, 'Expired', {}, undefined],
    ['422 with its fields', 422, 'Invalid', { causes: [cause, cause] }, undefined],
    ['429 with a header', 429, 'TooManyRequests', { retryAfter: '7' }, 7_000],
    ['429 with the time in its body', 429, 'TooManyRequests', { retryAfterSeconds: 3 }, 3_000],
    ['429 with a date', 429, 'TooManyRequests', { retryAfter: 'Wed, 21 Oct 2026 07:28:00 GMT' }, undefined],
    ['500', 500, 'InternalError', {}, undefined],
    ['503 with a header', 503, 'ServiceUnavailable', { retryAfter: '1' }, 1_000],
  ])('of %s keeps status, reason, causes and time, and not a word of the rest', async (...row) => {
    const [, status, reason, options, afterMs] = row;
    server.next((exchange) => exchange.refuse(status, reason, options));
    const error = await failureOf(api.call(get));
    expect(error).toMatchObject({ status, reason, afterMs });
    expect(error.causes).toStrictEqual('causes' in options ? options.causes : []);
    expect(error.message).toBe(`GET /api/v1/namespaces: ${status} ${reason}`);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(leakedText);
  });

  test('with a reason that is prose, as an admission webhook may write it, does not get into the error', async () => {
    server.next((exchange) => exchange.refuse(403, `denied because of ${leakedText}`));
    const error = await failureOf(api.call(get));
    expect(error.status).toBe(403);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(leakedText);
  });

  test.each([
    ['no JSON', `<html>${leakedText}</html>`],
    ['nothing', ''],
    ['null', 'null'],
    ['a text', JSON.stringify(leakedText)],
    ['details of null', '{"reason":"Invalid","details":null}'],
    ['causes that are no list', `{"details":{"causes":"${leakedText}"}}`],
    ['causes of null', '{"details":{"causes":[null]}}'],
    ['a reason that is no text', '{"reason":{"a":1}}'],
  ])('whose body is %s is an ApiError all the same', async (_what, body) => {
    server.next((exchange) => exchange.text(body, 502));
    const error = await failureOf(api.call(get));
    expect(error.status).toBe(502);
    expect(typeof error.reason).toBe('string');
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(leakedText);
  });

  test('by redirection is not followed', async () => {
    server.next((exchange) => exchange.text('{}', 307));
    expect(await failureOf(api.call(get))).toMatchObject({ status: 307 });
    expect(server.requests).toHaveLength(1);
  });
});

describe('a refused token', () => {
  const counting = () => {
    const renewals: boolean[] = [];
    const headers = (renew: boolean) => {
      renewals.push(renew);
      return Promise.resolve({ authorization: `Bearer ${renew ? 'new' : 'old'}` });
    };
    const renewing = { ...connection, headers };
    return { renewals, api: new HttpApi({ connection: renewing, clock, userAgent: 'x' }) };
  };

  test('is read again once, and the request repeated with its body', async () => {
    const { renewals, api: client } = counting();
    server.next((exchange) => exchange.refuse(401, 'Unauthorized'));
    server.handle((exchange) => exchange.json({ kind: 'Event' }, 201));
    const answer = await client.call({ ...get, method: 'POST', body: { a: 1 } });
    expect(answer.status).toBe(201);
    expect(renewals).toStrictEqual([false, true]);
    expect(server.requests.map(({ headers, body }) => [headers.authorization, body])).toStrictEqual([
      ['Bearer old', '{"a":1}'],
      ['Bearer new', '{"a":1}'],
    ]);
  });

  test('that is refused twice is an error, for a call and for a watch', async () => {
    const { renewals, api: client } = counting();
    server.handle((exchange) => exchange.refuse(401, 'Unauthorized'));
    expect(await failureOf(client.call(get))).toMatchObject({ status: 401, reason: 'Unauthorized' });
    expect(renewals).toStrictEqual([false, true]);
    const watched = client.watch(get, new AbortController().signal)[Symbol.asyncIterator]().next();
    expect(await failureOf(watched)).toMatchObject({ status: 401 });
    expect(server.requests).toHaveLength(4);
  });
});

describe('no answer', () => {
  test('within the time-out ends the call, before the first header and in the middle of the body', async () => {
    server.next(() => undefined);
    const silent = failureOf(api.call(get));
    await until(() => server.requests.length === 1);
    await clock.advance(30_000);
    expect(await silent).toMatchObject({ status: 0, reason: 'TimeoutError' });

    let stream: WatchStream | undefined;
    server.next((exchange) => void (stream = exchange.watch().raw('{"kind":')));
    const half = failureOf(api.call(get));
    await until(() => stream !== undefined);
    await clock.advance(30_000);
    expect(await half).toMatchObject({ status: 0, reason: 'TimeoutError' });
    await until(() => stream?.over === true);
  });

  test('because nobody listens names the cause', async () => {
    await server.close();
    const error = await failureOf(api.call(get));
    expect(error).toMatchObject({ status: 0, reason: 'ECONNREFUSED' });
    expect(error.message).toBe('GET /api/v1/namespaces: no answer (ECONNREFUSED)');
  });

  test('because the connection breaks, before the first header or in the middle of the body', async () => {
    server.next((exchange) => exchange.cut());
    expect((await failureOf(api.call(get))).status).toBe(0);
    server.next((exchange) => {
      const stream = exchange.watch().raw(`{"data":"${leakedText}`);
      setTimeout(() => stream.cut(), 20);
    });
    const error = await failureOf(api.call(get));
    expect(error.status).toBe(0);
    expect(inspect(error, { depth: 9 })).not.toContain(leakedText);
    server.next((exchange) => exchange.json({ fine: true }));
    expect((await api.call(get)).body).toStrictEqual({ fine: true });
  });

  test('that makes sense: a body that is no JSON, or too little of it', async () => {
    for (const body of [`hello ${leakedText}`, `{"data":"${leakedText}`, '']) {
      server.next((exchange) => exchange.text(body));
      const error = await failureOf(api.call(get));
      expect(error.status).toBe(0);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(leakedText);
    }
  });
});
