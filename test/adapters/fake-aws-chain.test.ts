// The fake AWS against the real SDK: roles that are assumed with roles, by external id and with tags.
import {
  AssumeRoleCommand,
  GetCallerIdentityCommand,
  STSClient,
  type STSClientConfig,
} from '@aws-sdk/client-sts';
import { fromTemporaryCredentials, fromTokenFile } from '@aws-sdk/credential-providers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { controllerRole, partnerRole, type Scene, startScene, staticKey } from '../../rig/fake-aws/scene.ts';

let scene: Scene;
const region = 'eu-west-1';
const externalId = 'customer-7';

beforeEach(async () => {
  scene = await startScene();
  for (const [name, value] of Object.entries(scene.webIdentity)) vi.stubEnv(name, value);
  scene.aws.putRole({ ...partnerRole, trust: [{ principals: [controllerRole.arn], externalId }] });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

const sts = (credentials: NonNullable<STSClientConfig['credentials']>) =>
  new STSClient({ region, credentials, maxAttempts: 1 });

const chained = (params: { readonly ExternalId?: string; readonly DurationSeconds?: number }) =>
  fromTemporaryCredentials({
    masterCredentials: fromTokenFile({ clientConfig: { region } }),
    params: { RoleArn: partnerRole.arn, RoleSessionName: 'pull', ...params },
    clientConfig: { region, maxAttempts: 1 },
  });

/** The name that the SDK gives to the error; AWS's own code where it has no class for it. */
async function failureOf(
  call: Promise<unknown>,
): Promise<{ readonly name: string; readonly message: string }> {
  return await call.then(
    () => {
      throw new Error('it succeeded');
    },
    (error: Error) => error,
  );
}

test('a chain of roles goes on with the external id that the trust policy asks for', async () => {
  const { Arn } = await sts(chained({ ExternalId: externalId })).send(new GetCallerIdentityCommand({}));
  expect(Arn).toBe('arn:aws:sts::444455556666:assumed-role/partner-pull/pull');
  expect(scene.aws.calls[1]).toMatchObject({ action: 'AssumeRole', externalId, roleArn: partnerRole.arn });
});

test('a chain of roles ends at a wrong external id, at none, and at more than an hour', async () => {
  const denied = 'assumed-role/controller/';
  for (const params of [{ ExternalId: 'wrong' }, {}]) {
    const { name, message } = await failureOf(chained(params)());
    expect(name).toBe('AccessDenied');
    expect(message).toContain(denied);
    expect(message).toContain(`is not authorized to perform: sts:AssumeRole on resource: ${partnerRole.arn}`);
  }
  const tooLong = await failureOf(chained({ ExternalId: externalId, DurationSeconds: 7200 })());
  expect(tooLong.message).toContain('1 hour session limit for roles assumed by role chaining');
});

test('a chain of roles needs sts:TagSession for tags, and refuses a tag that was inherited', async () => {
  const tags = { Tags: [{ Key: 'team', Value: 'a' }], TransitiveTagKeys: ['team'] };
  const role = { RoleArn: partnerRole.arn, RoleSessionName: 'pull' };
  const trust = [{ principals: [staticKey.userArn, partnerRole.arn] }];
  scene.aws.putRole({ ...partnerRole, trust });
  const untagged = await failureOf(sts(staticKey).send(new AssumeRoleCommand({ ...role, ...tags })));
  expect(untagged.message).toContain('sts:TagSession');
  scene.aws.putRole({
    ...partnerRole,
    trust: trust.map((statement) => ({ ...statement, tagSession: true })),
  });
  const tagged = fromTemporaryCredentials({
    masterCredentials: staticKey,
    params: { ...role, ...tags },
    clientConfig: { region },
  });
  expect(await sts(tagged).send(new AssumeRoleCommand(role))).toHaveProperty('Credentials');
  expect((await failureOf(sts(tagged).send(new AssumeRoleCommand({ ...role, ...tags })))).name).toBe(
    'InvalidParameterValue',
  );
});
