// What somebody gets who may annotate a namespace, and create ServiceAccounts in it, but is no friend: nothing that the
// administrator did not give. One test for each attempt; while they go on, everybody else is served.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { type AuditEntry, AuditLog, type Mark } from '../../rig/control-plane/audit.ts';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import type { CallRecord } from '../../rig/fake-aws/call-log.ts';
import { type Stage, controllerRole, openStage, partnerRole } from '../../rig/stage.ts';
import {
  authsOf,
  eventsOf,
  eventually,
  leak,
  pullSecretsOf,
  readSecret,
  untilSecret,
  writes,
} from './observe.ts';

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const victimRole = 'arn:aws:iam::222233334444:role/victim';
const enabled = { 'ecr-pull-secrets/enabled': 'true' };
const own = { ...enabled, 'ecr-pull-secrets/identity-service-account': 'puller' };
let stage: Stage;
let controller: ControllerProcess;
let victim: string;
let victimVersion: string | undefined;
let attempts = 0;

beforeAll(async () => {
  stage = await openStage({
    plane: inject('plane'),
    name: 'hostile',
    partners: ['theirs'],
    config: {
      registries: [ireland],
      identity: { serviceAccounts: ['puller'] },
      aws: { timeout: '5s' },
      profiles: {
        theirs: { registries: [ireland], namespaces: ['hostile-victim'], roleArn: partnerRole('theirs') },
        placed: {
          registries: [ireland],
          namespaces: ['hostile-*'],
          roleArn: 'arn:aws:iam::444455556666:role/{namespace}',
        },
      },
    },
  });
  victim = await stage.createNamespace('victim');
  const subjects = [`system:serviceaccount:${victim}:puller`];
  stage.aws.putRole({ arn: victimRole, trust: [{ subjects, audience: 'sts.amazonaws.com' }] });
  await putAccount(victim, 'puller', victimRole);
  controller = await stage.startController();
  await stage.admin.annotate(victim, own);
  victimVersion = (await untilSecret(stage, victim)).metadata.resourceVersion;
});
afterAll(() => stage.close());

let callsBefore: number;
let audit: AuditLog;
let mark: Mark;
beforeEach(async () => {
  callsBefore = stage.aws.calls.length;
  audit = new AuditLog(stage.plane, stage.admin);
  mark = await audit.mark();
});

/** What the controller changed, or tried to, since the test began. */
const changes = async (): Promise<readonly AuditEntry[]> =>
  writes(await audit.since(mark, { user: stage.installation.user }));
afterEach(async () => {
  // Whatever was tried: the victim's Secret is as it was, others are served at once, and nothing secret was said.
  expect((await readSecret(stage, victim))?.metadata.resourceVersion).toBe(victimVersion);
  await untilSecret(stage, await stage.createNamespace(`other-${attempts}`, enabled));
  expect(controller.output()).not.toMatch(leak);
});

const calls = (): readonly CallRecord[] => stage.aws.calls.slice(callsBefore);

async function putAccount(namespace: string, name: string, roleArn: string): Promise<void> {
  const metadata = { name, annotations: { 'eks.amazonaws.com/role-arn': roleArn } };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
  await stage.admin.request({ method: 'POST', path, body });
}

/** A namespace of the hostile editor, with a ServiceAccount of the allowed name. */
async function attempt(annotations: Readonly<Record<string, string>>, roleArn = victimRole): Promise<string> {
  attempts += 1;
  const namespace = await stage.createNamespace(`attempt-${attempts}`);
  await putAccount(namespace, 'puller', roleArn);
  await stage.admin.annotate(namespace, annotations);
  return namespace;
}

/** It is told why not, and gets nothing. */
async function isRefused(namespace: string, reason: RegExp): Promise<void> {
  await eventually(async () =>
    expect(await eventsOf(stage, namespace)).toContainEqual(expect.stringMatching(reason)),
  );
  expect(await readSecret(stage, namespace)).toBeUndefined();
}

describe('a role that was not given', () => {
  test.each([
    ['the controller’s own', controllerRole],
    ['a partner’s', partnerRole('theirs')],
    ['another namespace’s', victimRole],
  ])('%s, by role-arn alone, is refused without a call', async (_, roleArn) => {
    const namespace = await attempt({ ...enabled, 'ecr-pull-secrets/role-arn': roleArn });
    await isRefused(namespace, /^IdentityRefused: .*identity-service-account/);
    expect(calls()).toEqual([]);
  });

  test.each([
    ['the controller’s own', controllerRole],
    ['a partner’s', partnerRole('theirs')],
    ['another namespace’s', victimRole],
  ])('%s, with its own ServiceAccount, is asked for as itself, and AWS refuses', async (_, roleArn) => {
    const namespace = await attempt({ ...own, 'ecr-pull-secrets/role-arn': roleArn });
    await isRefused(namespace, new RegExp(`subject system:serviceaccount:${namespace}:puller`));
    expect(calls().map(({ action, code }) => `${action} ${code}`)).toEqual([
      'AssumeRoleWithWebIdentity AccessDenied',
    ]);
  });

  test.each(['theirs', '__proto__', 'constructor', 'theirs,placed', '{namespace}'])(
    'by profile %j is refused without a call',
    async (profile) => {
      const namespace = await attempt({ 'ecr-pull-secrets/profile': profile });
      await isRefused(namespace, /^ProfileRefused: /);
      expect(calls()).toEqual([]);
    },
  );

  test('the place in a profile’s role is filled with its own name', async () => {
    const namespace = await attempt({ 'ecr-pull-secrets/profile': 'placed' });
    await isRefused(namespace, /^TokenUnavailable: /);
    expect(calls().filter(({ action }) => action === 'AssumeRole')).toMatchObject([
      { roleArn: `arn:aws:iam::444455556666:role/${namespace}`, code: 'AccessDenied' },
    ]);
  });
});

