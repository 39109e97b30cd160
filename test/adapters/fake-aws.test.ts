// The fake AWS against the real SDK: what the controller's tests rest on. Here are web identities and signatures, with
// AWS's literal error codes; role chaining is in fake-aws-chain.test.ts, misbehaviour in fake-aws-behaviour.test.ts.
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { GetCallerIdentityCommand, STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import { fromTokenFile, fromWebToken } from '@aws-sdk/credential-providers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startFakeAws } from '../../rig/fake-aws/fake-aws.ts';
import {
  controller,
  controllerRole,
  issuerUrl,
  partnerRole,
  type Scene,
  startScene,
  staticKey,
} from '../../rig/fake-aws/scene.ts';
import { makeServiceAccountIssuer, type TokenClaims } from '../../rig/fake-aws/service-account-issuer.ts';

let scene: Scene;

beforeEach(async () => {
  scene = await startScene();
  for (const [name, value] of Object.entries(scene.webIdentity)) vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

const region = 'eu-west-1';
const sts = (
  credentials: NonNullable<STSClientConfig['credentials']> = fromTokenFile({ clientConfig: { region } }),
) => new STSClient({ region, credentials, maxAttempts: 1 });

const assume = (webIdentityToken: string, roleArn: string) =>
  fromWebToken({ webIdentityToken, roleArn, clientConfig: { region, maxAttempts: 1 } })();

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

describe('a web identity', () => {
  test('opens the role, and the role gets a token that a registry accepts', async () => {
    const client = new ECRClient({
      region: 'us-west-2',
      credentials: fromTokenFile({ roleSessionName: 'me' }),
    });
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}));
    const [{ authorizationToken = '', expiresAt, proxyEndpoint } = {}] = authorizationData ?? [];
    const [user, password = ''] = Buffer.from(authorizationToken, 'base64').toString().split(':');
    expect(user).toBe('AWS');
    expect(authorizationToken.length).toBeGreaterThan(2_500);
    expect(authorizationToken.length).toBeLessThan(2_700);
    expect(proxyEndpoint).toBe('https://111122223333.dkr.ecr.us-west-2.amazonaws.com');
    expect(scene.aws.verdict(password)).toMatchObject({
      verdict: 'valid',
      token: { region: 'us-west-2', roleArn: controllerRole.arn },
    });
    expect(scene.aws.verdict(password, expiresAt?.getTime()).verdict).toBe('expired');
    expect(scene.aws.verdict(`${password}x`)).toStrictEqual({ verdict: 'unknown' });
    expect(scene.aws.calls).toMatchObject([
      {
        service: 'sts',
        action: 'AssumeRoleWithWebIdentity',
        sessionName: 'me',
        accessKey: 'none',
        code: 'ok',
      },
      {
        service: 'ecr',
        action: 'GetAuthorizationToken',
        sessionName: 'me',
        accessKey: 'session',
        code: 'ok',
      },
    ]);
    expect(JSON.stringify(scene.aws.calls)).not.toContain(password);
  });

  test('is shown by GetCallerIdentity without the path of the role', async () => {
    const { Arn, Account } = await sts(
      fromTokenFile({ roleSessionName: 'me', clientConfig: { region } }),
    ).send(new GetCallerIdentityCommand({}));
    expect(Arn).toBe('arn:aws:sts::111122223333:assumed-role/controller/me');
    expect(Account).toBe('111122223333');
  });

  const refused: readonly (readonly [
    what: string,
    claims: Partial<TokenClaims>,
    name: string,
    text: RegExp,
  ])[] = [
    [
      'another issuer',
      { issuer: 'https://other.example.com' },
      'InvalidIdentityToken',
      /^No OpenIDConnect provider found in your account for https:\/\/other\.example\.com$/,
    ],
    ['another audience', { audience: 'vault' }, 'InvalidIdentityToken', /^Incorrect token audience$/],
    [
      'another subject',
      { namespace: 'team-a' },
      'AccessDenied',
      /^Not authorized to perform sts:AssumeRoleWithWebIdentity$/,
    ],
    [
      'an expiry that has passed',
      { lifeSeconds: -60 },
      'ExpiredTokenException',
      /^Token expired: current date\/time \d+ must be before the expiration date\/time\d+$/,
    ],
  ];

  test.each(refused)('with %s is refused in the words of AWS', async (_what, claims, code, text) => {
    const webIdentityToken = await scene.issuer.sign({ ...controller, ...claims });
    const failure = await failureOf(assume(webIdentityToken, controllerRole.arn));
    expect([code, `${code}Exception`]).toContain(failure.name);
    expect(failure.message).toMatch(text);
    expect(scene.aws.count({ code })).toBe(1);
  });

  test('signed by a key that the issuer does not publish is refused', async () => {
    const forger = await makeServiceAccountIssuer(issuerUrl);
    const { message } = await failureOf(assume(await forger.sign(controller), controllerRole.arn));
    expect(message).toContain("Couldn't retrieve verification key from your identity provider");
    expect(scene.aws.count({ code: 'InvalidIdentityToken' })).toBe(1);
  });

  test('of no form at all is refused: no JWT, or nothing', async () => {
    expect((await failureOf(assume('garbage', controllerRole.arn))).message).toContain('not a valid JWT');
    expect((await failureOf(assume('', controllerRole.arn))).message).toContain("at 'webIdentityToken'");
  });

  test('is told the same for a role that does not exist as for one that does not trust it', async () => {
    const token = await scene.issuer.sign(controller);
    const [absent, distrusting] = await Promise.all([
      failureOf(assume(token, 'arn:aws:iam::111122223333:role/absent')),
      failureOf(assume(token, partnerRole.arn)),
    ]);
    expect(absent).toMatchObject({ name: distrusting.name, message: distrusting.message });
  });

  test('is let in once a change of the trust policy has arrived', async () => {
    const token = await scene.issuer.sign({ ...controller, namespace: 'team-a' });
    const subjects = ['system:serviceaccount:team-a:ecr-pull-secrets'];
    scene.aws.putRole({ ...controllerRole, trust: [{ subjects }] }, 60_000);
    await failureOf(assume(token, controllerRole.arn));
    scene.aws.putRole({ ...controllerRole, trust: [{ subjects }] });
    expect(await assume(token, controllerRole.arn)).toHaveProperty('sessionToken');
  });
});

