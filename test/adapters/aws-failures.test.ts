// AwsTokenFetcher against the fake AWS by way of the real SDK, when AWS refuses or answers nonsense: each failure names
// the broken link and the cure, and no message holds anything secret. The network is in aws-network.test.ts.
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BrokenAnswer } from '../../rig/fake-aws/behaviour.ts';
import { controller, partnerRole, type Scene, startScene } from '../../rig/fake-aws/scene.ts';
import type { TokenClaims } from '../../rig/fake-aws/service-account-issuer.ts';
import { FetchFailure } from '../../src/domain/errors.ts';
import type { Identity } from '../../src/domain/identity.ts';
import { byPartner, byWebIdentity, makeFetcher, useEnvironment } from '../support/aws-fetching.ts';

/** What JWTs and ECR passwords, session tokens, access keys and the example secret begin with. */
const secrets = /eyJ|IQoJ|ASIA|AKIA|wJalr/;

let scene: Scene;

beforeEach(async () => {
  scene = await startScene();
  useEnvironment(scene.webIdentity);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

/** How a fetch fails, having made sure that the failure may be logged whole. */
async function failure(identity: Identity = byWebIdentity): Promise<FetchFailure> {
  const fetcher = makeFetcher();
  const error: unknown = await fetcher.fetch({ identity, service: 'private', region: 'eu-west-1' }).then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof FetchFailure)) throw error;
  expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(secrets);
  return error;
}

const codes = () => scene.aws.calls.map(({ code }) => code);

describe('a refusal', () => {
  test.each([
    [
      'another subject',
      { namespace: 'team-a' },
      'AccessDenied',
      /trust policy.*issuer https:\/\/issuer\.example\.com\/cluster, subject system:serviceaccount:team-a:ecr-pull-secrets, audience sts\.amazonaws\.com/,
    ],
    [
      'another audience',
      { audience: 'vault' },
      'InvalidIdentityToken',
      /add it as a client id.*audience vault/,
    ],
    [
      'another issuer',
      { issuer: 'https://other.example.com' },
      'InvalidIdentityToken',
      /no IAM OIDC provider.*issuer https:\/\/other\.example\.com/,
    ],
    [
      'an expiry that has passed',
      { lifeSeconds: -60 },
      'ExpiredTokenException',
      /expired.*token file.*clock/,
    ],
  ] as const)(
    'of a web identity with %s names the cure',
    async (_what, claims: Partial<TokenClaims>, code, advice) => {
      await scene.writeToken(await scene.issuer.sign({ ...controller, ...claims }));
      const { reason, message, advice: given } = await failure();
      expect(reason).toBe('denied');
      expect(message).toContain(`sts AssumeRoleWithWebIdentity in eu-west-1: ${code}`);
      expect(given).toMatch(advice);
      expect(codes()).toStrictEqual([code]);
    },
  );

  test('by ECR names the missing permission, and is asked for once', async () => {
    scene.aws.behave({ service: 'ecr' }, { fail: 'deny' });
    expect(await failure()).toMatchObject({
      reason: 'denied',
      message: 'ecr GetAuthorizationToken in eu-west-1: AccessDeniedException',
      advice: expect.stringMatching(/ecr:GetAuthorizationToken on Resource "\*"/),
    });
    expect(codes()).toStrictEqual(['ok', 'AccessDeniedException']);
  });

  test('of a role that does not trust us names the step', async () => {
    scene.aws.putRole({ ...partnerRole, trust: [] });
    const { reason, message } = await failure(byPartner);
    expect({ reason, message }).toStrictEqual({
      reason: 'denied',
      message: 'sts AssumeRole in eu-west-1: AccessDenied',
    });
    expect(codes()).toStrictEqual(['ok', 'AccessDenied']);
  });

  test('of a role that does not trust us names the principal as the cure, not the OIDC issuer', async () => {
    scene.aws.putRole({ ...partnerRole, trust: [] });
    const { advice } = await failure(byPartner);
    expect(advice).toMatch(/principal/i);
    expect(advice).not.toContain('OIDC');
  });

  test.each([
    ['AWS_SECRET_ACCESS_KEY', 'wrong', 'InvalidSignatureException', /secret access key.*clock/],
    ['AWS_ACCESS_KEY_ID', 'UNKNOWN', 'UnrecognizedClientException', /check the access key/],
  ])('of static keys with a wrong %s names it', async (variable, value, code, advice) => {
    useEnvironment({ ...scene.staticKeys, [variable]: value });
    const failed = await failure({ ...byWebIdentity, roleArn: '' });
    expect(failed).toMatchObject({ reason: 'denied', advice: expect.stringMatching(advice) });
    expect(failed.message).toContain(code);
  });

  test('for an issuer that AWS cannot reach is no denial, for it may come back', async () => {
    scene.aws.behave(
      { service: 'sts' },
      { fail: { status: 400, code: 'IDPCommunicationError', message: 'x' } },
    );
    expect(await failure()).toMatchObject({ reason: 'unavailable', advice: expect.stringContaining('JWKS') });
  });

  test('is not repeated in our words: AWS may quote what was sent', async () => {
    const jwt = await scene.issuer.sign(controller);
    for (const code of ['InvalidIdentityToken', 'SomethingNew']) {
      const undo = scene.aws.behave({}, { fail: { status: 400, code, message: `bad token ${jwt}` } });
      const { reason, message } = await failure();
      expect(reason).toBe('denied');
      expect(message).toContain(code);
      undo();
    }
  });

  test('whose code is no word is not repeated at all', async () => {
    const code = await scene.issuer.sign(controller);
    scene.aws.behave({}, { fail: { status: 400, code, message: 'x' } });
    expect(await failure()).toMatchObject({ reason: 'denied' });
  });
});

