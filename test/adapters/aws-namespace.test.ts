// AwsTokenFetcher with a namespace's own identity: a role that trusts a ServiceAccount of the namespace. The fake AWS verifies
// the token; what the session may do is limited to pulling, however mighty the role is, and namespaces share nothing.
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { allows } from '../../rig/fake-aws/policy.ts';
import type { FakeRole } from '../../rig/fake-aws/role-store.ts';
import { issuerUrl, type Scene, startScene } from '../../rig/fake-aws/scene.ts';
import { makeServiceAccountIssuer, type TokenClaims } from '../../rig/fake-aws/service-account-issuer.ts';
import { readSessionPolicy } from '../../rig/fake-aws/session-policy.ts';
import { Sessions } from '../../src/aws/credentials.ts';
import type { ServiceAccountTokens } from '../../src/controller/ports.ts';
import { FetchFailure } from '../../src/domain/errors.ts';
import type { NamespaceIdentity } from '../../src/domain/identity.ts';
import { SecretText } from '../../src/domain/token.ts';
import { failureOf, makeFetcher, privateSource, useEnvironment } from '../support/aws-fetching.ts';

const teamA: NamespaceIdentity = {
  kind: 'namespace',
  namespace: 'team-a',
  serviceAccount: 'image-puller',
  uid: 'a-1',
  audience: 'sts.amazonaws.com',
  roleArn: 'arn:aws:iam::444455556666:role/team-a',
  sessionName: 'ecr-pull-secrets-lab-team-a',
};

const teamB: NamespaceIdentity = {
  ...teamA,
  namespace: 'team-b',
  uid: 'b-1',
  sessionName: 'ecr-pull-secrets-lab-team-b',
};

/** It may do anything, and trusts the ServiceAccount of team-a only. */
const mighty: FakeRole = {
  arn: teamA.roleArn,
  trust: [{ subjects: ['system:serviceaccount:team-a:image-puller'], issuer: issuerUrl }],
  allow: ['*'],
};

let scene: Scene;
/** Whose tokens were requested, in order. */
let requested: NamespaceIdentity[];

