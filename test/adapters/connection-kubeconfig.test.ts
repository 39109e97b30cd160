// The connection of a kubeconfig (src/kubernetes/connection) over real TLS: tokens, token files, several files, proxied
// paths, and the errors that tell a person what to do.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HttpApi } from '../../src/kubernetes/api.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import { connectByKubeconfig } from '../../src/kubernetes/kubeconfig.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  type Authority,
  type StubApiServer,
  makeAuthority,
  startStubApiServer,
} from '../support/stub-api-server.ts';

let directory: string;
let authority: Authority;
let server: StubApiServer;
let clock: ManualClock;
let open: Connection[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kubeconfig-test-'));
  await mkdir(join(directory, 'sub'));
  authority = makeAuthority(directory, 'ca');
});

afterAll(() => rm(directory, { recursive: true }));

beforeEach(async () => {
  server = await startStubApiServer({ tls: authority });
  server.handle((exchange) => exchange.json({}));
  clock = new ManualClock();
  open = [];
});

afterEach(async () => {
  await Promise.all(open.map((connection) => connection.close()));
  await server.close();
});

interface Contents {
  readonly clusters?: Readonly<Record<string, object>>;
  readonly users?: Readonly<Record<string, object>>;
  readonly contexts?: Readonly<Record<string, { cluster: string; user: string }>>;
  readonly current?: string;
}

