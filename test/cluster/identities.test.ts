// Every way to a role, through the whole program: profiles by chaining and by web identity, for all and for each namespace, and
// identities of the namespaces' own. The fake AWS says what really came: who asked, for which role, with what.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { CallRecord } from '../../rig/fake-aws/call-log.ts';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, controllerRole, openStage, partnerRole } from '../../rig/stage.ts';
import { authsOf, documentOf, eventsOf, eventually, readSecret, untilSecret } from './observe.ts';

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const vendor = '777788889999.dkr.ecr.eu-central-1.amazonaws.com';
const puller = (namespace: string): string => `system:serviceaccount:${namespace}:puller`;
const teamRole = (name: string): string => `arn:aws:iam::222233334444:role/${name}`;
const direct = 'arn:aws:iam::555566667777:role/direct';
let stage: Stage;
let controller: ControllerProcess;

beforeAll(async () => {
  const all = { registries: [vendor], namespaces: ['identities-*'] };
  stage = await openStage({
    plane: inject('plane'),
    name: 'identities',
    config: {
      clusterName: 'prod',
      registries: [ireland],
      identity: { serviceAccounts: ['puller'] },
      profiles: {
        vendor: { ...all, roleArn: partnerRole('vendor'), externalId: 'shared-secret', tags: { team: 'x' } },
        direct: { ...all, registries: [ireland], roleArn: direct, via: 'webIdentity' },
        each: { ...all, roleArn: partnerRole('each'), perNamespace: true },
        placed: { ...all, roleArn: 'arn:aws:iam::444455556666:role/tenants/{namespace}/pull' },
      },
    },
  });
  const caller = { principals: [controllerRole], tagSession: true };
  stage.aws.putRole({ arn: partnerRole('vendor'), trust: [{ ...caller, externalId: 'shared-secret' }] });
  stage.aws.putRole({ arn: partnerRole('each'), trust: [caller] });
  stage.aws.putRole({
    arn: direct,
    trust: [{ subjects: [stage.installation.user], audience: 'sts.amazonaws.com' }],
  });
  controller = await stage.startController();
});
afterAll(() => stage.close());

const sts = (): readonly CallRecord[] => stage.aws.calls.filter(({ service }) => service === 'sts');

/** The calls that something makes. */
async function callsOf(what: () => Promise<unknown>): Promise<readonly CallRecord[]> {
  const before = stage.aws.calls.length;
  await what();
  return stage.aws.calls.slice(before);
}

async function putPuller(namespace: string, roleArn?: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const annotations = roleArn === undefined ? {} : { 'eks.amazonaws.com/role-arn': roleArn };
  const metadata = { name: 'puller', namespace, annotations };
  const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
  expect((await stage.admin.request({ method: 'POST', path, body })).status).toBe(201);
}

/** Whose tokens the Secret holds, by host. */
async function rolesIn(namespace: string): Promise<Readonly<Record<string, string | undefined>>> {
  const auths = authsOf(await untilSecret(stage, namespace));
  return Object.fromEntries(
    Object.entries(auths).map(([host, { password }]) => [host, stage.aws.verdict(password).token?.roleArn]),
  );
}

describe('a profile', () => {
  test('by chaining sends external id and tags, for all its namespaces once', async () => {
    const calls = await callsOf(async () => {
      for (const name of ['chained', 'chained-too']) {
        await untilSecret(stage, await stage.createNamespace(name, { 'ecr-pull-secrets/profile': 'vendor' }));
      }
    });
    expect(calls.filter(({ action }) => action === 'AssumeRole')).toMatchObject([
      {
        roleArn: partnerRole('vendor'),
        externalId: 'shared-secret',
        tags: { team: 'x' },
        sessionName: 'ecr-pull-secrets-prod',
        durationSeconds: 900,
        code: 'ok',
      },
    ]);
    expect(calls.filter(({ service }) => service === 'ecr')).toMatchObject([
      { region: 'eu-central-1', roleArn: partnerRole('vendor'), code: 'ok' },
    ]);
  });

  test('by web identity goes straight to the other account', async () => {
    const namespace = await stage.createNamespace('direct', { 'ecr-pull-secrets/profile': 'direct' });
    expect(await rolesIn(namespace)).toEqual({ [ireland]: direct });
    const call = sts().find(({ roleArn }) => roleArn === direct);
    expect(call).toMatchObject({ action: 'AssumeRoleWithWebIdentity', sessionName: 'ecr-pull-secrets-prod' });
  });

  test('per namespace has a session for each, named and tagged after it', async () => {
    const calls = await callsOf(async () => {
      for (const name of ['each-a', 'each-b']) {
        await untilSecret(stage, await stage.createNamespace(name, { 'ecr-pull-secrets/profile': 'each' }));
      }
    });
    expect(calls.filter(({ action }) => action === 'AssumeRole')).toMatchObject(
      ['identities-each-a', 'identities-each-b'].map((namespace) => ({
        sessionName: `ecr-pull-secrets-prod-${namespace}`,
        tags: { 'ecr-pull-secrets-namespace': namespace, 'ecr-pull-secrets-cluster': 'prod' },
        code: 'ok',
      })),
    );
  });

  test('with {namespace} in its role gives each namespace its own', async () => {
    const roleOf = (name: string) => `arn:aws:iam::444455556666:role/tenants/identities-${name}/pull`;
    for (const name of ['placed-a', 'placed-b']) {
      stage.aws.putRole({ arn: roleOf(name), trust: [{ principals: [controllerRole] }] });
      const namespace = await stage.createNamespace(name, { 'ecr-pull-secrets/profile': 'placed' });
      expect(await rolesIn(namespace)).toEqual({ [vendor]: roleOf(name) });
    }
  });

  test('beside another: own registries by one, a vendor’s by the other', async () => {
    const annotations = { 'ecr-pull-secrets/profile': 'direct, vendor' };
    const namespace = await stage.createNamespace('both', annotations);
    expect(await rolesIn(namespace)).toEqual({ [ireland]: direct, [vendor]: partnerRole('vendor') });
  });
});