describe('a static key', () => {
  test('is known by its user', async () => {
    const { Arn } = await sts(staticKey).send(new GetCallerIdentityCommand({}));
    expect(Arn).toBe(staticKey.userArn);
    expect(scene.aws.calls).toMatchObject([{ accessKey: 'static', region, code: 'ok' }]);
  });

  test.each([
    [
      'a wrong secret',
      { ...staticKey, secretAccessKey: 'wrong' },
      'SignatureDoesNotMatch',
      'InvalidSignatureException',
    ],
    [
      'an unknown id',
      { ...staticKey, accessKeyId: 'AKIAUNKNOWN' },
      'InvalidClientTokenId',
      'UnrecognizedClientException',
    ],
    [
      'a session token that is not its own',
      { ...staticKey, sessionToken: 'x' },
      'InvalidClientTokenId',
      'UnrecognizedClientException',
    ],
  ])(
    'with %s is refused by both services, each in its own words',
    async (_what, credentials, ofSts, ofEcr) => {
      const ecr = new ECRClient({ region, credentials, maxAttempts: 1 });
      expect((await failureOf(sts(credentials).send(new GetCallerIdentityCommand({})))).name).toBe(ofSts);
      expect((await failureOf(ecr.send(new GetAuthorizationTokenCommand({})))).name).toBe(ofEcr);
    },
  );

  test('may do what the policies of its user allow', async () => {
    const userArn = 'arn:aws:iam::111122223333:user/reader';
    const key = { ...staticKey, userArn, allow: ['ecr:BatchGetImage'] };
    await using stack = new AsyncDisposableStack();
    const aws = await startFakeAws({ accessKeys: [key] });
    stack.defer(() => aws.close());
    vi.stubEnv('AWS_ENDPOINT_URL', aws.url);
    const ecr = new ECRClient({ region, credentials: staticKey, maxAttempts: 1 });
    await expect(ecr.send(new GetAuthorizationTokenCommand({}))).rejects.toThrow(
      `User: ${userArn} is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no ` +
        'identity-based policy allows the ecr:GetAuthorizationToken action',
    );
  });
});