test.each([
  ['sts', 'throttle', 'throttled', 'Throttling'],
  ['ecr', 'throttle', 'throttled', 'ThrottlingException'],
  ['sts', 'internal', 'unavailable', 'InternalFailure'],
  ['ecr', 'unavailable', 'unavailable', 'ServiceUnavailable'],
] as const)('%s: %s is %s, after a single attempt', async (service, fail, reason, code) => {
  scene.aws.behave({ service }, { fail });
  const { message, advice, reason: given } = await failure();
  expect(given).toBe(reason);
  expect(message).toContain(code);
  expect(advice).toContain('tried again by itself');
  expect(scene.aws.count({ service })).toBe(1);
});

test.each([
  ['no-authorization-data', /no authorizationToken/],
  ['empty-authorization-data', /no authorizationToken/],
  ['no-token', /no authorizationToken/],
  ['no-expiry', /no expiresAt/],
  ['garbage-token', /no user name and password/],
  ['not-json', /SyntaxError/],
] satisfies readonly (readonly [BrokenAnswer, RegExp])[])(
  'an answer of ECR with %s is none',
  async (answer, text) => {
    scene.aws.behave({ service: 'ecr' }, { answer });
    expect(await failure()).toMatchObject({
      reason: 'invalid-answer',
      message: expect.stringMatching(text),
      advice: expect.stringContaining('endpoint overrides'),
    });
  },
);

const noAnswer = { reason: 'invalid-answer', advice: expect.stringContaining('endpoint overrides') };

test('a web page instead of a role’s credentials is no answer', async () => {
  scene.aws.behave({ action: 'AssumeRole' }, { answer: 'not-json' });
  expect(await failure(byPartner)).toMatchObject(noAnswer);
});

test('a web page instead of the web identity’s credentials is no answer', async () => {
  scene.aws.behave({ action: 'AssumeRoleWithWebIdentity' }, { answer: 'not-json' });
  expect(await failure(byPartner)).toMatchObject(noAnswer);
});

describe('the web identity token file', () => {
  test('that is missing is named', async () => {
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', `${scene.tokenFile}-absent`);
    expect(await failure()).toMatchObject({
      reason: 'configuration',
      advice: expect.stringMatching(/token file is missing.*AWS_WEB_IDENTITY_TOKEN_FILE/),
    });
    expect(scene.aws.calls).toHaveLength(0);
  });

  test('that is empty is named', async () => {
    await scene.writeToken('');
    expect((await failure()).advice).toMatch(/token file/);
  });

  test('that is a directory is named', async () => {
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', import.meta.dirname);
    expect(await failure()).toMatchObject({
      reason: 'configuration',
      advice: expect.stringMatching(/token file/),
    });
  });

  test('that holds garbage is refused by AWS like a token that it does not trust', async () => {
    await scene.writeToken('garbage');
    expect(await failure()).toMatchObject({
      reason: 'denied',
      advice: expect.stringContaining('could not be read'),
    });
    expect(codes()).toStrictEqual(['InvalidIdentityToken']);
  });
});

test('without any AWS credentials both ways to give them are named, and nothing is called', async () => {
  vi.stubEnv('AWS_ROLE_ARN', undefined);
  vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', undefined);
  expect(await failure({ ...byWebIdentity, roleArn: '' })).toMatchObject({
    reason: 'configuration',
    advice: expect.stringMatching(/AWS_WEB_IDENTITY_TOKEN_FILE.*AWS_ACCESS_KEY_ID/),
  });
  expect(scene.aws.calls).toHaveLength(0);
});
