// An installation that has rights in a list of namespaces and none in the cluster: they are served as ever, whoever refuses us
// blocks itself only, and nobody else is seen. rights.test.ts has what those rights are.
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { Admin } from '../../rig/control-plane/admin.ts';
import type { ObjectReference } from '../../rig/control-plane/resource-path.ts';
import { type ControllerProcess, runToEnd } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { eventually, pullSecretsOf, readSecret, untilSecret } from './observe.ts';

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const enabled = { 'ecr-pull-secrets/enabled': 'true' };
const listed = ['only-a', 'only-b', 'only-c'] as const;
const [a, b, c] = listed;
let stage: Stage;
let running: ControllerProcess[] = [];

beforeAll(async () => {
  const plane = inject('plane');
  const admin = new Admin(plane);
  for (const name of [...listed, 'only-unlisted']) await admin.createNamespace(name);
  await admin.close();
  stage = await openStage({
    plane,
    name: 'only',
    config: { registries: [ireland], namespaces: { only: listed } },
    // One of them refuses us, for the time that its Role is away.
    mayBeRefused: ({ uri }) =>
      uri.includes(`/namespaces/${b}`) ||
      uri.includes(`/watch/namespaces/${c}`) ||
      uri.includes('only-missing'),
  });
  for (const name of [...listed, 'only-unlisted']) stage.adopt(name);
});
afterEach(async () => {
  for (const controller of running.splice(0)) await controller.stop();
  for (const name of listed) await stage.admin.annotate(name, { 'ecr-pull-secrets/enabled': null });
});
afterAll(() => stage.close());

async function start(): Promise<ControllerProcess> {
  const controller = await stage.startController();
  running.push(controller);
  return controller;
}

const manifest = (kind: string, namespace: string): ObjectReference => {
  const found = stage.installation.manifests.find(
    (candidate) => candidate.kind === kind && candidate.metadata.namespace === namespace,
  );
  if (found === undefined) throw new Error(`no ${kind} in ${namespace}`);
  return found;
};

