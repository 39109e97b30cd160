// The Cluster port (src/kubernetes/cluster) where something is taken away: deleting a Secret and removing entries, each only as
// it was seen. Writing is in cluster-port.test.ts, the look that goes before in cluster-port-look.test.ts.
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SecretView, ServiceAccountView } from '../../src/domain/views.ts';
import { HttpApi } from '../../src/kubernetes/api.ts';
import { KubernetesCluster } from '../../src/kubernetes/cluster.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import { DryRunApi } from '../../src/kubernetes/dry-run.ts';
import { Store } from '../../src/kubernetes/store.ts';
import { secretProjector } from '../../src/kubernetes/views.ts';
import { ManualClock } from '../support/manual-clock.ts';
import {
  type Handler,
  type StubApiServer,
  connectTo,
  leakedText,
  startStubApiServer,
} from '../support/stub-api-server.ts';
import { aSecret, aServiceAccount } from '../support/views.ts';

let server: StubApiServer;
let connection: Connection;
let secrets: Store<SecretView>;
let accounts: Store<ServiceAccountView>;
let told: string[];

beforeEach(async () => {
  server = await startStubApiServer();
  connection = connectTo(server);
  [secrets, accounts] = [new Store(), new Store()];
  told = [];
  for (const store of [secrets, accounts]) {
    store.onChange(({ key, after, origin }) =>
      told.push(`${key} ${after?.resourceVersion ?? 'gone'} ${origin}`),
    );
  }
});

afterEach(async () => {
  await connection.close();
  await server.close();
});

function clusterWith({ dry = false } = {}): KubernetesCluster {
  const api = new HttpApi({ connection, clock: new ManualClock(), userAgent: 'x' });
  return new KubernetesCluster({
    api: dry ? new DryRunApi(api) : api,
    namespaces: new Store(),
    secrets: new Map([
      ['ecr-pull-secret', new Store()],
      ['old', secrets],
    ]),
    serviceAccounts: new Map([['default', accounts]]),
    projectSecret: secretProjector({ manager: 'ecr-pull-secrets', fields: [] }),
    manager: 'ecr-pull-secrets',
    selection: { only: [], selector: '' },
  });
}

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );

const asked = () => server.requests.map(({ method, path }) => `${method} ${path}`);
const bodyOf = (index: number): unknown => JSON.parse(server.requests[index]?.body ?? '');
const conflict = { name: 'Retryable', reason: 'conflict' };

describe('deleting a Secret', () => {
  const path = '/api/v1/namespaces/team-a/secrets/old';
  const seen = aSecret({ name: 'old', uid: 'uid-1', resourceVersion: '50' });
  const metadata = (resourceVersion: string, uid: string) => ({
    metadata: { name: 'old', namespace: 'team-a', uid, resourceVersion },
  });

  beforeEach(() => {
    secrets.put('team-a', seen, 'cluster');
    told = [];
  });

  test('is one request with uid and version as preconditions, and it is known to be gone at once', async () => {
    const cluster = clusterWith();
    server.next((exchange) => exchange.json({ kind: 'Status', status: 'Success' }));
    await cluster.deleteSecret(seen);
    expect(asked()).toStrictEqual([`DELETE ${path}`]);
    expect(bodyOf(0)).toStrictEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: 'uid-1', resourceVersion: '50' },
    });
    expect(server.requests[0]?.headers['content-type']).toBe('application/json');
    expect([told, cluster.secret('team-a', 'old')]).toStrictEqual([['team-a gone own'], undefined]);
  });

  test('does not forget what has taken its place meanwhile', async () => {
    server.next((exchange) => {
      secrets.put('team-a', { ...seen, uid: 'uid-2', resourceVersion: '70' }, 'cluster');
      exchange.json({ kind: 'Status', status: 'Success' });
    });
    await clusterWith().deleteSecret(seen);
    expect(secrets.get('team-a')?.uid).toBe('uid-2');
  });

  test('that has changed, or is another one, is a conflict after one read; nothing is sent twice', async () => {
    server.next((exchange) => exchange.refuse(409, 'Conflict'));
    server.next((exchange) => exchange.json(metadata('58', 'uid-2')));
    expect(await failureOf(clusterWith().deleteSecret(seen))).toMatchObject(conflict);
    expect(asked()).toStrictEqual([`DELETE ${path}`, `GET ${path}`]);
    expect(secrets.get('team-a')).toMatchObject({ uid: 'uid-2', resourceVersion: '58' });
  });

  test('that is gone already forgets it and is a conflict', async () => {
    server.handle((exchange) => exchange.refuse(404, 'NotFound'));
    expect(await failureOf(clusterWith().deleteSecret(seen))).toMatchObject(conflict);
    expect(told).toStrictEqual(['team-a gone own']);
  });

  test.each<[string, Handler, object]>([
    ['for lack of rights is blocked', (exchange) => exchange.refuse(403, 'Forbidden'), { name: 'Blocked' }],
    [
      'because of too many requests waits as long as asked',
      (exchange) => exchange.refuse(429, 'TooManyRequests', { retryAfter: '3' }),
      { name: 'Retryable', reason: 'throttled', afterMs: 3_000 },
    ],
    ['by a cut is tried again', (exchange) => exchange.cut(), { name: 'Retryable', reason: 'network' }],
  ])('that is refused %s; it stays known', async (_how, handler, expected) => {
    server.next(handler);
    const error = await failureOf(clusterWith().deleteSecret(seen));
    expect(error).toMatchObject(expected);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(leakedText);
    expect([asked().length, secrets.get('team-a')]).toStrictEqual([1, seen]);
  });

  test('in a dry run asks the server to keep it', async () => {
    server.next((exchange) => exchange.json({ kind: 'Status', status: 'Success' }));
    await clusterWith({ dry: true }).deleteSecret(seen);
    expect(server.requests[0]?.query).toStrictEqual({ dryRun: 'All' });
  });
});

