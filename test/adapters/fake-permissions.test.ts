// The fake AWS against the real SDK: what roles and session policies allow, and how AWS words a refusal.
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import {
  ECRPUBLICClient,
  GetAuthorizationTokenCommand as PublicTokenCommand,
} from '@aws-sdk/client-ecr-public';
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  AssumeRoleWithWebIdentityCommand,
  type Credentials,
  STSClient,
} from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { controller, controllerRole, partnerRole, type Scene, startScene } from '../../rig/fake-aws/scene.ts';

type SessionPolicies = Pick<AssumeRoleCommandInput, 'Policy' | 'PolicyArns'>;

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

let scene: Scene;

beforeEach(async () => {
  scene = await startScene();
  for (const [name, value] of Object.entries(scene.webIdentity)) vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

const region = 'us-east-1';
const pullOnly = 'arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly';
const arns = (...list: readonly string[]): SessionPolicies => ({ PolicyArns: list.map((arn) => ({ arn })) });
const inline = (...statements: readonly object[]): SessionPolicies => ({
  Policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
});
const allow = (Action: unknown, Resource: unknown = '*') => ({ Effect: 'Allow', Action, Resource });

/** A session of the controller's role. */
async function webIdentitySession(policies: SessionPolicies = {}): Promise<Keys> {
  const WebIdentityToken = await scene.issuer.sign(controller);
  const request = { RoleArn: controllerRole.arn, RoleSessionName: 'me', WebIdentityToken, ...policies };
  const client = new STSClient({ region, maxAttempts: 1 });
  return keysOf((await client.send(new AssumeRoleWithWebIdentityCommand(request))).Credentials);
}

/** A session of the partner role, by way of a session of the controller's. */
async function chainedSession(
  policies: Partial<AssumeRoleCommandInput> = {},
  credentials?: Keys,
): Promise<Keys> {
  const base = credentials ?? (await webIdentitySession());
  const client = new STSClient({ region, credentials: base, maxAttempts: 1 });
  const request = { RoleArn: partnerRole.arn, RoleSessionName: 'pull', ...policies };
  return keysOf((await client.send(new AssumeRoleCommand(request))).Credentials);
}

function keysOf({
  AccessKeyId = '',
  SecretAccessKey = '',
  SessionToken = '',
}: Partial<Credentials> = {}): Keys {
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

const askEcr = (credentials: Keys) =>
  new ECRClient({ region, credentials, maxAttempts: 1 }).send(new GetAuthorizationTokenCommand({}));
const askPublic = (credentials: Keys) =>
  new ECRPUBLICClient({ region, credentials, maxAttempts: 1 }).send(new PublicTokenCommand({}));

/** How AWS words it. */
const refusal = (action: string, kind: string, session = 'controller/me', account = '111122223333') => ({
  name: 'AccessDeniedException',
  message:
    `User: arn:aws:sts::${account}:assumed-role/${session} is not authorized to perform: ${action} on ` +
    `resource: * because no ${kind} policy allows the ${action} action`,
  $metadata: expect.objectContaining({ httpStatusCode: 400 }),
});

describe('the policies of a role', () => {
  test.each([[['*']], [['ecr:*']], [['s3:GetObject', 'ECR:getauth*']], [['ecr:GetAuthorizationToke?']]])(
    'that allow %s give a token',
    async (actions) => {
      scene.aws.putRole({ ...controllerRole, allow: actions });
      await expect(askEcr(await webIdentitySession())).resolves.toHaveProperty('authorizationData');
    },
  );

  test.each([[[]], [['ecr:BatchGetImage']], [['ecr-public:*']], [['ecr.GetAuthorizationToken']]])(
    'that allow %j give none',
    async (actions) => {
      scene.aws.putRole({ ...controllerRole, allow: actions });
      await expect(askEcr(await webIdentitySession())).rejects.toMatchObject(
        refusal('ecr:GetAuthorizationToken', 'identity-based'),
      );
      expect(scene.aws.count({ service: 'ecr', code: 'AccessDeniedException' })).toBe(1);
      expect(scene.aws.tokens).toHaveLength(0);
    },
  );

  test('count as they are now, for sessions that began before too', async () => {
    scene.aws.putRole({ ...controllerRole, allow: [] });
    const session = await webIdentitySession();
    await expect(askEcr(session)).rejects.toMatchObject({ name: 'AccessDeniedException' });
    scene.aws.putRole({ ...controllerRole, allow: ['ecr:*'] });
    await expect(askEcr(session)).resolves.toHaveProperty('authorizationData');
  });

  test('need two actions for ECR Public', async () => {
    const session = await webIdentitySession();
    const first = 'ecr-public:GetAuthorizationToken';
    const second = 'sts:GetServiceBearerToken';
    scene.aws.putRole({ ...controllerRole, allow: [second, 'ecr:*'] });
    await expect(askPublic(session)).rejects.toMatchObject(refusal(first, 'identity-based'));
    scene.aws.putRole({ ...controllerRole, allow: [first] });
    await expect(askPublic(session)).rejects.toMatchObject(refusal(second, 'identity-based'));
    scene.aws.putRole({ ...controllerRole, allow: [first, second] });
    await expect(askPublic(session)).resolves.toHaveProperty('authorizationData');
  });

  test('are needed to assume the next role, and to tag its session', async () => {
    const session = await webIdentitySession();
    scene.aws.putRole({ ...controllerRole, allow: ['ecr:*'] });
    await expect(chainedSession({}, session)).rejects.toMatchObject({
      name: 'AccessDenied',
      message:
        'User: arn:aws:sts::111122223333:assumed-role/controller/me is not authorized to perform: ' +
        `sts:AssumeRole on resource: ${partnerRole.arn} because no identity-based policy allows the ` +
        'sts:AssumeRole action',
    });
    const trust = [{ principals: [controllerRole.arn], tagSession: true }];
    scene.aws.putRole({ ...partnerRole, trust });
    const tags = { Tags: [{ Key: 'team', Value: 'a' }] };
    scene.aws.putRole({ ...controllerRole, allow: ['sts:AssumeRole'] });
    await expect(chainedSession(tags, session)).rejects.toMatchObject({
      message:
        'User: arn:aws:sts::111122223333:assumed-role/controller/me is not authorized to perform: ' +
        `sts:TagSession on resource: ${partnerRole.arn}`,
    });
    scene.aws.putRole({ ...controllerRole, allow: ['sts:*'] });
    await expect(chainedSession(tags, session)).resolves.toHaveProperty('sessionToken');
  });
});

describe('a session policy', () => {
  const denied = refusal('ecr:GetAuthorizationToken', 'session');

  test.each<[what: string, policies: SessionPolicies]>([
    ['of the managed pull-only policy', arns(pullOnly)],
    ['with one action', inline(allow('ecr:GetAuthorizationToken'))],
    ['with a list of actions', inline(allow(['s3:*', 'ecr:Get*'], ['*']))],
    ['of two statements', inline(allow('s3:*'), allow('ecr:*'))],
    ['inline and managed, of which one allows it', { ...inline(allow('s3:*')), ...arns(pullOnly) }],
  ])('%s lets a token be got, by web identity and by chaining', async (_what, policies) => {
    await expect(askEcr(await webIdentitySession(policies))).resolves.toHaveProperty('authorizationData');
    await expect(askEcr(await chainedSession(policies))).resolves.toHaveProperty('authorizationData');
  });

  test.each<[what: string, policies: SessionPolicies]>([
    ['with another action', inline(allow('ecr:BatchGetImage'))],
    ['that names a repository', inline(allow('ecr:*', 'arn:aws:ecr:us-east-1:111122223333:repository/*'))],
    ['of no statement', inline()],
  ])('%s lets none be got', async (_what, policies) => {
    await expect(askEcr(await webIdentitySession(policies))).rejects.toMatchObject(denied);
    await expect(askEcr(await chainedSession(policies))).rejects.toMatchObject(
      refusal('ecr:GetAuthorizationToken', 'session', 'partner-pull/pull', '444455556666'),
    );
  });

  test('gives nothing that the role may not do', async () => {
    scene.aws.putRole({ ...controllerRole, allow: ['s3:*'] });
    await expect(askEcr(await webIdentitySession(arns(pullOnly)))).rejects.toMatchObject(
      refusal('ecr:GetAuthorizationToken', 'identity-based'),
    );
  });

  test('of pull-only opens no ECR Public and no further role, and is not handed down a chain', async () => {
    const session = await webIdentitySession(arns(pullOnly));
    await expect(askPublic(session)).rejects.toMatchObject(
      refusal('ecr-public:GetAuthorizationToken', 'session'),
    );
    await expect(chainedSession({}, session)).rejects.toThrow('no session policy allows the sts:AssumeRole');
    const free = await chainedSession({}, await webIdentitySession(inline(allow('sts:*', partnerRole.arn))));
    await expect(askEcr(free)).resolves.toHaveProperty('authorizationData');
  });

  const [, name = ''] = pullOnly.split('/');
  test.each([
    [
      'a managed policy that does not exist',
      arns('arn:aws:iam::aws:policy/Absent'),
      'MalformedPolicyDocument',
      /Absent does not exist/,
    ],
    [
      'a managed policy of another partition',
      arns(`arn:aws-cn:iam::aws:policy/${name}`),
      'ValidationError',
      /^Invalid ARN partition$/,
    ],
    ['no JSON', { Policy: '{"Version"' }, 'MalformedPolicyDocument', /^The policy is not in the valid JSON/],
    ['no policy', { Policy: '{}' }, 'MalformedPolicyDocument', /^Syntax errors in policy\.$/],
    ['no effect', inline({ Action: '*', Resource: '*' }), 'MalformedPolicyDocument', /^Syntax errors/],
    [
      'no action',
      inline({ Effect: 'Allow', Resource: '*' }),
      'MalformedPolicyDocument',
      /must contain actions\.$/,
    ],
    [
      'no resource',
      inline({ Effect: 'Allow', Action: '*' }),
      'MalformedPolicyDocument',
      /must contain resources\.$/,
    ],
    ['too much text', inline(allow('x'.repeat(2_048))), 'ValidationError', /at 'policy' failed .* 2048$/],
    ['too many policies', arns(...Array<string>(11).fill(pullOnly)), 'ValidationError', /'policyArns'.* 10$/],
    [
      'what the fake does not play',
      inline({ ...allow('*'), Effect: 'Deny' }),
      'NotPlayed',
      /Allow with Action and Resource only/,
    ],
  ])('of %s is refused by STS', async (_what, policies: SessionPolicies, code, text) => {
    await expect(webIdentitySession(policies)).rejects.toThrow(text);
    await expect(chainedSession(policies)).rejects.toThrow(text);
    expect(scene.aws.count({ service: 'sts', code })).toBe(2);
  });
});
