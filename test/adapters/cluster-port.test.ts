// The writes of the Cluster port (src/kubernetes/cluster) to our Secret: the very requests, what guards them, and what
// follows from each answer. Attaching and reading are in cluster-port-attach.test.ts.
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { desiredFields, desiredSecret } from '../../src/domain/desired-secret.ts';
import { Blocked, Retryable } from '../../src/domain/errors.ts';
import type { SecretView } from '../../src/domain/views.ts';
import { HttpApi } from '../../src/kubernetes/api.ts';
import { KubernetesCluster } from '../../src/kubernetes/cluster.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
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
import { aSecret, aSettings, aToken, anIntent, usualHost } from '../support/views.ts';

const settings = aSettings({ secretLabels: { team: 'x' }, secretAnnotations: { 'example.com/note': 'y' } });
const intent = anIntent();
const token = aToken({ password: 'the-password' });
const desired = desiredSecret(intent, settings, {
  auths: new Map([[usualHost, token]]),
  times: new Map([['k', token]]),
});
const path = '/api/v1/namespaces/team-a/secrets/ecr-pull-secret';
const seen = aSecret({ uid: 'uid-1', resourceVersion: '50' });

let server: StubApiServer;
let connection: Connection;
let secrets: Store<SecretView>;
let told: string[];
let cluster: KubernetesCluster;

beforeEach(async () => {
  server = await startStubApiServer();
  connection = connectTo(server);
  secrets = new Store<SecretView>();
  told = [];
  secrets.onChange(({ key, after, origin }) =>
    told.push(`${key} ${after?.resourceVersion ?? 'gone'} ${origin}`),
  );
  cluster = new KubernetesCluster({
    api: new HttpApi({ connection, clock: new ManualClock(), userAgent: 'x' }),
    namespaces: new Store(),
    secrets: new Map([['ecr-pull-secret', secrets]]),
    serviceAccounts: new Map(),
    projectSecret: secretProjector({ manager: settings.instance, fields: desiredFields(settings) }),
    manager: settings.instance,
    selection: { only: [], selector: '' },
  });
});

afterEach(async () => {
  await connection.close();
  await server.close();
});

const metadata = (resourceVersion: string, uid = 'uid-1') => ({
  kind: 'PartialObjectMetadata',
  metadata: { name: 'ecr-pull-secret', namespace: 'team-a', uid, resourceVersion },
});

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );

const asked = () => server.requests.map(({ method, path: where }) => `${method} ${where}`);

describe('making the Secret', () => {
  test('is one apply that takes nothing over and names no object, and its answer is known at once', async () => {
    server.next((exchange) => exchange.json(metadata('60'), 201));
    await cluster.createSecret('team-a', 'ecr-pull-secret', desired);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({
      method: 'PATCH',
      path,
      query: { fieldManager: 'ecr-pull-secrets', force: 'false' },
      headers: {
        'content-type': 'application/apply-patch+yaml',
        accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
      },
    });
    expect(JSON.parse(server.requests[0]?.body ?? '')).toStrictEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'ecr-pull-secret',
        namespace: 'team-a',
        // No object has this version, so nothing that is there can be overwritten, not even what another replica has made.
        resourceVersion: '1',
        labels: { team: 'x', 'app.kubernetes.io/managed-by': 'ecr-pull-secrets' },
        annotations: desired.annotations,
      },
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': Buffer.from(desired.document.reveal()).toString('base64') },
    });
    expect(told).toStrictEqual(['team-a 60 own']);
  });

  test('answered by 200 was no making: somebody was there, so it is looked at again', async () => {
    server.next((exchange) => exchange.json(metadata('41', 'uid-foreign'), 200));
    const error = await failureOf(cluster.createSecret('team-a', 'ecr-pull-secret', desired));
    expect(error).toBeInstanceOf(Retryable);
    expect(error).toMatchObject({ reason: 'conflict' });
    expect(secrets.get('team-a')).toMatchObject({ uid: 'uid-foreign', appliedByUs: false });
    expect(server.requests).toHaveLength(1);
  });

  test('where a foreign Secret has appeared reads it, writes nothing, and is a conflict', async () => {
    server.next((exchange) => exchange.refuse(409, 'Conflict', { causes: [{ field: '.type' }] }));
    server.next((exchange) => exchange.json(metadata('41', 'uid-foreign')));
    const error = await failureOf(cluster.createSecret('team-a', 'ecr-pull-secret', desired));
    expect(error).toMatchObject({ name: 'Retryable', reason: 'conflict' });
    expect(asked()).toStrictEqual([`PATCH ${path}`, `GET ${path}`]);
    expect(server.requests[1]?.headers.accept).toContain('as=PartialObjectMetadata;');
    expect(cluster.secret('team-a', 'ecr-pull-secret')).toMatchObject({ uid: 'uid-foreign' });
    expect(told).toStrictEqual(['team-a 41 own']);
  });
});