describe('another’s identity', () => {
  test.each([
    'hostile-victim/puller',
    'system:serviceaccount:hostile-victim:puller',
    '../../hostile-victim/serviceaccounts/puller',
    'puller/token?namespace=hostile-victim',
    'PULLER',
    'puller,puller',
    'default',
    'ecr-pull-secrets',
    '*',
    '',
  ])('by ServiceAccount %j is refused; no token is requested for it', async (name) => {
    const namespace = await attempt({ ...enabled, 'ecr-pull-secrets/identity-service-account': name });
    await isRefused(namespace, /^IdentityRefused: .*puller/);
    expect(calls()).toEqual([]);
    const requested = (await changes()).filter(({ subresource }) => subresource === 'token');
    expect(requested).toEqual([]);
  });
});

test('another Secret’s name cannot be asked for: only ours is written', async () => {
  const namespace = await attempt({ ...enabled, 'ecr-pull-secrets/secret-name': 'default-token' });
  await untilSecret(stage, namespace);
  const secrets = (await changes()).filter(({ resource }) => resource === 'secrets');
  expect(new Set(secrets.map(({ name }) => name))).toEqual(new Set([stage.secretName]));
});

test.each(['puller', 'admin', '*', 'default/../puller'])(
  'a ServiceAccount that is not allowed, %j, is not attached to',
  async (name) => {
    const namespace = await attempt({ ...enabled, 'ecr-pull-secrets/attach-to': name });
    await isRefused(namespace, /^ServiceAccountRefused: /);
    for (const account of ['default', 'puller']) {
      expect(await pullSecretsOf(stage, namespace, account)).toEqual([]);
    }
  },
);

test('hosts outside ECR never come into the Secret', async () => {
  const hosts = [
    'registry.example.com',
    `${ireland}.evil.example`,
    `evil-${ireland}`,
    'index.docker.io',
    '*',
    '*.amazonaws.com',
    `https://${ireland}@evil.example/`,
    ireland,
  ];
  const namespace = await attempt({ 'ecr-pull-secrets/registries': hosts.join(' ') });
  expect(Object.keys(authsOf(await untilSecret(stage, namespace)))).toEqual([ireland]);
});

describe('others', () => {
  test('are not slowed down by fifty regions that hang, also where they need a cold one', async () => {
    const regions = Array.from(
      { length: 50 },
      (_, index) => `eu-${String.fromCharCode(97 + (index % 26))}x-${index}`,
    );
    const undo = regions.map((region) => stage.aws.behave({ service: 'ecr', region }, { hang: true }));
    const hosts = regions.map((region) => `111122223333.dkr.ecr.${region}.amazonaws.com`);
    await attempt({ 'ecr-pull-secrets/registries': hosts.join(' ') });
    await eventually(async () => expect(calls().length).toBeGreaterThanOrEqual(4));
    const startedAt = performance.now();
    const cold = { 'ecr-pull-secrets/registries': '111122223333.dkr.ecr.eu-south-2.amazonaws.com' };
    await untilSecret(stage, await stage.createNamespace(`cold-${attempts}`, cold));
    // Below the time after which the first of those calls is given up.
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    for (const one of undo) one();
  });

  test.each([
    ['hosts', 'registries', `${ireland} `.repeat(4_000)],
    ['commas', 'registries', ','.repeat(200_000)],
    ['profiles', 'profile', 'x '.repeat(100_000)],
    ['ServiceAccounts', 'attach-to', 'a,'.repeat(100_000)],
    ['a role', 'role-arn', `arn:aws:iam::111122223333:role/${'a/'.repeat(100_000)}`],
  ])('are not stopped by 200 kB of %s', async (_, key, value) => {
    const namespace = await attempt({ [`ecr-pull-secrets/${key}`]: value, ...enabled });
    await eventually(async () =>
      expect((await readSecret(stage, namespace)) ?? (await eventsOf(stage, namespace))[0]).toBeDefined(),
    );
  });
});