/** Takes the rights in a namespace away. @returns what gives them back */
async function takeRights(namespace: string): Promise<() => Promise<unknown>> {
  const binding = manifest('RoleBinding', namespace);
  const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings/${binding.metadata.name}`;
  expect((await stage.admin.request({ method: 'DELETE', path })).status).toBe(200);
  return () => stage.admin.apply(binding);
}

test('there is no right in the cluster, and each listed namespace has a Role', () => {
  const { manifests } = stage.installation;
  expect(manifests.filter(({ kind }) => kind.startsWith('Cluster'))).toEqual([]);
  const roles = manifests.filter(({ kind }) => kind === 'Role').map(({ metadata }) => metadata.namespace);
  expect(new Set(roles)).toEqual(new Set([...listed, stage.installation.namespace]));
  expect(roles).toHaveLength(listed.length + 1);
});

test('listed namespaces are served at once, repaired and left; one that is not listed is not seen', async () => {
  const controller = await start();
  await stage.admin.annotate('only-unlisted', enabled);
  for (const name of listed) await stage.admin.annotate(name, enabled);
  const { uid } = (await untilSecret(stage, a)).metadata;
  for (const name of [b, c]) await untilSecret(stage, name);
  await eventually(async () => expect(await pullSecretsOf(stage, a)).toEqual([stage.secretName]));
  const path = `/api/v1/namespaces/${a}/secrets/${stage.secretName}`;
  await stage.admin.request({ method: 'DELETE', path });
  await eventually(async () => {
    const now = await readSecret(stage, a);
    expect(now !== undefined && now.metadata.uid !== uid).toBe(true);
  });
  await stage.admin.annotate(a, { 'ecr-pull-secrets/enabled': 'false' });
  await eventually(async () => {
    expect(await readSecret(stage, a)).toBeUndefined();
    expect(await pullSecretsOf(stage, a)).toEqual([]);
  });
  expect(await readSecret(stage, 'only-unlisted')).toBeUndefined();
  expect(controller.output()).not.toContain('only-unlisted');
});

test('a namespace that refuses us at the start blocks itself only, says why, and is served as soon as it lets us', async () => {
  for (const name of listed) await stage.admin.annotate(name, enabled);
  const before = await readSecret(stage, b);
  const giveBack = await takeRights(b);
  try {
    const controller = await start();
    for (const name of [a, c]) await untilSecret(stage, name);
    expect(await controller.ready()).toBe(true);
    await eventually(async () => {
      const told = controller.logs().find(({ msg, namespace }) => msg === 'problem' && namespace === b);
      expect(told).toMatchObject({
        reason: 'Forbidden',
        note: expect.stringContaining('Role and RoleBinding'),
      });
      expect(
        await controller.metric('ecr_pull_secrets_problems_total', { reason: 'Forbidden' }),
      ).toBeGreaterThan(0);
    });
    expect((await readSecret(stage, b))?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
  } finally {
    await giveBack();
  }
  await untilSecret(stage, b);
});

test(
  'where the watch of a namespace is forbidden, it is looked at every half minute',
  { timeout: 90_000 },
  async () => {
    const role = manifest('Role', c) as ObjectReference & {
      readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
    };
    const rules = role.rules.map((rule) =>
      rule.resources.includes('namespaces') ? { ...rule, verbs: ['get'] } : rule,
    );
    await stage.admin.apply({ ...role, rules } as ObjectReference);
    try {
      const path = `/api/v1/namespaces/${c}/secrets/${stage.secretName}`;
      await stage.admin.request({ method: 'DELETE', path });
      await start();
      await stage.admin.annotate(c, enabled);
      await eventually(async () => expect(await readSecret(stage, c)).toBeDefined(), 60);
    } finally {
      await stage.admin.apply(role);
    }
  },
);

test('one pass serves the others, names the one that refuses us, and fails', async () => {
  for (const name of listed) await stage.admin.annotate(name, enabled);
  const giveBack = await takeRights(b);
  try {
    const pass = await runToEnd({
      args: ['once', '--output', 'json'],
      installation: stage.installation,
      aws: stage.awsAccess,
    });
    expect(pass.code).toBe(1);
    expect(pass.stdout).toMatch(/"only-b"[^]*does not let us look at namespace only-b/);
    for (const name of [a, c]) expect(await readSecret(stage, name)).toBeDefined();
  } finally {
    await giveBack();
  }
});

test.each([
  ['one that is listed', 'only-a', 0, 'only-a'],
  ['one that is not', 'only-unlisted', 2, 'is not among namespaces.only'],
])('one pass for %s', async (_, namespace, code, words) => {
  await stage.admin.annotate(a, enabled);
  const path = `/api/v1/namespaces/${a}/secrets/${stage.secretName}`;
  await stage.admin.request({ method: 'DELETE', path });
  const pass = await runToEnd({
    args: ['once', '--namespace', namespace],
    installation: stage.installation,
    aws: stage.awsAccess,
  });
  expect([pass.code, pass.stdout + pass.stderr]).toEqual([code, expect.stringContaining(words)]);
});

test('a listed namespace that is not there is told, by a pass and by the controller', async () => {
  // As where people make the Roles: by cluster-wide rights, under which it is 404 instead of 403.
  const { configFile } = stage.installation;
  const config = readFileSync(configFile, 'utf8').replace('- only-c', '- only-missing');
  writeFileSync(configFile, config);
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'only-look' },
  };
  const binding = { ...role, kind: 'ClusterRoleBinding' };
  const resources = ['namespaces', 'secrets', 'serviceaccounts'];
  const rules = [{ apiGroups: [''], resources, verbs: ['get', 'list', 'watch'] }];
  const { namespace, serviceAccount } = stage.installation;
  const subjects = [{ kind: 'ServiceAccount', name: serviceAccount, namespace }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'only-look' };
  await stage.admin.apply({ ...role, rules } as ObjectReference);
  await stage.admin.apply({ ...binding, roleRef, subjects } as ObjectReference);
  try {
    const pass = await eventually(async () => {
      const ended = await runToEnd({
        args: ['once'],
        installation: stage.installation,
        aws: stage.awsAccess,
      });
      expect(ended.stderr).toContain('not there, though listed under namespaces.only: only-missing');
      return ended;
    });
    expect(pass.code).toBe(1);
    const controller = await start();
    await eventually(async () =>
      expect(controller.logs()).toContainEqual(
        expect.objectContaining({
          msg: 'a namespace of namespaces.only is not there',
          namespace: 'only-missing',
        }),
      ),
    );
  } finally {
    const path = '/apis/rbac.authorization.k8s.io/v1';
    await stage.admin.request({ method: 'DELETE', path: `${path}/clusterrolebindings/only-look` });
    await stage.admin.request({ method: 'DELETE', path: `${path}/clusterroles/only-look` });
  }
});