describe('a namespace’s own identity', () => {
  const wish = { 'ecr-pull-secrets/enabled': 'true', 'ecr-pull-secrets/identity-service-account': 'puller' };

  test('is that of its ServiceAccount: subject, audience, pull-only policy, session name', async () => {
    const role = teamRole('own');
    const namespace = await stage.createNamespace('own');
    stage.aws.putRole({
      arn: role,
      trust: [{ subjects: [puller(namespace)], audience: 'sts.amazonaws.com', issuer: stage.plane.issuer }],
    });
    await putPuller(namespace, role);
    const calls = await callsOf(async () => {
      await stage.admin.annotate(namespace, wish);
      expect(await rolesIn(namespace)).toEqual({ [ireland]: role });
    });
    expect(calls).toMatchObject([
      {
        action: 'AssumeRoleWithWebIdentity',
        roleArn: role,
        sessionName: 'ecr-pull-secrets-prod-identities-own',
        policyArns: ['arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly'],
        policy: expect.stringContaining('ecr-public:GetAuthorizationToken'),
        durationSeconds: 900,
      },
      { service: 'ecr', roleArn: role, code: 'ok' },
    ]);
  });

  test('changes at once with the role on the ServiceAccount, and never reuses the old token', async () => {
    const namespace = await stage.createNamespace('changing');
    for (const name of ['first', 'second']) {
      stage.aws.putRole({ arn: teamRole(name), trust: [{ subjects: [puller(namespace)] }] });
    }
    await putPuller(namespace, teamRole('first'));
    await stage.admin.annotate(namespace, wish);
    expect(await rolesIn(namespace)).toEqual({ [ireland]: teamRole('first') });
    const before = await untilSecret(stage, namespace);
    await stage.admin.request({
      method: 'PATCH',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/puller`,
      body: { metadata: { annotations: { 'eks.amazonaws.com/role-arn': teamRole('second') } } },
      contentType: 'application/merge-patch+json',
    });
    await eventually(async () => expect(await rolesIn(namespace)).toEqual({ [ireland]: teamRole('second') }));
    const after = await untilSecret(stage, namespace);
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(documentOf(after) === documentOf(before)).toBe(false);
  });

  test('is not handed to a ServiceAccount that is made anew: it asks AWS itself', async () => {
    const namespace = await stage.createNamespace('anew');
    stage.aws.putRole({ arn: teamRole('anew'), trust: [{ subjects: [puller(namespace)] }] });
    await putPuller(namespace, teamRole('anew'));
    await stage.admin.annotate(namespace, wish);
    await untilSecret(stage, namespace);
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/puller`;
    await stage.admin.request({ method: 'DELETE', path });
    await eventually(async () =>
      expect(await eventsOf(stage, namespace)).toContainEqual(
        expect.stringMatching(/no such ServiceAccount/),
      ),
    );
    // The last good Secret stays meanwhile.
    expect(await readSecret(stage, namespace)).toBeDefined();
    await putPuller(namespace, teamRole('anew'));
    await eventually(async () =>
      expect(stage.aws.count({ roleArn: teamRole('anew'), service: 'ecr' })).toBe(2),
    );
  });

  test('that does not trust us is told with issuer, subject and audience', async () => {
    const namespace = await stage.createNamespace('untrusted');
    await putPuller(namespace, teamRole('of-others'));
    await stage.admin.annotate(namespace, wish);
    await eventually(async () =>
      expect(await eventsOf(stage, namespace)).toEqual([
        expect.stringContaining(
          `issuer ${stage.plane.issuer}, subject ${puller(namespace)}, audience sts.amazonaws.com`,
        ),
      ]),
    );
    expect(controller.output()).not.toMatch(/eyJ[\w-]{8,}\.eyJ/);
  });
});
