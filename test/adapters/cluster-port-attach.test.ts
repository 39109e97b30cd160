// The Cluster port (src/kubernetes/cluster) beside the writing of Secrets: attaching to a ServiceAccount under a guard, and
// reading the document that our Secret holds.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Api } from '../../src/controller/ports.ts';
import { desiredFields } from '../../src/domain/desired-secret.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../../src/domain/views.ts';
import { HttpApi } from '../../src/kubernetes/api.ts';
import { KubernetesCluster } from '../../src/kubernetes/cluster.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import { DryRunApi } from '../../src/kubernetes/dry-run.ts';
import { Store } from '../../src/kubernetes/store.ts';
import { secretProjector } from '../../src/kubernetes/views.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type StubApiServer, connectTo, startStubApiServer } from '../support/stub-api-server.ts';
import { aNamespace, aSecret, aServiceAccount, aSettings } from '../support/views.ts';

const settings = aSettings();
const fields = desiredFields(settings);

let server: StubApiServer;
let connection: Connection;
let namespaces: Store<NamespaceView>;
let secrets: Store<SecretView>;
let accounts: Store<ServiceAccountView>;
let told: string[];
let cluster: KubernetesCluster;

beforeEach(async () => {
  server = await startStubApiServer();
  connection = connectTo(server);
  [namespaces, secrets, accounts] = [new Store(), new Store(), new Store()];
  told = [];
  accounts.onChange(({ key, after, origin }) =>
    told.push(`${key} ${after?.resourceVersion ?? 'gone'} ${origin}`),
  );
  cluster = clusterWith(new HttpApi({ connection, clock: new ManualClock(), userAgent: 'x' }));
});

afterEach(async () => {
  await connection.close();
  await server.close();
});

function clusterWith(api: Api): KubernetesCluster {
  return new KubernetesCluster({
    api,
    namespaces,
    secrets: new Map([['ecr-pull-secret', secrets]]),
    serviceAccounts: new Map([['default', accounts]]),
    projectSecret: secretProjector({ manager: settings.instance, fields }),
    manager: settings.instance,
    selection: { only: [], selector: '' },
  });
}

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );

const asked = () => server.requests.map(({ method, path }) => `${method} ${path}`);

test('looking is free: it asks the stores and not the server', () => {
  namespaces.put('team-a', aNamespace(), 'cluster');
  accounts.put('team-a', aServiceAccount(), 'cluster');
  expect(cluster.namespace('team-a')).toStrictEqual(aNamespace());
  expect(cluster.serviceAccount('team-a', 'default')).toStrictEqual(aServiceAccount());
  const unknown = [
    cluster.namespace('x'),
    cluster.secret('team-a', 'ecr-pull-secret'),
    cluster.serviceAccount('team-a', 'other'),
    cluster.serviceAccount('x', 'default'),
  ];
  expect(unknown).toStrictEqual([undefined, undefined, undefined, undefined]);
  expect(server.requests).toHaveLength(0);
});

describe('attaching', () => {
  const path = '/api/v1/namespaces/team-a/serviceaccounts/default';
  const entry = { name: 'ecr-pull-secret' };
  const account = (resourceVersion: string, pullSecrets: readonly string[]) => ({
    metadata: { namespace: 'team-a', name: 'default', uid: 'u', resourceVersion },
    imagePullSecrets: pullSecrets.map((name) => ({ name })),
  });

  test.each([
    ['makes the list where there is none', undefined, { path: '/imagePullSecrets', value: [entry] }],
    ['appends to an existing list', ['other'], { path: '/imagePullSecrets/-', value: entry }],
  ])('%s, guarded by the version that was seen', async (_how, pullSecrets, append) => {
    const seen = aServiceAccount({ resourceVersion: '50', pullSecrets });
    accounts.put('team-a', seen, 'cluster');
    const after = [...(pullSecrets ?? []), 'ecr-pull-secret'];
    server.next((exchange) => exchange.json(account('60', after)));
    await cluster.attach(seen, 'ecr-pull-secret');
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({
      method: 'PATCH',
      path,
      query: { fieldManager: 'ecr-pull-secrets' },
      headers: { 'content-type': 'application/json-patch+json', accept: 'application/json' },
    });
    expect(JSON.parse(server.requests[0]?.body ?? '')).toStrictEqual([
      { op: 'replace', path: '/metadata/resourceVersion', value: '50' },
      { op: 'add', ...append },
    ]);
    expect(told.at(-1)).toBe('team-a 60 own');
    expect(cluster.serviceAccount('team-a', 'default')?.pullSecrets).toStrictEqual(after);
  });

  const seen = aServiceAccount({ resourceVersion: '50', pullSecrets: ['other'] });

  test('to a ServiceAccount that has changed reads it anew and is a conflict', async () => {
    accounts.put('team-a', seen, 'cluster');
    server.next((exchange) => exchange.refuse(409, 'Conflict'));
    server.next((exchange) => exchange.json(account('55', ['another'])));
    expect(await failureOf(cluster.attach(seen, 'ecr-pull-secret'))).toMatchObject({
      name: 'Retryable',
      reason: 'conflict',
    });
    expect(asked()).toStrictEqual([`PATCH ${path}`, `GET ${path}`]);
    expect(cluster.serviceAccount('team-a', 'default')?.pullSecrets).toStrictEqual(['another']);
  });

  test('to a ServiceAccount that is gone forgets it and is a conflict', async () => {
    accounts.put('team-a', seen, 'cluster');
    server.handle((exchange) => exchange.refuse(404, 'NotFound'));
    expect(await failureOf(cluster.attach(seen, 'ecr-pull-secret'))).toMatchObject({
      name: 'Retryable',
      reason: 'conflict',
    });
    expect(told.at(-1)).toBe('team-a gone own');
    expect(asked()).toStrictEqual([`PATCH ${path}`, `GET ${path}`]);
  });

  test('without the right to is blocked and names the ServiceAccount', async () => {
    server.next((exchange) => exchange.refuse(403, 'Forbidden'));
    expect(await failureOf(cluster.attach(seen, 'ecr-pull-secret'))).toMatchObject({
      name: 'Blocked',
      problem: { reason: 'Forbidden', subject: expect.stringContaining('team-a/default') },
    });
    expect(server.requests).toHaveLength(1);
  });
});