describe('removing an entry from a ServiceAccount', () => {
  const path = '/api/v1/namespaces/team-a/serviceaccounts/default';
  const seen = aServiceAccount({
    resourceVersion: '50',
    pullSecrets: ['a', 'old', 'b', 'old', 'old-2', 'old'],
  });
  const account = (resourceVersion: string, names: readonly string[]) => ({
    metadata: { namespace: 'team-a', name: 'default', resourceVersion },
    imagePullSecrets: names.map((name) => ({ name })),
  });

  beforeEach(() => accounts.put('team-a', seen, 'cluster'));

  test('takes every one of that name, from the last to the first, guarded by the version that was seen', async () => {
    const cluster = clusterWith();
    server.next((exchange) => exchange.json(account('60', ['a', 'b', 'old-2'])));
    await cluster.detach(seen, 'old');
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({
      method: 'PATCH',
      path,
      query: { fieldManager: 'ecr-pull-secrets' },
      headers: { 'content-type': 'application/json-patch+json' },
    });
    expect(bodyOf(0)).toStrictEqual([
      { op: 'replace', path: '/metadata/resourceVersion', value: '50' },
      { op: 'remove', path: '/imagePullSecrets/5' },
      { op: 'remove', path: '/imagePullSecrets/3' },
      { op: 'remove', path: '/imagePullSecrets/1' },
    ]);
    expect(told.at(-1)).toBe('team-a 60 own');
    expect(cluster.serviceAccount('team-a', 'default')?.pullSecrets).toStrictEqual(['a', 'b', 'old-2']);
  });

  test.each([
    ['that has changed', 409, 'Conflict'],
    ['whose list is shorter by now', 422, 'Invalid'],
  ])('%s reads it anew and is a conflict', async (_what, status, reason) => {
    server.next((exchange) => exchange.refuse(status, reason));
    server.next((exchange) => exchange.json(account('55', ['theirs'])));
    expect(await failureOf(clusterWith().detach(seen, 'old'))).toMatchObject(conflict);
    expect(asked()).toStrictEqual([`PATCH ${path}`, `GET ${path}`]);
    expect(accounts.get('team-a')?.pullSecrets).toStrictEqual(['theirs']);
  });

  test('that is gone forgets it and is a conflict', async () => {
    server.handle((exchange) => exchange.refuse(404, 'NotFound'));
    expect(await failureOf(clusterWith().detach(seen, 'old'))).toMatchObject(conflict);
    expect(told.at(-1)).toBe('team-a gone own');
  });

  test.each(['attach', 'detach'] as const)(
    'or adding one, that an admission policy denies by 422, is blocked with its name: %s',
    async (verb) => {
      const message = `ValidatingAdmissionPolicy 'no-touching.example.com' with binding 'b' denied request: x`;
      server.next((exchange) => exchange.refuse(422, 'Invalid', { message }));
      const error = await failureOf(clusterWith()[verb](seen, 'old'));
      expect(error).toMatchObject({ name: 'Blocked', problem: { reason: 'Forbidden' } });
      expect(inspect(error)).toContain('no-touching.example.com');
    },
  );

  test('without the right to is blocked and names the ServiceAccount', async () => {
    server.next((exchange) => exchange.refuse(403, 'Forbidden'));
    expect(await failureOf(clusterWith().detach(seen, 'old'))).toMatchObject({
      name: 'Blocked',
      problem: { reason: 'Forbidden', subject: expect.stringContaining('team-a/default') },
    });
  });
});
