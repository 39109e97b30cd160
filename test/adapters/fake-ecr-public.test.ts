// The fake AWS against the real SDK: ECR Public, which differs from private ECR in its region, its answer and what its tokens
// are good for.
import { ECRClient, GetAuthorizationTokenCommand as PrivateTokenCommand } from '@aws-sdk/client-ecr';
import { ECRPUBLICClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr-public';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { BrokenAnswer } from '../../rig/fake-aws/behaviour.ts';
import { type Scene, startScene, staticKey } from '../../rig/fake-aws/scene.ts';

let scene: Scene;

beforeEach(async () => {
  scene = await startScene();
  for (const [name, value] of Object.entries(scene.staticKeys)) vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

const ask = (region = 'us-east-1', credentials: { readonly secretAccessKey: string } = staticKey) =>
  new ECRPUBLICClient({ region, credentials: { ...staticKey, ...credentials }, maxAttempts: 1 }).send(
    new GetAuthorizationTokenCommand({}),
  );
const passwordOf = (token = '') => Buffer.from(token, 'base64').toString().slice('AWS:'.length);
const publicCalls = { service: 'ecr-public' } as const;

test('ECR Public answers with one object, and its token is known as one of ECR Public', async () => {
  const { authorizationData } = await ask();
  expect(authorizationData).toStrictEqual({
    authorizationToken: expect.any(String),
    expiresAt: expect.any(Date),
  });
  const life = (authorizationData?.expiresAt?.getTime() ?? 0) - Date.now();
  expect(Math.abs(life - 12 * 3_600_000)).toBeLessThan(60_000);
  expect(scene.aws.verdict(passwordOf(authorizationData?.authorizationToken))).toMatchObject({
    verdict: 'valid',
    token: { service: 'ecr-public', region: 'us-east-1', callerArn: staticKey.userArn },
  });
  expect(scene.aws.calls).toMatchObject([
    {
      ...publicCalls,
      action: 'GetAuthorizationToken',
      region: 'us-east-1',
      host: new URL(scene.aws.url).host,
      code: 'ok',
    },
  ]);
});

test('a token of private ECR is known as one of private ECR', async () => {
  const client = new ECRClient({ region: 'us-east-1', credentials: staticKey });
  await client.send(new PrivateTokenCommand({}));
  await ask();
  expect(scene.aws.tokens.map(({ service }) => service)).toStrictEqual(['ecr', 'ecr-public']);
  expect(scene.aws.count(publicCalls)).toBe(1);
});

test('any other region than us-east-1 is refused in the words of AWS', async () => {
  await expect(ask('eu-west-1')).rejects.toMatchObject({
    name: 'UnsupportedCommandException',
    message: 'GetAuthorizationToken command is only supported in us-east-1.',
    $metadata: { httpStatusCode: 400 },
  });
  expect(scene.aws.tokens).toHaveLength(0);
});

test('a wrong secret is refused, and a signature for private ECR does not serve', async () => {
  const name = 'InvalidSignatureException';
  await expect(ask('us-east-1', { secretAccessKey: 'wrong' })).rejects.toMatchObject({ name });
  const client = new ECRClient({ region: 'us-east-1', credentials: staticKey, maxAttempts: 1 });
  const target = 'SpencerFrontendService.GetAuthorizationToken';
  client.middlewareStack.add(
    (next) => (args) => {
      Reflect.set((args.request as { readonly headers: object }).headers, 'x-amz-target', target);
      return next(args);
    },
    { step: 'build' },
  );
  await expect(client.send(new PrivateTokenCommand({}))).rejects.toMatchObject({
    name,
    message: "Credential should be scoped to correct service: 'ecr-public'.",
  });
});

test.each([
  ['no-authorization-data', undefined],
  ['empty-authorization-data', {}],
  ['no-token', { expiresAt: expect.any(Date) }],
  ['no-expiry', { authorizationToken: expect.any(String) }],
  ['garbage-token', { authorizationToken: '%%%', expiresAt: expect.any(Date) }],
] satisfies readonly (readonly [BrokenAnswer, unknown])[])(
  'it can answer with %s',
  async (answer, authorizationData) => {
    scene.aws.behave(publicCalls, { answer });
    const given = await ask();
    expect(given.authorizationData).toStrictEqual(authorizationData);
  },
);

test('it can answer with a page, and with a token of another life', async () => {
  const undo = scene.aws.behave(publicCalls, { answer: 'not-json' });
  await expect(ask()).rejects.toMatchObject({ name: 'SyntaxError' });
  undo();
  scene.aws.behave(publicCalls, { lifeSeconds: -60 });
  const { authorizationData } = await ask();
  expect(scene.aws.verdict(passwordOf(authorizationData?.authorizationToken)).verdict).toBe('expired');
});

test.each([
  ['throttle', 'ThrottlingException'],
  ['internal', 'ServerException'],
  ['deny', 'AccessDeniedException'],
] as const)('%s does not concern private ECR', async (fail, name) => {
  scene.aws.behave(publicCalls, { fail });
  await expect(ask()).rejects.toMatchObject({ name });
  await new ECRClient({ region: 'us-east-1', credentials: staticKey }).send(new PrivateTokenCommand({}));
  expect(scene.aws.count({ service: 'ecr', code: 'ok' })).toBe(1);
});