beforeEach(async () => {
  requested = [];
  scene = await startScene();
  useEnvironment({ ...scene.webIdentity, AWS_ROLE_ARN: undefined, AWS_WEB_IDENTITY_TOKEN_FILE: undefined });
  scene.aws.putRole(mighty);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

/** The port by the issuer of the scene, with these claims instead of the right ones. */
const tokens = (claims: Partial<TokenClaims> = {}, issuer = scene.issuer): ServiceAccountTokens => ({
  request: async (identity) => {
    requested.push(identity);
    const { namespace, serviceAccount, audience } = identity;
    return new SecretText(await issuer.sign({ namespace, serviceAccount, audience, ...claims }));
  },
});

const fetcherWith = (serviceAccountTokens = tokens()) => makeFetcher({ serviceAccountTokens });

test('its token opens the registries of its role’s account, after one unsigned call and one to ECR', async () => {
  const { password } = await fetcherWith().fetch(privateSource(teamA, 'us-west-2'));
  expect(scene.aws.verdict(password.reveal())).toMatchObject({
    verdict: 'valid',
    token: { service: 'ecr', account: '444455556666', region: 'us-west-2', roleArn: mighty.arn },
  });
  expect(requested).toStrictEqual([teamA]);
  expect(scene.aws.calls).toMatchObject([
    {
      action: 'AssumeRoleWithWebIdentity',
      roleArn: mighty.arn,
      sessionName: teamA.sessionName,
      durationSeconds: 900,
      accessKey: 'none',
      tags: {},
      code: 'ok',
    },
    { service: 'ecr', region: 'us-west-2', sessionName: teamA.sessionName, code: 'ok' },
  ]);
});

describe('the session', () => {
  /** What the fake AWS makes of the session policies that it was sent. */
  function sentPolicy(roleArn: string) {
    const { policy = '', policyArns = [] } = scene.aws.calls[0] ?? {};
    const form = new URLSearchParams({ Policy: policy });
    for (const [index, arn] of policyArns.entries()) form.set(`PolicyArns.member.${index + 1}.arn`, arn);
    return readSessionPolicy(form, roleArn);
  }

  test.each([
    ['ecr:GetAuthorizationToken', true],
    ['ecr:BatchGetImage', true],
    ['ecr:GetDownloadUrlForLayer', true],
    ['ecr:BatchCheckLayerAvailability', true],
    ['ecr-public:GetAuthorizationToken', true],
    ['sts:GetServiceBearerToken', true],
    ['ecr:PutImage', false],
    ['ecr:InitiateLayerUpload', false],
    ['ecr:BatchDeleteImage', false],
    ['ecr:CreateRepository', false],
    ['ecr:DescribeRepositories', false],
    ['ecr:SetRepositoryPolicy', false],
    ['ecr-public:PutImage', false],
    ['s3:GetObject', false],
    ['sts:AssumeRole', false],
  ])('of a role that may do everything: %s is allowed: %s', async (action, allowed) => {
    await fetcherWith().fetch(privateSource(teamA));
    expect(allows(sentPolicy(mighty.arn), { action })).toBe(allowed);
  });

  test('cannot go on to another role, though its own role may', async () => {
    const next = 'arn:aws:iam::444455556666:role/next';
    scene.aws.putRole({ arn: next, trust: [{ principals: [mighty.arn] }] });
    const sessions = new Sessions({
      settings: { aws: { concurrency: 8, timeoutMs: 20_000 } },
      userAgent: 'test',
      environment: process.env,
      now: Date.now,
      serviceAccountTokens: tokens(),
    });
    const credentials = await sessions.get(teamA, 'eu-west-1', AbortSignal.timeout(20_000));
    const client = new STSClient({ region: 'eu-west-1', credentials, maxAttempts: 1 });
    await expect(
      client.send(new AssumeRoleCommand({ RoleArn: next, RoleSessionName: 'me' })),
    ).rejects.toThrow('no session policy allows the sts:AssumeRole action');
    client.destroy();
  });

  test('opens ECR Public as well, which is what the inline policy is for', async () => {
    await fetcherWith().fetch({ identity: teamA, service: 'public', region: 'us-east-1' });
    expect(scene.aws.tokens).toMatchObject([{ service: 'ecr-public', roleArn: mighty.arn }]);
  });

  test.each([
    ['aws-cn', 'cn-north-1'],
    ['aws-us-gov', 'us-gov-west-1'],
    ['aws-eusc', 'eusc-de-east-1'],
  ])('in %s is limited by the managed policy of that partition', async (partition, region) => {
    const roleArn = mighty.arn.replace('arn:aws:', `arn:${partition}:`);
    scene.aws.putRole({ ...mighty, arn: roleArn });
    await fetcherWith().fetch(privateSource({ ...teamA, roleArn }, region));
    expect(scene.aws.calls).toMatchObject([
      { policyArns: [`arn:${partition}:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly`], code: 'ok' },
      { service: 'ecr', region, roleArn, code: 'ok' },
    ]);
  });
});

describe('AWS refuses', () => {
  const claims = (subject: string, audience: string) =>
    new RegExp(`issuer ${issuerUrl}, subject system:serviceaccount:${subject}, audience ${audience}`);

  test.each<[what: string, claims: Partial<TokenClaims>, code: string, advice: RegExp]>([
    [
      'of another ServiceAccount',
      { serviceAccount: 'default' },
      'AccessDenied',
      claims('team-a:default', 'sts.amazonaws.com'),
    ],
    [
      'of the same name in another namespace',
      { namespace: 'team-b' },
      'AccessDenied',
      claims('team-b:image-puller', 'sts.amazonaws.com'),
    ],
    [
      'for another audience',
      { audience: 'vault' },
      'InvalidIdentityToken',
      claims('team-a:image-puller', 'vault'),
    ],
    ['that has expired', { lifeSeconds: -60 }, 'ExpiredTokenException', /has expired/],
  ])('a token %s', async (_what, wrong, code, advice) => {
    const failure = await failureOf(fetcherWith(tokens(wrong)).fetch(privateSource(teamA)));
    expect(failure).toMatchObject({ reason: 'denied', advice: expect.stringMatching(advice) });
    expect(failure.message).toContain(`sts AssumeRoleWithWebIdentity in eu-west-1: ${code}`);
    expect(scene.aws.calls.map((call) => call.code)).toStrictEqual([code]);
  });

  test.each<[what: string, code: string, advice: RegExp]>([
    ['does not know', 'MalformedPolicyDocument', /AmazonEC2ContainerRegistryPullOnly must exist/],
    ['cannot pack', 'PackedPolicyTooLarge', /together too large for STS/],
  ])('a session policy that it %s, which is a matter of configuration', async (_what, code, advice) => {
    scene.aws.behave({ service: 'sts' }, { fail: { status: 400, code, message: 'x' } });
    const failure = await failureOf(fetcherWith().fetch(privateSource(teamA)));
    expect(failure).toMatchObject({ reason: 'configuration', advice: expect.stringMatching(advice) });
    expect(scene.aws.count({ service: 'ecr' })).toBe(0);
  });

  test('a token that somebody else signed in the name of the issuer', async () => {
    const forger = await makeServiceAccountIssuer(issuerUrl);
    await failureOf(fetcherWith(tokens({}, forger)).fetch(privateSource(teamA)));
    expect(scene.aws.calls.map(({ code }) => code)).toStrictEqual(['InvalidIdentityToken']);
  });
});

test('where the cluster gives no token, AWS is not asked, and the failure is the cluster’s own', async () => {
  const failure = new FetchFailure('configuration', 'HTTP 403', 'compare the ClusterRole');
  const fetcher = fetcherWith({ request: () => Promise.reject(failure) });
  expect(await failureOf(fetcher.fetch(privateSource(teamA)))).toBe(failure);
  expect(scene.aws.calls).toHaveLength(0);
});

describe('two namespaces', () => {
  test('share no session: one that the role does not trust gets nothing of the other’s', async () => {
    const fetcher = fetcherWith();
    await fetcher.fetch(privateSource(teamA));
    expect((await failureOf(fetcher.fetch(privateSource(teamB)))).reason).toBe('denied');
    expect(requested.map(({ namespace }) => namespace)).toStrictEqual(['team-a', 'team-b']);
    expect(scene.aws.tokens).toHaveLength(1);
  });

  test.each<[what: string, other: NamespaceIdentity]>([
    ['differ in their names', teamB],
    ['have one name, one after the other', { ...teamA, uid: 'a-2' }],
    ['differ in their ServiceAccounts', { ...teamA, serviceAccount: 'other' }],
    ['differ in their audiences', { ...teamA, audience: 'sts.amazonaws.com.cn' }],
  ])('that %s prove each for itself who they are', async (_what, other) => {
    const subjects = ['team-a:image-puller', 'team-b:image-puller', 'team-a:other'];
    scene.aws.putRole({
      ...mighty,
      trust: [{ subjects: subjects.map((s) => `system:serviceaccount:${s}`) }],
    });
    const fetcher = fetcherWith(tokens({ audience: 'sts.amazonaws.com' }));
    await Promise.all([teamA, other].map((identity) => fetcher.fetch(privateSource(identity))));
    expect(requested).toStrictEqual([teamA, other]);
    expect(scene.aws.count({ action: 'AssumeRoleWithWebIdentity', code: 'ok' })).toBe(2);
    // In another region each uses its own session again.
    await Promise.all([teamA, other].map((identity) => fetcher.fetch(privateSource(identity, 'us-east-1'))));
    expect(scene.aws.count({ action: 'AssumeRoleWithWebIdentity' })).toBe(2);
    expect(scene.aws.tokens).toHaveLength(4);
  });
});
