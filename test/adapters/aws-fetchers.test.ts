// AwsTokenFetcher against the fake AWS by way of the real SDK, when all goes well: which calls it makes, as whom, and how
// many. Failures are in aws-failures.test.ts, the network in aws-network.test.ts.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  controller,
  controllerRole,
  partnerRole,
  type Scene,
  startScene,
  staticKey,
} from '../../rig/fake-aws/scene.ts';
import type { AwsTokenFetcher } from '../../src/aws/fetchers.ts';
import type { Identity } from '../../src/domain/identity.ts';
import type { TokenSource } from '../../src/domain/token.ts';
import { byPartner, byWebIdentity, makeFetcher, useEnvironment } from '../support/aws-fetching.ts';

const webIdentityCalls = { action: 'AssumeRoleWithWebIdentity' } as const;
const ecrCalls = { service: 'ecr' } as const;

let scene: Scene;
let fetcher: AwsTokenFetcher;
/** How far the fetcher's clock is ahead, in ms; the signatures of the SDK keep the real time. */
let ahead: number;

beforeEach(async () => {
  scene = await startScene();
  useEnvironment(scene.webIdentity);
  ahead = 0;
  fetcher = makeFetcher({ now: () => Date.now() + ahead });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

const source = (region = 'eu-west-1', identity: Identity = byWebIdentity): TokenSource => ({
  identity,
  service: 'private',
  region,
});

test('a token by web identity opens the registries of its region until it expires', async () => {
  const before = Date.now();
  const { username, password, issued, expires } = await fetcher.fetch(source('us-west-2'));
  expect(username).toBe('AWS');
  const verdict = scene.aws.verdict(password.reveal());
  expect(verdict).toMatchObject({
    verdict: 'valid',
    token: { region: 'us-west-2', account: '111122223333' },
  });
  expect(expires).toBe(Math.floor((verdict.token?.expiresAt ?? 0) / 1_000));
  expect(issued).toBeGreaterThanOrEqual(Math.floor(before / 1_000));
  expect(issued).toBeLessThanOrEqual(Math.ceil(Date.now() / 1_000));
  expect(`${String(password)} ${JSON.stringify({ password })}`).toBe('[redacted] {"password":"[redacted]"}');
});

test('a fetch makes one call to each service, shortest session, under our own session name', async () => {
  vi.stubEnv('AWS_ROLE_SESSION_NAME', 'somebody-else');
  await fetcher.fetch(source());
  expect(scene.aws.calls).toMatchObject([
    {
      ...webIdentityCalls,
      sessionName: byWebIdentity.sessionName,
      durationSeconds: 900,
      tags: {},
      code: 'ok',
    },
    { ...ecrCalls, sessionName: byWebIdentity.sessionName, region: 'eu-west-1', code: 'ok' },
  ]);
  const [assumed] = scene.aws.calls;
  expect(assumed).not.toHaveProperty('policy');
  expect(assumed).toHaveProperty('policyArns', []);
});

test('both services see who we are and which version', async () => {
  await fetcher.fetch(source('eu-west-1', byPartner));
  const userAgents = scene.aws.calls.map(({ userAgent }) => userAgent);
  expect(userAgents).toHaveLength(3);
  for (const userAgent of userAgents) expect(userAgent).toContain('ecr-pull-secrets/1.2.3');
});

test.each([0, -3_600, 365 * 86_400])(
  'a life of %d seconds is handed through as it is',
  async (lifeSeconds) => {
    scene.aws.behave(ecrCalls, { lifeSeconds });
    const { issued, expires } = await fetcher.fetch(source());
    // Rounding makes the life up to two seconds shorter, never longer.
    expect(expires - issued).toBeLessThanOrEqual(lifeSeconds + 60);
    expect(expires - issued).toBeGreaterThanOrEqual(lifeSeconds - 2);
  },
);

describe('a session', () => {
  test('is shared by two regions that ask at once', async () => {
    await Promise.all([fetcher.fetch(source('eu-west-1')), fetcher.fetch(source('us-east-1'))]);
    expect(scene.aws.count(webIdentityCalls)).toBe(1);
    expect(scene.aws.count({ ...ecrCalls, region: 'eu-west-1' })).toBe(1);
    expect(scene.aws.count({ ...ecrCalls, region: 'us-east-1' })).toBe(1);
    expect(scene.aws.tokens.map(({ region }) => region).toSorted()).toStrictEqual(['eu-west-1', 'us-east-1']);
  });

  test('is used again until five minutes before its end, then made anew from the file as it is then', async () => {
    await fetcher.fetch(source());
    await scene.writeToken('garbage');
    ahead = 9 * 60_000;
    await fetcher.fetch(source());
    expect(scene.aws.count(webIdentityCalls)).toBe(1);
    ahead = 11 * 60_000;
    await expect(fetcher.fetch(source())).rejects.toMatchObject({ reason: 'denied' });
    await scene.writeToken(await scene.issuer.sign(controller));
    await fetcher.fetch(source());
    expect(scene.aws.calls.map(({ code }) => code)).toStrictEqual([
      'ok',
      'ok',
      'ok',
      'InvalidIdentityToken',
      'ok',
      'ok',
    ]);
  });

  test('that ECR refuses is not used again', async () => {
    const undo = scene.aws.behave(ecrCalls, { fail: 'deny' });
    await expect(fetcher.fetch(source())).rejects.toMatchObject({ reason: 'denied' });
    undo();
    await fetcher.fetch(source());
    expect(scene.aws.count(webIdentityCalls)).toBe(2);
  });

  test('that ECR throttles is used again: STS has no part in it', async () => {
    const undo = scene.aws.behave(ecrCalls, { fail: 'throttle' });
    await expect(fetcher.fetch(source())).rejects.toMatchObject({ reason: 'throttled' });
    undo();
    await fetcher.fetch(source());
    expect(scene.aws.count(webIdentityCalls)).toBe(1);
  });

  test('that could not be made is asked for again, with one call for all who wait', async () => {
    const undo = scene.aws.behave(webIdentityCalls, { fail: 'throttle' });
    const both = await Promise.allSettled([fetcher.fetch(source()), fetcher.fetch(source('us-east-1'))]);
    expect(both.map(({ status }) => status)).toStrictEqual(['rejected', 'rejected']);
    expect(scene.aws.count(webIdentityCalls)).toBe(1);
    undo();
    await fetcher.fetch(source());
    expect(scene.aws.count(webIdentityCalls)).toBe(2);
  });

  test('of one identity is never used for another', async () => {
    const other = { ...byWebIdentity, sessionName: 'other' };
    await Promise.all([fetcher.fetch(source()), fetcher.fetch(source('eu-west-1', other))]);
    const names = scene.aws.calls
      .filter(({ service }) => service === 'ecr')
      .map(({ sessionName }) => sessionName);
    expect(new Set(names)).toStrictEqual(new Set([byWebIdentity.sessionName, 'other']));
  });
});

describe('a role of a profile', () => {
  test('is assumed with the web identity, and the token is its own', async () => {
    const { password } = await fetcher.fetch(source('eu-west-1', byPartner));
    expect(scene.aws.verdict(password.reveal())).toMatchObject({
      verdict: 'valid',
      token: { account: '444455556666', roleArn: partnerRole.arn },
    });
    expect(scene.aws.calls).toMatchObject([
      { action: 'AssumeRoleWithWebIdentity', roleArn: controllerRole.arn },
      {
        action: 'AssumeRole',
        roleArn: partnerRole.arn,
        sessionName: byPartner.sessionName,
        durationSeconds: 900,
      },
      { ...ecrCalls, roleArn: partnerRole.arn, sessionName: byPartner.sessionName },
    ]);
  });

  test('and the identity under it, in two regions, make one session each', async () => {
    const identities = [byWebIdentity, byPartner] as const;
    const sources = identities.flatMap((identity) => [
      source('eu-west-1', identity),
      source('us-east-1', identity),
    ]);
    await Promise.all(sources.map((each) => fetcher.fetch(each)));
    expect(scene.aws.count(webIdentityCalls)).toBe(1);
    expect(scene.aws.count({ action: 'AssumeRole' })).toBe(1);
    expect(scene.aws.count(ecrCalls)).toBe(4);
  });

  test('is asked for in AWS_REGION, or in the registry’s region when that is of another partition', async () => {
    await fetcher.fetch(source('us-east-1', byPartner));
    const chinese = (arn: string) => arn.replace('arn:aws:', 'arn:aws-cn:');
    const base = { ...byWebIdentity, roleArn: chinese(controllerRole.arn) };
    scene.aws.putRole({ ...controllerRole, arn: base.roleArn });
    scene.aws.putRole({ arn: chinese(partnerRole.arn), trust: [{ principals: [base.roleArn] }] });
    vi.stubEnv('AWS_ROLE_ARN', base.roleArn);
    const identity = { ...byPartner, base, roleArn: chinese(byPartner.roleArn) };
    await fetcher.fetch(source('cn-north-1', identity));
    const regions = scene.aws.calls
      .filter(({ action }) => action === 'AssumeRole')
      .map(({ region }) => region);
    expect(regions).toStrictEqual(['eu-west-1', 'cn-north-1']);
  });
});

test('static keys need no session, and are looked up for each fetch', async () => {
  useEnvironment(scene.staticKeys);
  const identity = { ...byWebIdentity, roleArn: '', accessKeyId: staticKey.accessKeyId };
  await fetcher.fetch(source('eu-west-1', identity));
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'changed');
  await expect(fetcher.fetch(source('eu-west-1', identity))).rejects.toMatchObject({ reason: 'denied' });
  expect(scene.aws.calls).toMatchObject([
    { ...ecrCalls, accessKey: 'static', code: 'ok' },
    { ...ecrCalls, accessKey: 'static', code: 'InvalidSignatureException' },
  ]);
});
