// The Cluster port (src/kubernetes/cluster): the live look at a namespace before anything of ours is taken away from it. Only a
// list that is one counts as a proof of absence. What is then taken away is in cluster-port-removal.test.ts.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NamespaceView } from '../../src/domain/views.ts';
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
  startStubApiServer,
} from '../support/stub-api-server.ts';
import { aNamespace } from '../support/views.ts';

let server: StubApiServer;
let connection: Connection;
let namespaces: Store<NamespaceView>;
let told: string[];

beforeEach(async () => {
  server = await startStubApiServer();
  connection = connectTo(server);
  namespaces = new Store();
  told = [];
  namespaces.onChange(({ key, after }) => told.push(`${key} ${after?.resourceVersion ?? 'gone'}`));
});

afterEach(async () => {
  await connection.close();
  await server.close();
});

function clusterWith({
  selector = '',
  only = [],
}: { selector?: string; only?: readonly string[] } = {}): KubernetesCluster {
  return new KubernetesCluster({
    api: new HttpApi({ connection, clock: new ManualClock(), userAgent: 'x' }),
    namespaces,
    secrets: new Map(),
    serviceAccounts: new Map(),
    projectSecret: secretProjector({ manager: 'ecr-pull-secrets', fields: [] }),
    manager: 'ecr-pull-secrets',
    selection: { selector, only },
  });
}

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );

/** As the server answers a list: with `items: null`, or none, where there is nothing. */
const listOf = (items: readonly object[] | null) => ({ metadata: { resourceVersion: '90' }, items });

describe('the live look at a namespace', () => {
  const live = (annotations: object, rest: object = {}) => ({
    metadata: { name: 'team-a', resourceVersion: '60', annotations, ...rest },
  });

  test.each([
    ['by its name alone where there is no selector', '', { fieldSelector: 'metadata.name=team-a' }],
    [
      'by its name and the selector',
      'tier=prod,!legacy',
      { fieldSelector: 'metadata.name=team-a', labelSelector: 'tier=prod,!legacy' },
    ],
  ])('asks for metadata %s', async (_how, selector, query) => {
    server.next((exchange) =>
      exchange.json(listOf([live({ 'ecr-pull-secrets/enabled': 'true', other: 'x' })])),
    );
    expect(await clusterWith({ selector }).lookUpNamespace('team-a')).toStrictEqual(
      aNamespace({ resourceVersion: '60' }),
    );
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({ method: 'GET', path: '/api/v1/namespaces', query });
    expect(server.requests[0]?.headers.accept).toContain('as=PartialObjectMetadataList;');
  });

  test('is known to all from then on, unless something newer is known', async () => {
    const cluster = clusterWith();
    namespaces.put('team-a', aNamespace({ annotations: {}, resourceVersion: '50' }), 'cluster');
    server.handle((exchange) => exchange.json(listOf([live({ 'ecr-pull-secrets/enabled': 'true' })])));
    await cluster.lookUpNamespace('team-a');
    expect(cluster.namespace('team-a')?.annotations).toStrictEqual({ enabled: 'true' });
    namespaces.put('team-a', aNamespace({ annotations: {}, resourceVersion: '70' }), 'cluster');
    await cluster.lookUpNamespace('team-a');
    expect(cluster.namespace('team-a')?.annotations).toStrictEqual({});
  });

  test('says that it is being deleted', async () => {
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    server.next((exchange) => exchange.json(listOf([live({}, { deletionTimestamp })])));
    expect(await clusterWith().lookUpNamespace('team-a')).toMatchObject({ terminating: true });
  });

  test.each([[[]], [null]])('finds none where the server lists none: %s', async (items) => {
    server.next((exchange) => exchange.json(listOf(items)));
    expect(await clusterWith().lookUpNamespace('team-a')).toBeUndefined();
  });

  test.each([
    ['no list', { kind: 'Status', status: 'Success' }],
    ['a list without a version', { metadata: {}, items: [] }],
    ['a list without items', { metadata: { resourceVersion: '90' } }],
    ['another namespace', listOf([{ metadata: { name: 'team-b', resourceVersion: '60' } }])],
  ])('does not take an answer for absence that is %s', async (_what, body) => {
    server.next((exchange) => exchange.json(body));
    expect(await failureOf(clusterWith().lookUpNamespace('team-a'))).toMatchObject({ name: 'Retryable' });
    expect(told).toStrictEqual([]);
  });

  test.each<[string, Handler, object]>([
    ['fails for now', (exchange) => exchange.refuse(500, 'InternalError'), { name: 'Retryable' }],
    ['is forbidden', (exchange) => exchange.refuse(403, 'Forbidden'), { name: 'Blocked' }],
    ['is cut', (exchange) => exchange.cut(), { name: 'Retryable', reason: 'network' }],
  ])('that %s is told as such', async (_how, handler, expected) => {
    server.next(handler);
    expect(await failureOf(clusterWith().lookUpNamespace('team-a'))).toMatchObject(expected);
  });
});

describe('the live look at a namespace that is looked at by itself', () => {
  const cluster = () => clusterWith({ only: ['team-a'] });
  const live = { metadata: { name: 'team-a', resourceVersion: '60' } };

  test('is a GET of its metadata by its name', async () => {
    server.next((exchange) => exchange.json(live));
    expect(await cluster().lookUpNamespace('team-a')).toStrictEqual(
      aNamespace({ resourceVersion: '60', annotations: {} }),
    );
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({ method: 'GET', path: '/api/v1/namespaces/team-a', query: {} });
    expect(server.requests[0]?.headers.accept).toContain('as=PartialObjectMetadata;');
  });

  test('finds none where there is none', async () => {
    server.next((exchange) => exchange.refuse(404, 'NotFound'));
    expect(await cluster().lookUpNamespace('team-a')).toBeUndefined();
  });

  test.each<[string, Handler, object]>([
    ['is forbidden', (exchange) => exchange.refuse(403, 'Forbidden'), { name: 'Blocked' }],
    ['fails for now', (exchange) => exchange.refuse(500, 'InternalError'), { name: 'Retryable' }],
    ['brings something else', (exchange) => exchange.json({ kind: 'Status' }), { name: 'Retryable' }],
    [
      'brings another namespace',
      (exchange) => exchange.json({ metadata: { name: 'team-b' } }),
      { name: 'Retryable' },
    ],
  ])('is no proof of absence where it %s', async (_how, handler, expected) => {
    server.next(handler);
    expect(await failureOf(cluster().lookUpNamespace('team-a'))).toMatchObject(expected);
    expect(told).toStrictEqual([]);
  });
});
