// What the chart renders, by defaults and by each example, before the real API server: every object passes a server-side dry run
// with strict field validation, the pod in a namespace that enforces Pod Security `restricted`; and no rule is wider than by name.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Admin } from '../../rig/control-plane/admin.ts';
import { type Manifest, parseManifests } from '../../rig/installation/render-chart.ts';
import { installManifest, renderInstallManifest } from '../../scripts/install-manifest.ts';
import { ChartScene, examples, podOf } from './chart-scene.ts';
import { eventually } from './observe.ts';

const plane = inject('plane');
const namespace = 'chart-accepted';
/** Those that the example `some-namespaces` lists. */
const listed = ['team-a', 'team-b'];
let scene: ChartScene;
let admin: Admin;
beforeAll(async () => {
  admin = new Admin(plane);
  scene = await ChartScene.open(plane, namespace);
  await createRestricted(namespace);
  for (const name of listed) await admin.createNamespace(name);
});
afterAll(async () => {
  for (const name of [namespace, ...listed]) await admin.deleteNamespace(name);
  await scene.close();
  await admin.close();
});

async function createRestricted(name: string): Promise<void> {
  // One of that name from another test may still be ending.
  await eventually(async () => expect(await admin.get(`/api/v1/namespaces/${name}`)).toBeUndefined());
  const profile = (mode: string) => [`pod-security.kubernetes.io/${mode}`, 'restricted'];
  const labels = Object.fromEntries(['enforce', 'warn'].map(profile)) as Readonly<Record<string, string>>;
  await admin.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } } as Manifest);
}

const dryRun = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '--warnings-as-errors'];
/** Each with the values of an example, or with none. */
const each = Object.entries(examples);