describe('reading the document that the Secret holds', () => {
  const path = '/api/v1/namespaces/team-a/secrets/ecr-pull-secret';
  const seen = aSecret({ uid: 'uid-1', resourceVersion: '50' });
  const document = JSON.stringify({
    auths: { 'a.example.com': { username: 'AWS', password: 'p', auth: 'x' }, 'b.example.com': { auth: 'y' } },
  });

  /** `managedFields` that own each of these paths. */
  const owning = (paths: readonly (readonly string[])[]) => {
    const fieldsV1: Record<string, unknown> = {};
    for (const steps of paths) {
      let here = fieldsV1;
      for (const step of steps) here = (here[step] ??= {}) as Record<string, unknown>;
    }
    return fieldsV1;
  };

  const secret = (change: { uid?: string; owned?: typeof fields; data?: object } = {}) => {
    const {
      uid = 'uid-1',
      owned = fields,
      data = { '.dockerconfigjson': Buffer.from(document).toString('base64') },
    } = change;
    const managedFields = [{ manager: 'ecr-pull-secrets', operation: 'Apply', fieldsV1: owning(owned) }];
    const name = 'ecr-pull-secret';
    return { metadata: { name, namespace: 'team-a', uid, resourceVersion: '50', managedFields }, data };
  };

  test('is one GET by name', async () => {
    server.next((exchange) => exchange.json(secret()));
    expect((await cluster.readDocument(seen))?.reveal()).toBe(document);
    expect(asked()).toStrictEqual([`GET ${path}`]);
  });

  test.each([
    ['of another object that has taken its name', secret({ uid: 'uid-2' })],
    ['without our key', secret({ data: {} })],
    [
      'whose data somebody else has changed',
      secret({ owned: fields.filter(([first]) => first !== 'f:data') }),
    ],
    ['that is not ours any more', secret({ owned: [] })],
  ])('%s gives none', async (_what, body) => {
    server.next((exchange) => exchange.json(body));
    expect(await cluster.readDocument(seen)).toBeUndefined();
  });

  test('is tried again when the server fails', async () => {
    server.next((exchange) => exchange.refuse(503, 'ServiceUnavailable', { retryAfter: '2' }));
    const expected = { name: 'Retryable', reason: 'server-error', afterMs: 2_000 };
    expect(await failureOf(cluster.readDocument(seen))).toMatchObject(expected);
  });
});

test('a dry run asks the server to keep nothing, for writes and not for reads', async () => {
  const api = new HttpApi({ connection, clock: new ManualClock(), userAgent: 'x' });
  const dry = clusterWith(new DryRunApi(api));
  server.handle((exchange) => exchange.json({ metadata: {} }));
  await dry.attach(aServiceAccount(), 'ecr-pull-secret');
  await dry.readDocument(aSecret());
  expect(server.requests.map(({ query }) => query)).toStrictEqual([
    { fieldManager: 'ecr-pull-secrets', dryRun: 'All' },
    {},
  ]);
});
