// What an upgrade must not change, since the first chart had it, and the one upgrade that changes the kind of the workload, by the
// real helm on the real API server. What becomes of Secrets and pods meanwhile: chart-upgrade.test.ts.
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Admin } from '../../rig/control-plane/admin.ts';
import { chartFolder } from '../../rig/installation/helm.ts';
import { ChartScene, examples, one, release } from './chart-scene.ts';

const plane = inject('plane');
const namespace = 'chart-lifecycle';
const labels = {
  'app.kubernetes.io/name': 'ecr-pull-secrets',
  'app.kubernetes.io/instance': 'ecr-pull-secrets',
};
let scene: ChartScene;
let admin: Admin;
beforeAll(async () => {
  admin = new Admin(plane);
  scene = await ChartScene.open(plane, namespace);
  await admin.createNamespace(namespace);
});
afterAll(async () => {
  await admin.deleteNamespace(namespace);
  await scene.close();
  await admin.close();
});

const exists = async (group: string, resource: string): Promise<boolean> =>
  (await admin.get(`${group}/namespaces/${namespace}/${resource}/ecr-pull-secrets`)) !== undefined;

test('names and selectors are those of the first chart: a Deployment that is there can be upgraded', async () => {
  const rendered = await scene.render({});
  expect(rendered.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted()).toEqual([
    `ClusterRole ecr-pull-secrets:${namespace}`,
    `ClusterRoleBinding ecr-pull-secrets:${namespace}`,
    'ConfigMap ecr-pull-secrets',
    'Deployment ecr-pull-secrets',
    'Role ecr-pull-secrets',
    'RoleBinding ecr-pull-secrets',
    'Service ecr-pull-secrets',
    'ServiceAccount ecr-pull-secrets',
  ]);
  expect(one(rendered, 'Deployment')).toHaveProperty('spec.selector', { matchLabels: labels });
  expect(one(rendered, 'Service')).toHaveProperty('spec.selector', labels);
});

test('a Deployment becomes a CronJob by an upgrade, and a Deployment again: never both', async () => {
  const values = examples['web-identity'] ?? {};
  const workloads = () =>
    Promise.all([exists('/apis/batch/v1', 'cronjobs'), exists('/apis/apps/v1', 'deployments')]);
  await scene.helmInCluster(['install', release, chartFolder], values);
  expect(await workloads()).toEqual([false, true]);
  await scene.helmInCluster(['upgrade', release, chartFolder], { ...values, cronJob: { enabled: true } });
  expect(await workloads()).toEqual([true, false]);
  await scene.helmInCluster(['upgrade', release, chartFolder], values);
  expect(await workloads()).toEqual([false, true]);
  await scene.helmInCluster(['uninstall', release]);
  expect(await workloads()).toEqual([false, false]);
});