describe.each(each)('%s', (_, values) => {
  test('helm lint --strict finds nothing', async () => {
    expect(await scene.lint(values)).toContain('1 chart(s) linted, 0 chart(s) failed');
  });

  test('the API server takes every object, strictly and without a warning', async () => {
    const rendered = await scene.render(values);
    const answer = await scene.kubectl(dryRun, rendered);
    expect(answer.trim().split('\n')).toHaveLength(rendered.length);
  });

  test('the pod meets the restricted profile', async () => {
    // Only a Pod is held to it; a Deployment gets warnings.
    const spec = { restartPolicy: 'Always', ...podOf(await scene.render(values)) };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod', namespace }, spec };
    await admin.apply({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: podServiceAccount(spec), namespace },
    });
    const answer = await admin.request({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods`,
      query: { dryRun: 'All', fieldValidation: 'Strict' },
      body: pod,
    });
    expect(answer).toMatchObject({ status: 201 });
  });

  test('no rule goes beyond names', async () => {
    const rendered = await scene.render(values);
    expect(rulesOf(rendered)).not.toEqual([]);
    expect(rulesOf(rendered).filter(isTooWide)).toEqual([]);
  });
});

test.each([
  [
    'names that YAML would take for numbers',
    {
      nameOverride: '15',
      serviceAccount: { name: '77' },
      cronJob: { enabled: true },
      fullnameOverride: '99',
    },
  ],
  [
    'a name that is too long for a CronJob',
    { cronJob: { enabled: true }, fullnameOverride: `a${'-long'.repeat(12)}` },
  ],
])('%s', async (_, values) => {
  const rendered = await scene.render(values);
  const answer = await scene.kubectl(dryRun, rendered);
  expect(answer.trim().split('\n')).toHaveLength(rendered.length);
});

const podServiceAccount = (spec: object): string =>
  (spec as { serviceAccountName: string }).serviceAccountName;

test('a pod that runs as root is refused there: the profile is enforced', async () => {
  const spec = { ...podOf(await scene.render({})), securityContext: { runAsUser: 0 } };
  const answer = await admin.request({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods`,
    query: { dryRun: 'All' },
    body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod', namespace }, spec },
  });
  expect(answer.status).toBe(403);
  expect(JSON.stringify(answer.body)).toContain('violates PodSecurity');
});

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const rulesOf = (manifests: readonly Manifest[]): readonly Rule[] =>
  manifests
    .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole')
    .flatMap((manifest) => (manifest as unknown as { readonly rules: readonly Rule[] }).rules);

const byNameOnly = new Set(['secrets', 'serviceaccounts', 'serviceaccounts/token', 'leases']);

function isTooWide({ apiGroups, resources, resourceNames, verbs }: Rule): boolean {
  const named =
    resourceNames !== undefined && resourceNames.length > 0 && resourceNames.every((name) => name !== '');
  const everything = [...apiGroups, ...resources, ...verbs, ...(resourceNames ?? [])].includes('*');
  return (
    everything ||
    (!named && (resourceNames !== undefined || resources.some((resource) => byNameOnly.has(resource))))
  );
}

describe('some namespaces', () => {
  const only = { config: { namespaces: { only: listed } } };

  test('there is no right in the cluster, and a Role in each of them', async () => {
    const rendered = await scene.render(only);
    const rights = rendered.filter(({ apiVersion }) => apiVersion.startsWith('rbac.'));
    expect(
      rights.map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.namespace}`).toSorted(),
    ).toEqual(
      [
        ...listed.flatMap((name) =>
          ['Role', 'RoleBinding'].map((kind) => `${kind} ecr-pull-secrets:${namespace} ${name}`),
        ),
        `Role ecr-pull-secrets ${namespace}`,
        `RoleBinding ecr-pull-secrets ${namespace}`,
      ].toSorted(),
    );
  });

  test('the rules are those of the cluster, but for the namespaces themselves', async () => {
    const config = { identity: { serviceAccounts: ['puller'] }, formerSecretNames: ['former'] };
    const inCluster = rulesOf((await scene.render({ config })).filter(({ kind }) => kind === 'ClusterRole'));
    const rendered = await scene.render({ config: { ...config, namespaces: { only: listed } } });
    for (const name of listed) {
      const rules = rulesOf(rendered.filter(({ metadata }) => metadata.namespace === name));
      const [own, ...rest] = rules;
      expect(own).toEqual({
        apiGroups: [''],
        resources: ['namespaces'],
        resourceNames: [name],
        verbs: ['get', 'watch'],
      });
      expect(rest).toEqual(inCluster.slice(1));
    }
    expect(rulesOf(rendered.filter(({ metadata }) => metadata.namespace === namespace))).toEqual([
      {
        apiGroups: ['coordination.k8s.io'],
        resources: ['leases'],
        resourceNames: ['ecr-pull-secrets'],
        verbs: ['get', 'create', 'update'],
      },
      { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
    ]);
  });
});

describe('deploy/install.yaml', () => {
  const file = readFileSync(join(import.meta.dirname, '../..', installManifest), 'utf8');

  test('is up to date', async () => {
    expect(file, 'run: npm run generate').toBe(await renderInstallManifest());
  });

  test('is what the example renders, in a restricted namespace, without what is only true of Helm', async () => {
    expect(file).not.toMatch(/helm\.sh|managed-by: Helm|checksum/);
    const [first, ...rest] = parseManifests(file);
    expect(first).toMatchObject({
      kind: 'Namespace',
      metadata: { name: 'ecr-pull-secrets', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    });
    const rendered = await scene.render(examples['web-identity'] ?? {});
    expect(rest.map(({ kind }) => kind)).toEqual(rendered.map(({ kind }) => kind));
  });

  test('is taken by the API server', async () => {
    await createRestricted('ecr-pull-secrets');
    try {
      expect((await scene.kubectl(dryRun, file)).trim().split('\n')).toHaveLength(
        parseManifests(file).length,
      );
    } finally {
      await admin.deleteNamespace('ecr-pull-secrets');
    }
  });
});
