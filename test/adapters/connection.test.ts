// The connection of a pod (src/kubernetes/connection) over real TLS: token and CA from files that are replaced while the
// program runs, as the kubelet does.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HttpApi } from '../../src/kubernetes/api.ts';
import { InClusterConnection } from '../../src/kubernetes/connection.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  type Authority,
  type StubApiServer,
  makeAuthority,
  startStubApiServer,
  until,
} from '../support/stub-api-server.ts';

let directory: string;
let first: Authority;
let second: Authority;
let server: StubApiServer;
let clock: ManualClock;
let connection: InClusterConnection;
let api: HttpApi;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'connection-test-'));
  first = makeAuthority(directory, 'first');
  second = makeAuthority(directory, 'second');
});

afterAll(() => rm(directory, { recursive: true }));

const mount = async (token: string, { cert }: Authority) => {
  await writeFile(join(directory, 'token'), `${token}\n`);
  await writeFile(join(directory, 'ca.crt'), cert);
};

beforeEach(async () => {
  server = await startStubApiServer({ tls: first });
  server.handle((exchange) => exchange.json({}));
  await mount('token-1', first);
  clock = new ManualClock();
  connection = new InClusterConnection({
    host: '127.0.0.1',
    port: String(server.port),
    directory,
    namespace: 'own',
    clock,
  });
  api = new HttpApi({
    connection,
    clock: { timeoutSignal: (ms) => AbortSignal.timeout(ms) },
    userAgent: 'x',
  });
});

afterEach(async () => {
  await connection.close();
  await server.close();
});

const get = () => api.call({ method: 'GET', path: '/version' });
const sentTokens = () => server.requests.map(({ headers }) => headers.authorization);

describe('the token', () => {
  test('is sent as the file has it, without the line end', async () => {
    await get();
    expect(sentTokens()).toStrictEqual(['Bearer token-1']);
  });

  test('is read again after a minute, and not before', async () => {
    await get();
    await mount('token-2', first);
    await clock.advance(59_000);
    await get();
    await clock.advance(1_001);
    await get();
    expect(sentTokens()).toStrictEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
  });

  test('is read again at once when it was refused', async () => {
    await get();
    await mount('token-2', first);
    server.next((exchange) => exchange.refuse(401, 'Unauthorized'));
    await get();
    expect(sentTokens()).toStrictEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
  });

  test('is read again when the wall clock was set back or has run on while the machine slept', async () => {
    await get();
    await mount('token-2', first);
    clock.jump(-10_000);
    await get();
    await mount('token-3', first);
    clock.jump(3_600_000);
    await get();
    expect(sentTokens()).toStrictEqual(['Bearer token-1', 'Bearer token-2', 'Bearer token-3']);
  });

  test('that cannot be read is an error which names no path but says why', async () => {
    await rm(join(directory, 'token'));
    await expect(get()).rejects.toMatchObject({
      name: 'ApiError',
      status: 0,
      reason: expect.stringMatching(/^ENOENT, .*ServiceAccount volume/),
    });
    expect(server.requests).toHaveLength(0);
  });
});

describe('the CA', () => {
  test('that did not sign the certificate of the server keeps every request from being sent', async () => {
    await mount('token-1', second);
    await expect(get()).rejects.toMatchObject({ name: 'ApiError', status: 0 });
    expect(server.requests).toHaveLength(0);
  });

  test('that was replaced is trusted a minute later at the latest, on new connections', async () => {
    await get();
    server.rotate(second);
    await mount('token-1', second);
    await expect(get()).rejects.toMatchObject({ status: 0 });
    await clock.advance(60_001);
    await get();
    expect(server.requests).toHaveLength(2);
    expect(server.connections).toBe(2);
  });

  test('that is the same after a new look keeps the connections', async () => {
    for (let minute = 0; minute < 5; minute += 1) {
      await get();
      await mount(`token-${minute}`, first);
      await clock.advance(60_001);
    }
    expect(server.connections).toBe(1);
  });

  test('that was replaced leaves what is under way alone', async () => {
    let answer: (() => void) | undefined;
    server.next((exchange) => void (answer = () => exchange.json({ late: true })));
    const slow = get();
    await until(() => answer !== undefined);
    await mount('token-1', { ...second, cert: `${second.cert}${first.cert}` });
    await clock.advance(60_001);
    await get();
    answer?.();
    expect((await slow).body).toStrictEqual({ late: true });
  });
});

describe('closing', () => {
  const hanging = async () => {
    server.next(() => undefined);
    const end = get().catch((error: unknown) => error);
    await until(() => server.requests.length === 1);
    return end;
  };

  test('cuts what is open', async () => {
    const request = hanging();
    await until(() => server.requests.length === 1);
    await connection.close();
    expect(await request).toMatchObject({ status: 0 });
  });

  test('cuts what is open from before the CA was replaced', async () => {
    const request = hanging();
    await until(() => server.requests.length === 1);
    await mount('token-1', { ...second, cert: `${second.cert}${first.cert}` });
    await clock.advance(60_001);
    await get();
    await connection.close();
    const late = new Promise((resolve) => void setTimeout(resolve, 10_000, 'still open'));
    expect(await Promise.race([request, late])).toMatchObject({ status: 0 });
  });

  test('of a connection that was never used is fine', async () => {
    await expect(connection.close()).resolves.toBeUndefined();
  });
});

describe('the address', () => {
  test('of IPv6 is written with brackets', async () => {
    const props = { port: '443', directory, namespace: 'own', clock };
    expect(new InClusterConnection({ ...props, host: 'fd00::1' }).origin).toBe('https://[fd00::1]:443');
    expect(new InClusterConnection({ ...props, host: '10.0.0.1' }).origin).toBe('https://10.0.0.1:443');
    expect(new InClusterConnection({ ...props, host: 'fd00::1' }).prefix).toBe('');
  });

  test('of IPv6 is reached, where the machine has it', async ({ skip }) => {
    const local = await startStubApiServer({ tls: first, host: '::1' }).catch(() => undefined);
    if (local === undefined) return skip('no IPv6 on this machine');
    local.handle((exchange) => exchange.json({ six: true }));
    const six = new InClusterConnection({
      host: '::1',
      port: String(local.port),
      directory,
      namespace: 'own',
      clock,
    });
    const client = new HttpApi({ connection: six, clock, userAgent: 'x' });
    expect((await client.call({ method: 'GET', path: '/' })).body).toStrictEqual({ six: true });
    await six.close();
    await local.close();
  });
});
