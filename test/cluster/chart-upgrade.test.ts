// The life of a release by the real helm: from the first chart there was, upgraded with other values, rolled back and uninstalled.
// Whatever happens to it, Secrets stay as they are, so that running pods can go on pulling; and they go by the commands of the
// chart's README. The controller is started anew after each change, as the Deployment would do it.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Admin, type KubernetesObject } from '../../rig/control-plane/admin.ts';
import { asset } from '../../rig/control-plane/assets.ts';
import { type ControllerProcess, runToEnd, startController } from '../../rig/controller-process.ts';
import { type FakeAws, startFakeAws } from '../../rig/fake-aws/fake-aws.ts';
import { HelmRelease } from '../../rig/helm-release.ts';
import { chartFolder } from '../../rig/installation/helm.ts';
import { controllerRole } from '../../rig/stage.ts';
import { eventually } from './observe.ts';

const plane = inject('plane');
const name = 'ecr-pull-secrets';
const [team, other] = ['upgrade-team', 'upgrade-other'];
const firstChart = join(import.meta.dirname, '../fixtures/first-chart');
const registries = ['111122223333.dkr.ecr.eu-west-1.amazonaws.com'];
let admin: Admin;
let aws: FakeAws;
let release: HelmRelease;
let running: ControllerProcess | undefined;

beforeAll(async () => {
  admin = new Admin(plane);
  const subjects = [`system:serviceaccount:${name}:${name}`];
  aws = await startFakeAws({
    issuers: [{ issuer: plane.issuer, jwks: () => admin.jwks() }],
    roles: [{ arn: controllerRole, trust: [{ subjects, audience: 'sts.amazonaws.com' }] }],
  });
  for (const namespace of [team, other]) await admin.createNamespace(namespace);
  await admin.annotate(team, { 'ecr-pull-secrets/enabled': 'true' });
  release = await HelmRelease.open({ plane, admin, name, namespace: name });
});
afterAll(async () => {
  const ends = new AsyncDisposableStack();
  ends.defer(() => admin.close());
  ends.defer(() => aws.close());
  for (const namespace of [team, other, name]) ends.defer(() => admin.deleteNamespace(namespace));
  ends.defer(() => release.close());
  ends.defer(() => stop());
  await ends.disposeAsync();
});

const values = (config: object = {}, more: object = {}) => ({
  image: { repository: 'registry.example.com/ecr-pull-secrets' },
  aws: { region: 'eu-west-1', roleArn: controllerRole },
  config: { registries, ...config },
  ...more,
});

const access = () => ({ installation: release.files, aws: { endpoint: aws.url, roleArn: controllerRole } });

async function stop(): Promise<void> {
  await running?.stop();
  running = undefined;
}

/** What a rollout does: the new one starts, the old one ends. */
async function rollOut(): Promise<ControllerProcess> {
  const before = running;
  running = await startController(access());
  await before?.stop();
  await eventually(async () => expect(await running?.metric('ecr_pull_secrets_leading')).toBe(1));
  return running;
}

const secretIn = (namespace: string, secret = 'ecr-pull-secret') =>
  admin.get<KubernetesObject & { data: object }>(`/api/v1/namespaces/${namespace}/secrets/${secret}`);

const pullSecrets = async (): Promise<unknown> =>
  (await admin.get(`/api/v1/namespaces/${team}/serviceaccounts/default`))?.['imagePullSecrets'];

/** The objects of the release that are there now, as kind and name. */
async function objects(): Promise<readonly string[]> {
  const label = { labelSelector: `app.kubernetes.io/instance=${name}` };
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const lists = [
    `/api/v1/namespaces/${name}/serviceaccounts`,
    `/api/v1/namespaces/${name}/configmaps`,
    `/api/v1/namespaces/${name}/services`,
    `/apis/apps/v1/namespaces/${name}/deployments`,
    `/apis/policy/v1/namespaces/${name}/poddisruptionbudgets`,
    `${rbac}/clusterroles`,
    `${rbac}/clusterrolebindings`,
    `${rbac}/roles`,
    `${rbac}/rolebindings`,
  ];
  const found = await Promise.all(
    lists.map(async (path) => {
      const { body } = await admin.request({ method: 'GET', path, query: label });
      const { items } = body as { items: readonly KubernetesObject[] };
      return items.map(() => path.split('/').at(-1) ?? '');
    }),
  );
  return found.flat().toSorted();
}

const deployment = () => admin.get(`/apis/apps/v1/namespaces/${name}/deployments/${name}`);