/** Writes a kubeconfig; JSON is YAML. @returns its path */
async function write(name: string, { clusters = {}, users = {}, contexts = {}, current }: Contents) {
  const named = (key: string, values: object) =>
    Object.entries(values).map(([entry, value]) => ({ name: entry, [key]: value as unknown }));
  const path = join(directory, name);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: named('cluster', clusters),
    users: named('user', users),
    contexts: named('context', contexts),
    ...(current === undefined ? {} : { 'current-context': current }),
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

const here = () => ({
  server: server.url,
  'certificate-authority-data': Buffer.from(authority.cert).toString('base64'),
});

const single = (user: object, cluster: object = here()): Contents => ({
  clusters: { c: cluster },
  users: { u: user },
  contexts: { main: { cluster: 'c', user: 'u' } },
  current: 'main',
});

async function connect(files: readonly string[], context?: string): Promise<HttpApi> {
  const connection = await connectByKubeconfig({ files, context, clock });
  open.push(connection);
  return new HttpApi({ connection, clock, userAgent: 'x' });
}

const get = (api: HttpApi) => api.call({ method: 'GET', path: '/version' });
const sentTokens = () => server.requests.map(({ headers }) => headers.authorization);

describe('who we are', () => {
  test('is told by a token', async () => {
    await get(await connect([await write('token', single({ token: 'static' }))]));
    expect(sentTokens()).toStrictEqual(['Bearer static']);
  });

  test.each([
    ['with a full path', (name: string) => join(directory, 'sub', name)],
    ['with a path from the folder of the kubeconfig', (name: string) => name],
  ])('is told by a token file %s, read again after a minute and when refused', async (_how, pathOf) => {
    const tokenFile = join(directory, 'sub', 'the-token');
    await writeFile(tokenFile, 'one\n');
    const api = await connect([await write('sub/config', single({ tokenFile: pathOf('the-token') }))]);
    await get(api);
    await writeFile(tokenFile, 'two\n');
    await get(api);
    await clock.advance(60_001);
    await get(api);
    await writeFile(tokenFile, 'three\n');
    server.next((exchange) => exchange.refuse(401, 'Unauthorized'));
    await get(api);
    expect(sentTokens()).toStrictEqual(
      ['one', 'one', 'two', 'two', 'three'].map((token) => `Bearer ${token}`),
    );
  });

  test('is told by a program, which is not run once for each of many requests at the same time', async () => {
    const runs = join(directory, 'runs');
    const credential = {
      kind: 'ExecCredential',
      apiVersion: 'client.authentication.k8s.io/v1',
      status: { token: 'run' },
    };
    const script = `echo x >> ${runs}; sleep 0.2; echo '${JSON.stringify(credential)}'`;
    const exec = {
      apiVersion: credential.apiVersion,
      command: 'sh',
      args: ['-c', script],
      interactiveMode: 'Never',
    };
    const api = await connect([await write('exec', single({ exec }))]);
    await Promise.all(Array.from({ length: 8 }, () => get(api)));
    expect(new Set(sentTokens())).toStrictEqual(new Set(['Bearer run']));
    expect(await readFile(runs, 'utf8')).toBe('x\n');
  });
});

describe('where the API server is', () => {
  test('may be behind a path', async () => {
    const cluster = { ...here(), server: `${server.url}/k8s/clusters/c-1/` };
    await get(await connect([await write('path', single({ token: 't' }, cluster))]));
    expect(server.requests[0]?.path).toBe('/k8s/clusters/c-1/version');
  });

  test('is trusted by a CA file beside the kubeconfig, and by no other', async () => {
    const cluster = { server: server.url, 'certificate-authority': 'ca.crt' };
    await get(await connect([await write('ca', single({ token: 't' }, cluster))]));
    expect(server.requests).toHaveLength(1);
    const trusting = await connect([await write('none', single({ token: 't' }, { server: server.url }))]);
    await expect(get(trusting)).rejects.toMatchObject({ status: 0 });
  });

  test('is reached by one connection, also when credentials were read again', async () => {
    const api = await connect([await write('token', single({ token: 't' }))]);
    for (let minute = 0; minute < 5; minute += 1) {
      await get(api);
      await clock.advance(60_001);
    }
    expect(server.connections).toBe(1);
  });
});

describe('several files', () => {
  test('are one: each may hold a part, and the first current context counts', async () => {
    const files = [
      await write('1', { contexts: { main: { cluster: 'c', user: 'u' } }, current: 'main' }),
      await write('2', {
        clusters: { c: here() },
        contexts: { other: { cluster: 'x', user: 'y' } },
        current: 'other',
      }),
      await write('3', { users: { u: { token: 'merged' } } }),
    ];
    await get(await connect(files));
    expect(sentTokens()).toStrictEqual(['Bearer merged']);
  });

  test('may name the same thing: the first one that says something wins', async () => {
    const files = [
      await write('1', single({ token: 'first' })),
      await write('2', single({ token: 'second' }, { server: 'https://127.0.0.1:1' })),
    ];
    await get(await connect(files));
    expect(sentTokens()).toStrictEqual(['Bearer first']);
  });
});

describe('the context', () => {
  const two = (): Contents => ({
    clusters: { c: here() },
    users: { a: { token: 'a' }, b: { token: 'b' } },
    contexts: { one: { cluster: 'c', user: 'a' }, two: { cluster: 'c', user: 'b' } },
    current: 'one',
  });

  test('is the current one unless another is named', async () => {
    const file = await write('two', two());
    await get(await connect([file]));
    await get(await connect([file], 'two'));
    expect(sentTokens()).toStrictEqual(['Bearer a', 'Bearer b']);
  });

  test.each([
    ['that does not exist', 'nowhere'],
    ['that was never chosen', undefined],
  ])('%s is an error that names it and the cure', async (_which, context) => {
    const { clusters, users, contexts } = two();
    const file = await write('two', {
      ...(clusters && { clusters }),
      ...(users && { users }),
      ...(contexts && { contexts }),
    });
    const failure = connectByKubeconfig({ files: [file], context, clock });
    await expect(failure).rejects.toThrow(/context.*--context/);
    await expect(failure).rejects.toThrow(context ?? 'context');
  });
});

test('a file that does not exist is an error that names it', async () => {
  const missing = join(directory, 'missing');
  await expect(connectByKubeconfig({ files: [missing], clock })).rejects.toThrow(missing);
});
