// The fake AWS against the real SDK: what STS refuses because of providers, key sets, partitions and limits, word for word.
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromWebToken } from '@aws-sdk/credential-providers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startFakeAws } from '../../rig/fake-aws/fake-aws.ts';
import { packedPolicyTooLarge, regionDisabled } from '../../rig/fake-aws/known-failures.ts';
import {
  controller,
  controllerRole,
  issuerUrl,
  partnerRole,
  type Scene,
  startScene,
  staticKey,
} from '../../rig/fake-aws/scene.ts';

let scene: Scene;
let now: number;
const region = 'eu-west-1';

beforeEach(async () => {
  now = Date.now();
  scene = await startScene(() => now);
  for (const [name, value] of Object.entries(scene.staticKeys)) vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

async function byWebIdentity(roleArn = controllerRole.arn, inRegion = region) {
  const webIdentityToken = await scene.issuer.sign(controller);
  const clientConfig = { region: inRegion, maxAttempts: 1 };
  return await fromWebToken({ webIdentityToken, roleArn, clientConfig })();
}

const assume = (roleArn: string, props: { readonly region?: string } = {}) =>
  new STSClient({ region, credentials: staticKey, maxAttempts: 1, ...props }).send(
    new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: 'me' }),
  );

describe('a web identity token, by its OIDC provider:', () => {
  test('an account has its own, so a role of another account may know none', async () => {
    await using stack = new AsyncDisposableStack();
    const jwks = vi.fn<() => Promise<object>>(scene.issuer.provider.jwks);
    const aws = await startFakeAws({
      issuers: [{ ...scene.issuer.provider, jwks, accounts: ['111122223333'] }],
      roles: [controllerRole, { ...partnerRole, trust: controllerRole.trust }],
      clock: () => now,
    });
    stack.defer(() => aws.close());
    vi.stubEnv('AWS_ENDPOINT_URL', aws.url);
    await expect(byWebIdentity(partnerRole.arn)).rejects.toMatchObject({
      name: expect.stringMatching(/^InvalidIdentityToken/),
      message: `No OpenIDConnect provider found in your account for ${issuerUrl}`,
      $metadata: { httpStatusCode: 400 },
    });
    await expect(byWebIdentity()).resolves.toHaveProperty('sessionToken');
    expect(aws.count({ code: 'InvalidIdentityToken' })).toBe(1);
    // The keys are got once, and again when they could not be got meanwhile.
    await byWebIdentity();
    expect(jwks).toHaveBeenCalledTimes(1);
    aws.hideKeys(issuerUrl)();
    await byWebIdentity();
    expect(jwks).toHaveBeenCalledTimes(2);
  });

  test('without its keys no token is good, also where AWS had them before', async () => {
    await byWebIdentity();
    const undo = scene.aws.hideKeys(issuerUrl);
    await expect(byWebIdentity()).rejects.toMatchObject({
      name: expect.stringMatching(/^InvalidIdentityToken/),
      // The two spaces are AWS's.
      message:
        "Couldn't retrieve verification key from your identity provider,  please reference " +
        'AssumeRoleWithWebIdentity documentation for requirements',
    });
    undo();
    await expect(byWebIdentity()).resolves.toHaveProperty('sessionToken');
  });

  test('when it does not answer, AWS speaks of communication', async () => {
    scene.aws.hideKeys(issuerUrl, 'timeout');
    await expect(byWebIdentity()).rejects.toMatchObject({
      name: expect.stringMatching(/^IDPCommunicationError/),
      message: expect.stringContaining('could not be reached'),
    });
    expect(scene.aws.count({ code: 'IDPCommunicationError' })).toBe(1);
  });

  test('the clock of the fake tells when a token has expired', async () => {
    const token = await scene.issuer.sign({ ...controller, lifeSeconds: 60 });
    const started = Math.floor(now / 1_000);
    now += 120_000;
    const clientConfig = { region, maxAttempts: 1 };
    const provider = fromWebToken({
      webIdentityToken: token,
      roleArn: controllerRole.arn,
      clientConfig,
    });
    await expect(provider()).rejects.toMatchObject({
      name: 'ExpiredTokenException',
      message:
        `Token expired: current date/time ${started + 120} must be before the expiration ` +
        `date/time${started + 60}`,
    });
  });
});