test('the first chart installs, and what is written under it is left as it is by an upgrade to this one', async () => {
  await release.become(values(), firstChart);
  // Under its rights, which know no Lease.
  expect(await runToEnd({ args: ['once'], ...access() })).toMatchObject({ code: 0 });
  const written = await secretIn(team);
  expect(written).toBeDefined();
  const { uid } = (await deployment())?.metadata ?? {};
  const calls = aws.calls.length;

  await release.become(values());
  expect((await deployment())?.metadata.uid).toBe(uid);
  const controller = await rollOut();
  await eventually(async () =>
    expect(controller.logs().some(({ msg, namespace }) => msg === 'reconciled' && namespace === team)).toBe(
      true,
    ),
  );
  expect(await secretIn(team)).toEqual(written);
  expect(aws.calls).toHaveLength(calls);
});

test('changed values make a new pod, and count', async () => {
  const hash = async () =>
    ((await deployment()) as unknown as { spec: { template: { metadata: { annotations: object } } } }).spec
      .template.metadata.annotations;
  const before = await hash();
  await release.become(values({ namespaces: { mode: 'all', include: ['upgrade-*'] } }, { replicas: 2 }));
  expect(await hash()).not.toEqual(before);
  expect(await objects()).toContain('poddisruptionbudgets');
  await rollOut();
  await eventually(async () => expect(await secretIn(other)).toBeDefined());
});

test('a new name of the Secret: the old one is replaced, and rolled back it is so again', async () => {
  const renamed = { secretName: 'pull-by-ecr', formerSecretNames: ['ecr-pull-secret'] };
  await release.become(values(renamed));
  await rollOut();
  await eventually(async () => {
    expect(await secretIn(team, 'pull-by-ecr')).toBeDefined();
    expect(await secretIn(team)).toBeUndefined();
    expect(await pullSecrets()).toEqual([{ name: 'pull-by-ecr' }]);
  });

  await release.rollBack();
  await rollOut();
  await eventually(async () => expect(await secretIn(team)).toBeDefined());
  // The former name is unknown to the chart before: what stands there stays, and goes on pulling until it expires.
  expect(await secretIn(team, 'pull-by-ecr')).toBeDefined();
  expect(await pullSecrets()).toEqual([{ name: 'pull-by-ecr' }, { name: 'ecr-pull-secret' }]);
  await release.become(values({ formerSecretNames: ['pull-by-ecr'] }));
  await rollOut();
  await eventually(async () => {
    expect(await secretIn(team, 'pull-by-ecr')).toBeUndefined();
    expect(await pullSecrets()).toEqual([{ name: 'ecr-pull-secret' }]);
  });
});

test('from the whole cluster to two namespaces and back: the other rights go, the Secrets stay', async () => {
  const before = await secretIn(team);
  await release.become(values({ namespaces: { only: [team, other] } }));
  expect(await objects()).not.toContain('clusterroles');
  expect((await objects()).filter((kind) => kind === 'roles')).toHaveLength(3);
  await rollOut();
  await admin.annotate(other, { 'ecr-pull-secrets/enabled': 'true' });
  await eventually(async () => expect(await secretIn(other)).toBeDefined());
  expect(await secretIn(team)).toEqual(before);

  await release.become(values());
  expect(await objects()).toContain('clusterroles');
  expect((await objects()).filter((kind) => kind === 'roles')).toHaveLength(1);
  await rollOut();
  expect(await secretIn(team)).toEqual(before);
});

test('an upgrade that helm refuses leaves everything as it is', async () => {
  const before = await objects();
  await expect(release.become(values({ secretName: '' }))).rejects.toThrow(/secretName/);
  expect(await objects()).toEqual(before);
});

test('uninstalled, nothing of the chart is left, and Secrets and attachments are as they were', async () => {
  const before = await secretIn(team);
  await stop();
  await release.uninstall();
  expect(await objects()).toEqual([]);
  expect(await secretIn(team)).toEqual(before);
  expect(await pullSecrets()).toEqual([{ name: 'ecr-pull-secret' }]);
});

test("the commands of the chart's README remove everything", async () => {
  await release.become(values());
  await rollOut();
  const readme = readFileSync(join(chartFolder, 'README.md'), 'utf8');
  const [, commands = ''] = /let the controller do it while it runs[^]*?```sh\n([^]*?)```/.exec(readme) ?? [];
  expect(commands).toContain('helm uninstall');
  const path = [await asset('kubectl'), await asset('helm'), '/usr/bin/env']
    .map((file) => dirname(file))
    .join(':');
  await promisify(execFile)('bash', ['-euc', commands], {
    env: { PATH: `${path}:/bin`, HOME: dirname(release.files.configFile), KUBECONFIG: plane.adminKubeconfig },
    timeout: 60_000,
  });
  await stop();
  expect(await objects()).toEqual([]);
  for (const namespace of [team, other]) expect(await secretIn(namespace)).toBeUndefined();
  expect(await pullSecrets()).toBeUndefined();
  const leases = await admin.get<{ items: unknown[] }>(
    `/apis/coordination.k8s.io/v1/namespaces/${name}/leases`,
  );
  expect(leases?.items).toEqual([]);
});
