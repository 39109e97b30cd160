// Each value of the chart, and what it changes in what helm renders: one row a value, and no value without a row.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { chartFolder } from '../../rig/installation/helm.ts';
import type { ChartValues, Manifest } from '../../rig/installation/render-chart.ts';
import { chartValues } from '../../scripts/chart-readme.ts';
import { readConfig } from '../../src/config/config.ts';
import { identityRows } from './chart-identity-rows.ts';
import { podRows } from './chart-pod-rows.ts';
import { ChartScene, one, withPrometheus } from './chart-scene.ts';

let scene: ChartScene;
beforeAll(async () => {
  scene = await ChartScene.open(inject('plane'), 'system');
});
afterAll(() => scene.close());

const rows = { ...identityRows, ...podRows };

describe.each(Object.entries(rows))('%s', (_, cases) => {
  test.each(cases.map((row, index) => [row[1], index] as const))(
    'is in the %s (%i)',
    async (_kind, index) => {
      const [values, kind, expected] = cases[index] ?? [{}, '', {}];
      expect(one(await scene.render(values, withPrometheus), kind)).toMatchObject(expected);
    },
  );
});

const kindsOf = (manifests: readonly Manifest[]): readonly string[] =>
  manifests.map(({ kind }) => kind).toSorted();

const usual = [
  'ClusterRole',
  'ClusterRoleBinding',
  'ConfigMap',
  'Deployment',
  'Role',
  'RoleBinding',
  'Service',
  'ServiceAccount',
];
const without = (...kinds: readonly string[]): readonly string[] =>
  usual.filter((kind) => !kinds.includes(kind));

/** Which objects there are. The rows of values that add or take away whole objects. */
const objects: readonly (readonly [sentence: string, values: ChartValues, kinds: readonly string[]])[] = [
  ['by default there is what is needed, and no more', {}, usual],
  [
    'serviceAccount.create: false makes none',
    { serviceAccount: { create: false, name: 'mine' } },
    without('ServiceAccount'),
  ],
  [
    'rbac.create: false gives no rights',
    { rbac: { create: false } },
    without('ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'),
  ],
  [
    'rbac.create: false gives none in listed namespaces, either',
    { rbac: { create: false }, config: { namespaces: { only: ['a'] } } },
    without('ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'),
  ],
  ['replicas: 2 brings a PodDisruptionBudget', { replicas: 2 }, [...usual, 'PodDisruptionBudget'].toSorted()],
  [
    'cronJob.enabled leaves out what only a controller has',
    { cronJob: { enabled: true }, serviceMonitor: { enabled: true } },
    [...without('Deployment', 'Role', 'RoleBinding', 'Service'), 'CronJob'].toSorted(),
  ],
  [
    'flowSchema.enabled: one for the Lease and one for the rest',
    { flowSchema: { enabled: true } },
    [...usual, 'FlowSchema', 'FlowSchema'].toSorted(),
  ],
  [
    'flowSchema.enabled without a Lease: one',
    { flowSchema: { enabled: true }, config: { leaderElection: { enabled: false } } },
    [...without('Role', 'RoleBinding'), 'FlowSchema'].toSorted(),
  ],
  [
    'without leader election there is no right to a Lease',
    { config: { leaderElection: { enabled: false } } },
    without('Role', 'RoleBinding'),
  ],
];

test.each(objects)('%s', async (_, values, kinds) => {
  expect(kindsOf(await scene.render(values, withPrometheus))).toEqual(kinds);
});

test('serviceMonitor.enabled makes nothing where the cluster does not know the kind', async () => {
  expect(kindsOf(await scene.render({ serviceMonitor: { enabled: true } }))).toEqual(usual);
});

test('without leader election a rollout ends the old pod first', async () => {
  const rendered = await scene.render({ config: { leaderElection: { enabled: false } } });
  expect(one(rendered, 'Deployment')).toMatchObject({ spec: { strategy: { type: 'Recreate' } } });
});

test('the Lease is ranked like those of the system, the rest above other ServiceAccounts', async () => {
  const schemas = (await scene.render({ flowSchema: { enabled: true } })).filter(
    ({ kind }) => kind === 'FlowSchema',
  );
  expect(schemas.map(({ spec }) => spec)).toMatchObject([
    { matchingPrecedence: 950, priorityLevelConfiguration: { name: 'leader-election' } },
    { matchingPrecedence: 951, priorityLevelConfiguration: { name: 'workload-high' } },
  ]);
});

test('null takes an entry out of the security context', async () => {
  const rendered = await scene.render({ podSecurityContext: { runAsUser: null, runAsGroup: null } });
  const { spec } = one(rendered, 'Deployment');
  expect(spec?.template?.spec).toHaveProperty('securityContext', {
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  });
});

test('config: what is set reaches the program as it stands, and the program takes it; a change makes a new pod', async () => {
  const config = {
    instance: 'other',
    clusterName: 'edge-1',
    namespaces: { mode: 'all', only: ['team-a'], include: ['team-*'], exclude: [] },
    registries: ['111122223333.dkr.ecr.eu-west-1.amazonaws.com'],
    secretName: 'pull',
    formerSecretNames: ['former'],
    secretLabels: { a: 'b' },
    secretAnnotations: { 'example.com/a': '1' },
    attachTo: [],
    keys: { fips: true, dualStack: true, wildcard: true },
    identity: { serviceAccounts: ['puller'], audience: 'own' },
    profiles: {
      p: {
        registries: ['444455556666.dkr.ecr.eu-west-1.amazonaws.com'],
        namespaces: ['team-*'],
        roleArn: 'arn:aws:iam::444455556666:role/ecr-pull',
        externalId: 'external',
        tags: { a: 'b' },
        perNamespace: true,
      },
    },
    refresh: { atFraction: 0.25, spread: 0, maxAge: '5h' },
    aws: { concurrency: 1, timeout: '1s' },
    limits: { registriesPerNamespace: 500 },
    leaderElection: { leaseDuration: '30s', renewDeadline: '20s', retryPeriod: '3s', enabled: true },
    workers: 256,
  };
  const rendered = await scene.render({ config });
  const file = one(rendered, 'ConfigMap').data?.['config.yaml'] ?? '';
  expect(parse(file)).toEqual({ ...config, namespaces: { ...config.namespaces, selector: '' } });
  expect(readConfig(file, { AWS_REGION: 'eu-west-1' })).toHaveProperty('settings');
  const checksum = (manifests: readonly Manifest[]): string | undefined =>
    /"checksum\/config":"(\w{64})"/.exec(JSON.stringify(one(manifests, 'Deployment')))?.[1];
  expect(checksum(rendered)).toBeDefined();
  expect(checksum(await scene.render({ config: { ...config, workers: 255 } }))).not.toBe(checksum(rendered));
  expect(checksum(await scene.render({ config, logLevel: 'warn' }))).toBe(checksum(rendered));
});

test('no value is without a row', () => {
  const values = chartValues(readFileSync(join(chartFolder, 'values.yaml'), 'utf8')).map(({ path }) => path);
  const shown = new Set([
    ...Object.keys(rows),
    ...objects.map(([sentence]) => sentence.replace(/[: ].*$/, '')),
  ]);
  expect(values.filter((path) => !path.startsWith('config.') && !shown.has(path))).toEqual([]);
});
