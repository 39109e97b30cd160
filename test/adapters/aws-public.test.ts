// AwsTokenFetcher and ECR Public against the fake AWS: one region whatever AWS_REGION says, two permissions, an answer of
// another shape, and tokens that are good for nothing else.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BrokenAnswer } from '../../rig/fake-aws/behaviour.ts';
import { controllerRole, partnerRole, type Scene, startScene } from '../../rig/fake-aws/scene.ts';
import type { Identity } from '../../src/domain/identity.ts';
import { parseRegistry } from '../../src/domain/registry.ts';
import type { TokenSource } from '../../src/domain/token.ts';
import {
  byKey,
  byPartner,
  byWebIdentity,
  failureOf,
  makeFetcher,
  privateSource,
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

/** A token for a host, in the region that the domain knows for it. */
function sourceFor(host: string, identity: Identity = byWebIdentity): TokenSource {
  const parsed = parseRegistry(host);
  if ('problem' in parsed) throw new Error(parsed.problem);
  const { service, region } = parsed.registry;
  return { identity, service, region };
}

const publicSource = (identity?: Identity) => sourceFor('public.ecr.aws', identity);

test.each(['public.ecr.aws', 'ecr-public.aws.com'])(
  'a token for %s is known as one of ECR Public, with a life of its own',
  async (host) => {
    const { username, password, issued, expires } = await makeFetcher().fetch(sourceFor(host));
    expect(username).toBe('AWS');
    const { verdict, token } = scene.aws.verdict(password.reveal());
    expect({ verdict, token }).toMatchObject({
      verdict: 'valid',
      token: { service: 'ecr-public', account: '111122223333', roleArn: controllerRole.arn },
    });
    expect(expires).toBe(Math.floor((token?.expiresAt ?? 0) / 1_000));
    expect(expires - issued).toBeGreaterThan(11 * 3_600);
  },
);

test.each(['eu-west-1', 'ap-southeast-2', 'us-east-1'])(
  'is asked for in us-east-1 with AWS_REGION %s, where STS stays',
  async (region) => {
    vi.stubEnv('AWS_REGION', region);
    await makeFetcher().fetch(publicSource(byPartner));
    expect(scene.aws.calls).toMatchObject([
      { action: 'AssumeRoleWithWebIdentity' },
      { action: 'AssumeRole', region },
      {
        service: 'ecr-public',
        action: 'GetAuthorizationToken',
        region: 'us-east-1',
        roleArn: partnerRole.arn,
        code: 'ok',
      },
    ]);
  },
);

test.each(['cn-north-1', 'us-gov-west-1'])(
  'with AWS_REGION %s, of another partition, STS is asked in us-east-1 too',
  async (region) => {
    vi.stubEnv('AWS_REGION', region);
    await makeFetcher().fetch(publicSource(byPartner));
    expect(scene.aws.calls.slice(1)).toMatchObject([
      { action: 'AssumeRole', region: 'us-east-1' },
      { service: 'ecr-public', region: 'us-east-1', code: 'ok' },
    ]);
  },
);

test('without any region in the environment it is asked for all the same', async () => {
  vi.stubEnv('AWS_REGION', undefined);
  await makeFetcher().fetch(publicSource(byPartner));
  expect(scene.aws.calls.map(({ region }) => region)).toStrictEqual([undefined, 'us-east-1', 'us-east-1']);
});

test('a private and a public token of one identity are two, by one session', async () => {
  const fetcher = makeFetcher();
  const [ours, everybodys] = await Promise.all([
    fetcher.fetch(privateSource(byWebIdentity, 'us-east-1')),
    fetcher.fetch(publicSource()),
  ]);
  expect(scene.aws.verdict(ours.password.reveal()).token?.service).toBe('ecr');
  expect(scene.aws.verdict(everybodys.password.reveal()).token?.service).toBe('ecr-public');
  expect(scene.aws.count({ action: 'AssumeRoleWithWebIdentity' })).toBe(1);
});

describe('a missing permission', () => {
  test.each([
    ['sts:GetServiceBearerToken', ['ecr-public:GetAuthorizationToken', 'ecr:*']],
    ['ecr-public:GetAuthorizationToken', ['sts:GetServiceBearerToken', 'ecr:*']],
  ])('%s is answered with both and with how to do without', async (_missing, allow) => {
    scene.aws.putRole({ ...controllerRole, allow });
    const { reason, message, advice } = await failureOf(makeFetcher().fetch(publicSource()));
    expect({ reason, message }).toStrictEqual({
      reason: 'denied',
      message: 'ecr-public GetAuthorizationToken in us-east-1: AccessDeniedException',
    });
    expect(advice).toContain('both ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken');
    expect(advice).toContain('leave public.ecr.aws out');
    expect(scene.aws.tokens).toHaveLength(0);
    // Private registries go on.
    await expect(makeFetcher().fetch(privateSource())).resolves.toHaveProperty('username', 'AWS');
  });

  test('drops the session, so that a role made right is seen at once', async () => {
    scene.aws.putRole({ ...controllerRole, allow: [] });
    const fetcher = makeFetcher();
    await failureOf(fetcher.fetch(publicSource()));
    scene.aws.putRole(controllerRole);
    await fetcher.fetch(publicSource());
    expect(scene.aws.count({ action: 'AssumeRoleWithWebIdentity' })).toBe(2);
  });
});

test('in another region than its only one it says so', async () => {
  const source = { ...publicSource(), region: 'eu-west-1' };
  expect(await failureOf(makeFetcher().fetch(source))).toMatchObject({
    reason: 'configuration',
    message: expect.stringContaining('UnsupportedCommand'),
    advice: expect.stringContaining('us-east-1'),
  });
  expect(scene.aws.calls.at(-1)).toMatchObject({ service: 'ecr-public', region: 'eu-west-1' });
});

test.each([
  ['no-authorization-data', /no authorizationToken/],
  ['empty-authorization-data', /no authorizationToken/],
  ['no-token', /no authorizationToken/],
  ['no-expiry', /no expiresAt/],
  ['garbage-token', /no user name and password/],
  ['not-json', /SyntaxError/],
] satisfies readonly (readonly [BrokenAnswer, RegExp])[])(
  'an answer with %s is none',
  async (answer, text) => {
    const undo = scene.aws.behave({ service: 'ecr-public' }, { answer });
    const fetcher = makeFetcher();
    expect(await failureOf(fetcher.fetch(publicSource()))).toMatchObject({
      reason: 'invalid-answer',
      message: expect.stringMatching(text),
      advice: expect.stringContaining('endpoint overrides'),
    });
    undo();
    await fetcher.fetch(publicSource());
    // Nobody refused the session.
    expect(scene.aws.count({ action: 'AssumeRoleWithWebIdentity' })).toBe(1);
    expect(scene.aws.count({ service: 'ecr-public' })).toBe(2);
  },
);

test.each([
  ['throttle', 'throttled', 'ThrottlingException'],
  ['internal', 'unavailable', 'ServerException'],
  ['unavailable', 'unavailable', 'ServiceUnavailable'],
] as const)('%s is %s, after a single attempt', async (fail, reason, code) => {
  scene.aws.behave({ service: 'ecr-public' }, { fail });
  const failure = await failureOf(makeFetcher().fetch(publicSource()));
  expect(failure).toMatchObject({ reason, advice: expect.stringContaining('tried again by itself') });
  expect(failure.message).toBe(`ecr-public GetAuthorizationToken in us-east-1: ${code}`);
  expect(scene.aws.count({ service: 'ecr-public' })).toBe(1);
});

test('a key of a user serves as well', async () => {
  useEnvironment(scene.staticKeys);
  await makeFetcher().fetch(publicSource(byKey));
  expect(scene.aws.calls).toMatchObject([{ service: 'ecr-public', accessKey: 'static', code: 'ok' }]);
});
