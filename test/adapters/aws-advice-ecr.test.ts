// What AwsTokenFetcher says of each refusal of ECR and ECR Public that the fake AWS can play: what kind of failure it is, and what
// a person is told to look at; and throttling by either service. What every call may meet is in aws-advice-general.test.ts.
import { AssumeRoleWithWebIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { controller, controllerRole, type Scene, startScene } from '../../rig/fake-aws/scene.ts';
import { ecrRefusals } from '../../src/aws/ecr-refusals.ts';
import type { TokenSource } from '../../src/domain/token.ts';
import {
  byKey,
  byWebIdentity,
  type Cause,
  failureOf,
  makeFetcher,
  privateSource,
  rowsWithout,
  useEnvironment,
} from '../support/aws-fetching.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await startScene();
  useEnvironment(scene.webIdentity);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

const ecr = 'ecr GetAuthorizationToken in eu-west-1';
const publicSource: TokenSource = { identity: byWebIdentity, service: 'public', region: 'us-east-1' };
const refuse = (code: string, message: string) =>
  scene.aws.behave({ service: 'ecr' }, { fail: { status: 400, code, message } });

/** Keys of a session that somebody limited to another action. */
async function pasteLimited(): Promise<void> {
  const client = new STSClient({ region: 'eu-west-1', maxAttempts: 1 });
  const statement = { Effect: 'Allow', Action: 'ecr:BatchGetImage', Resource: '*' };
  const { Credentials } = await client.send(
    new AssumeRoleWithWebIdentityCommand({
      RoleArn: controllerRole.arn,
      RoleSessionName: 'limited',
      WebIdentityToken: await scene.issuer.sign(controller),
      Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
    }),
  );
  client.destroy();
  useEnvironment({
    ...scene.staticKeys,
    AWS_ACCESS_KEY_ID: Credentials?.AccessKeyId,
    AWS_SECRET_ACCESS_KEY: Credentials?.SecretAccessKey,
    AWS_SESSION_TOKEN: Credentials?.SessionToken,
  });
}

const identityDenied = { message: `${ecr}: AccessDeniedException`, reason: 'denied' } as const;
const throttled = { reason: 'throttled', advice: /throttles us.*by itself, more slowly/ } as const;

const causes: readonly Cause[] = [
  {
    cause: 'a role without ecr:GetAuthorizationToken',
    arrange: () => scene.aws.putRole({ ...controllerRole, allow: ['ecr:BatchGetImage', 'sts:*'] }),
    ...identityDenied,
    advice: /^allow ecr:GetAuthorizationToken on Resource "\*" by an identity policy/,
  },
  {
    cause: 'a session that somebody limited to another action',
    arrange: pasteLimited,
    source: privateSource(byKey),
    ...identityDenied,
    advice: /session policy does not allow.*that of the credentials which the controller was given/,
  },
  {
    cause: 'a policy that denies outright',
    arrange: () => refuse('AccessDeniedException', 'with an explicit deny in a service control policy'),
    ...identityDenied,
    advice: /denies.*outright: look at service control policies/,
  },
  {
    cause: 'a role without sts:GetServiceBearerToken, for ECR Public',
    arrange: () => scene.aws.putRole({ ...controllerRole, allow: ['ecr-public:*'] }),
    source: publicSource,
    message: 'ecr-public GetAuthorizationToken in us-east-1: AccessDeniedException',
    reason: 'denied',
    advice: /both ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken/,
  },
  {
    cause: 'ECR Public in another region',
    arrange: () => undefined,
    source: { ...publicSource, region: 'eu-west-1' },
    message: 'ecr-public GetAuthorizationToken in eu-west-1: UnsupportedCommandException',
    reason: 'configuration',
    advice: /answers in us-east-1 of the commercial partition only/,
  },
  {
    cause: 'a region that the account has not enabled',
    arrange: () => refuse('OptInRequired', 'The AWS Access Key Id needs a subscription for the service'),
    message: `${ecr}: OptInRequired`,
    reason: 'configuration',
    advice: /^enable the region in the AWS account$/,
  },
  {
    cause: 'more calls of STS than it takes',
    arrange: () => scene.aws.behave({ service: 'sts' }, { perSecond: 0 }),
    message: `sts AssumeRoleWithWebIdentity in eu-west-1: Throttling`,
    ...throttled,
  },
  {
    cause: 'more calls of ECR than it takes',
    arrange: () => scene.aws.behave({ service: 'ecr' }, { perSecond: 0 }),
    message: `${ecr}: ThrottlingException`,
    ...throttled,
  },
];

test.each(causes)('$cause: $reason', async ({ arrange, source = privateSource(), ...expected }) => {
  await arrange();
  const { reason, message, advice } = await failureOf(makeFetcher().fetch(source));
  expect({ reason, message }).toStrictEqual({ reason: expected.reason, message: expected.message });
  expect(advice).toMatch(expected.advice);
  expect(scene.aws.tokens).toHaveLength(0);
});

test('within the rate that AWS allows all is well, and beyond it is throttled', async () => {
  scene.aws.behave({ service: 'ecr' }, { perSecond: 5 });
  const fetcher = makeFetcher();
  const all = await Promise.allSettled(Array.from({ length: 8 }, () => fetcher.fetch(privateSource())));
  const failed = all.filter(({ status }) => status === 'rejected').length;
  expect(failed).toBeGreaterThan(0);
  expect(scene.aws.count({ code: 'ThrottlingException' })).toBe(failed);
  expect(scene.aws.tokens).toHaveLength(8 - failed);
  expect(scene.aws.count({ service: 'sts' })).toBe(1);
});

test('there is a cause for every row of the table about ECR', () => {
  expect(rowsWithout(causes, ecrRefusals)).toStrictEqual([]);
});