describe('partitions', () => {
  const chinese = {
    accessKeyId: 'AKIACHINA',
    secretAccessKey: 'of-china',
    userArn: 'arn:aws-cn:iam::777788889999:user/refresher',
  };

  test('a key is unknown in the regions of another partition, to each service in its words', async () => {
    for (const elsewhere of ['cn-north-1', 'us-gov-west-1', 'eusc-de-east-1']) {
      await expect(assume(partnerRole.arn, { region: elsewhere })).rejects.toMatchObject({
        name: 'InvalidClientTokenId',
        message: 'The security token included in the request is invalid.',
        $metadata: { httpStatusCode: 403 },
      });
      const ecr = new ECRClient({ region: elsewhere, credentials: staticKey, maxAttempts: 1 });
      await expect(ecr.send(new GetAuthorizationTokenCommand({}))).rejects.toMatchObject({
        name: 'UnrecognizedClientException',
      });
    }
    expect(scene.aws.tokens).toHaveLength(0);
  });

  test('a role of another partition is as absent as one that does not exist', async () => {
    const arn = 'arn:aws-us-gov:iam::111122223333:role/elsewhere';
    scene.aws.putRole({ arn, trust: [{ principals: [staticKey.userArn] }] });
    await expect(assume(arn)).rejects.toMatchObject({
      name: 'AccessDenied',
      message: `User: ${staticKey.userArn} is not authorized to perform: sts:AssumeRole on resource: ${arn}`,
    });
  });

  test('keys, roles and endpoints of one partition go together', async () => {
    const arn = 'arn:aws-cn:iam::777788889999:role/pull';
    await using stack = new AsyncDisposableStack();
    const aws = await startFakeAws({
      accessKeys: [chinese],
      roles: [{ arn, trust: [{ principals: [chinese.userArn] }] }],
      clock: () => now,
    });
    stack.defer(() => aws.close());
    vi.stubEnv('AWS_ENDPOINT_URL', aws.url);
    const cn = { region: 'cn-north-1', credentials: chinese };
    const sts = new STSClient(cn);
    const { AssumedRoleUser } = await sts.send(
      new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: 'me' }),
    );
    expect(AssumedRoleUser?.Arn).toBe('arn:aws-cn:sts::777788889999:assumed-role/pull/me');
    const { authorizationData } = await new ECRClient(cn).send(new GetAuthorizationTokenCommand({}));
    expect(authorizationData?.[0]?.proxyEndpoint).toBe(
      'https://777788889999.dkr.ecr.cn-north-1.amazonaws.com.cn',
    );
  });
});

describe('STS', () => {
  test.each([
    ['AssumeRoleWithWebIdentity', () => byWebIdentity('arn:aws:acm:eu-west-1:111122223333:certificate/1')],
    ['AssumeRole', () => assume('arn:aws:iam::111122223333:user/me')],
  ])('%s takes an ARN of a role only', async (action, call) => {
    await expect(call()).rejects.toMatchObject({
      name: 'ValidationError',
      message:
        action === 'AssumeRole' ? 'arn:aws:iam::111122223333:user/me is invalid' : 'Request ARN is invalid',
    });
  });

  test('that is switched off in a region says for which account', async () => {
    scene.aws.behave({ service: 'sts', region }, { fail: regionDisabled('111122223333') });
    await expect(assume(partnerRole.arn)).rejects.toMatchObject({
      name: 'RegionDisabledException',
      message:
        'STS is not activated in this region for account:111122223333. Your account administrator can activate ' +
        'STS in this region using the IAM Console.',
      $metadata: { httpStatusCode: 403 },
    });
    expect(scene.aws.count({ code: 'RegionDisabledException' })).toBe(1);
  });

  test('that cannot pack policies and tags says how much too much they are', async () => {
    scene.aws.behave({ action: 'AssumeRole' }, { fail: packedPolicyTooLarge(112) });
    await expect(assume(partnerRole.arn)).rejects.toMatchObject({
      name: expect.stringMatching(/^PackedPolicyTooLarge/),
      message: 'Packed size of session tags consumes 112% of allotted space.',
    });
    expect(scene.aws.count({ code: 'PackedPolicyTooLarge' })).toBe(1);
  });

  test('is called by a host that the log shows', async () => {
    const endpoint = scene.aws.url.replace('127.0.0.1', 'localhost');
    const client = new STSClient({ region, credentials: staticKey, endpoint });
    await client.send(new GetCallerIdentityCommand({}));
    await byWebIdentity();
    const { host } = new URL(scene.aws.url);
    expect(scene.aws.calls.map((call) => call.host)).toStrictEqual([
      host.replace('127.0.0.1', 'localhost'),
      host,
    ]);
  });
});