describe('rewriting the Secret', () => {
  beforeEach(() => {
    secrets.put('team-a', seen, 'cluster');
    told = [];
  });

  test('carries the uid and the version that were seen, in an apply that takes its fields back', async () => {
    server.next((exchange) => exchange.json(metadata('60')));
    await cluster.updateSecret(seen, desired);
    expect(server.requests).toHaveLength(1);
    const { query, body } = server.requests[0] ?? {};
    expect(query).toStrictEqual({ fieldManager: 'ecr-pull-secrets', force: 'true' });
    expect(JSON.parse(body ?? '')).toMatchObject({
      metadata: { name: 'ecr-pull-secret', namespace: 'team-a', uid: 'uid-1', resourceVersion: '50' },
      type: 'kubernetes.io/dockerconfigjson',
    });
    expect(told).toStrictEqual(['team-a 60 own']);
  });

  test('does not undo what the watch has told meanwhile', async () => {
    server.next((exchange) => {
      secrets.put('team-a', { ...seen, resourceVersion: '70' }, 'cluster');
      exchange.json(metadata('60'));
    });
    await cluster.updateSecret(seen, desired);
    expect(cluster.secret('team-a', 'ecr-pull-secret')?.resourceVersion).toBe('70');
  });

  test.each([
    ['has changed', 409, 'Conflict', {}],
    ['was replaced', 422, 'Invalid', { causes: [{ reason: 'FieldValueInvalid', field: 'metadata.uid' }] }],
  ])(
    'that %s is a conflict after one read, and nothing is sent twice',
    async (_how, status, reason, options) => {
      server.next((exchange) => exchange.refuse(status, reason, options));
      server.next((exchange) => exchange.json(metadata('58', 'uid-2')));
      const error = await failureOf(cluster.updateSecret(seen, desired));
      expect(error).toMatchObject({ name: 'Retryable', reason: 'conflict' });
      expect(asked()).toStrictEqual([`PATCH ${path}`, `GET ${path}`]);
      expect(cluster.secret('team-a', 'ecr-pull-secret')).toMatchObject({
        uid: 'uid-2',
        resourceVersion: '58',
      });
    },
  );

  test('that was deleted is a conflict, and it is forgotten', async () => {
    server.next((exchange) => exchange.refuse(409, 'Conflict'));
    server.next((exchange) => exchange.refuse(404, 'NotFound'));
    const error = await failureOf(cluster.updateSecret(seen, desired));
    expect(error).toMatchObject({ name: 'Retryable', reason: 'conflict' });
    expect(told).toStrictEqual(['team-a gone own']);
  });

  test('is a conflict also when the read after it fails: then the watch will tell', async () => {
    server.next((exchange) => exchange.refuse(409, 'Conflict'));
    server.next((exchange) => exchange.refuse(500, 'InternalError'));
    const error = await failureOf(cluster.updateSecret(seen, desired));
    expect(error).toMatchObject({ name: 'Retryable', reason: 'conflict' });
    expect(cluster.secret('team-a', 'ecr-pull-secret')).toBe(seen);
  });
});

describe('a write that is refused', () => {
  const write = () => failureOf(cluster.updateSecret(seen, desired));

  test.each<[string, Handler, object]>([
    [
      'into a terminating namespace finds it gone',
      (exchange) => exchange.refuse(403, 'Forbidden', { causes: [{ reason: 'NamespaceTerminating' }] }),
      { name: 'NamespaceGone' },
    ],
    [
      'for lack of rights is blocked',
      (exchange) => exchange.refuse(403, 'Forbidden'),
      { name: 'Blocked', problem: { reason: 'Forbidden' } },
    ],
    [
      'because the Secret is immutable is blocked',
      (exchange) =>
        exchange.refuse(422, 'Invalid', { causes: [{ reason: 'FieldValueForbidden', field: 'data' }] }),
      { name: 'Blocked', problem: { reason: 'SecretRejected' } },
    ],
    [
      'because of too many requests waits as long as asked',
      (exchange) => exchange.refuse(429, 'TooManyRequests', { retryAfter: '3' }),
      { name: 'Retryable', reason: 'throttled', afterMs: 3_000 },
    ],
    [
      'by a server in trouble is tried again',
      (exchange) => exchange.refuse(500, 'InternalError'),
      { name: 'Retryable', reason: 'server-error' },
    ],
    ['by a cut is tried again', (exchange) => exchange.cut(), { name: 'Retryable', reason: 'network' }],
  ])('%s; nothing is sent twice and the error shows no token', async (_what, handler, expected) => {
    server.next(handler);
    const error = await write();
    expect(error).toMatchObject(expected);
    expect(server.requests).toHaveLength(1);
    const shown = `${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}`;
    expect(shown).not.toContain(leakedText);
    expect(shown).not.toContain('the-password');
    expect(told).toStrictEqual([]);
  });

  test.each([
    [
      422,
      'Invalid',
      `secrets "ecr-pull-secret" is forbidden: ValidatingAdmissionPolicy 'no-pull-secrets.example.com' with binding 'b' denied request: ${leakedText}`,
    ],
    [403, 'Forbidden', `admission webhook "no-pull-secrets.example.com" denied the request: ${leakedText}`],
  ])(
    'by an admission policy (%i) is blocked with the name of the policy',
    async (status, reason, message) => {
      server.next((exchange) => exchange.refuse(status, reason, { message }));
      const error = await write();
      expect(error).toBeInstanceOf(Blocked);
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(leakedText);
      expect((error as Blocked).problem.note).toContain('no-pull-secrets.example.com');
    },
  );
});
