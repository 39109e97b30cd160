// What AwsTokenFetcher says of the failures that every call may meet: keys, clocks, files and the network. One row for each
// cause; the last test compares them with the table of src/aws. STS has aws-advice.test.ts, ECR aws-advice-ecr.test.ts.
import { chmod } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { controllerRole, partnerRole, type Scene, startScene } from '../../rig/fake-aws/scene.ts';
import { generalRefusals } from '../../src/aws/general-refusals.ts';
import {
  byKey,
  byPartner,
  byWebIdentity,
  type Cause,
  failureOf,
  makeFetcher,
  privateSource,
  rowsWithout,
  useEnvironment,
} from '../support/aws-fetching.ts';

let scene: Scene;
/** How far AWS's clock is ahead of ours, in ms. */
let ahead: number;

beforeEach(async () => {
  ahead = 0;
  scene = await startScene(() => Date.now() + ahead);
  useEnvironment(scene.webIdentity);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

const minutes = 60_000;
const ecr = 'ecr GetAuthorizationToken in eu-west-1';
const assumed = 'sts AssumeRoleWithWebIdentity in eu-west-1';
const keys = () => useEnvironment(scene.staticKeys);
const byKeySource = privateSource(byKey);
const byKeyChain = privateSource({ ...byPartner, base: byKey });

/** Keys of a session in the environment, as somebody pastes them. */
function pasteSession(seconds: number): void {
  const { accessKeyId, secretAccessKey, sessionToken } = scene.aws.issueSession(
    controllerRole.arn,
    'pasted',
    seconds,
  );
  useEnvironment({
    ...scene.staticKeys,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  });
}

const clock = { reason: 'denied', advice: /clock of the node.*wrong by minutes: set it by NTP/ } as const;
const unknownKey = { reason: 'denied', advice: /credentials of one partition.*not enabled/ } as const;
const unreachable = { reason: 'unavailable', advice: /could not be reached: check egress rules/ } as const;
const fileGone = { reason: 'configuration', advice: /token file is missing, empty or not a file/ } as const;

const causes: readonly Cause[] = [
  {
    cause: 'a registry of another partition than the keys',
    arrange: keys,
    source: privateSource(byKey, 'cn-north-1'),
    message: 'ecr GetAuthorizationToken in cn-north-1: UnrecognizedClientException',
    ...unknownKey,
  },
  {
    cause: 'a role to chain to in another partition than the keys',
    arrange: keys,
    source: privateSource({ ...byPartner, base: byKey }, 'us-gov-west-1'),
    message: 'sts AssumeRole in us-gov-west-1: InvalidClientTokenId',
    ...unknownKey,
  },
  {
    cause: 'an access key that was deleted',
    arrange: () => useEnvironment({ ...scene.staticKeys, AWS_ACCESS_KEY_ID: 'GONE' }),
    source: byKeySource,
    message: `${ecr}: UnrecognizedClientException`,
    ...unknownKey,
  },
  {
    cause: 'keys of a session that is over',
    arrange: () => pasteSession(-60),
    source: byKeySource,
    message: `${ecr}: ExpiredTokenException`,
    reason: 'denied',
    advice: /credentials have expired: renew them at their source/,
  },
  {
    cause: 'a clock that is ten minutes slow, told by ECR',
    arrange: () => {
      keys();
      ahead = 10 * minutes;
    },
    source: byKeySource,
    message: `${ecr}: InvalidSignatureException`,
    ...clock,
  },
  {
    cause: 'a clock that is ten minutes fast, told by ECR',
    arrange: () => {
      keys();
      ahead = -10 * minutes;
    },
    source: byKeySource,
    message: `${ecr}: InvalidSignatureException`,
    ...clock,
  },
  {
    cause: 'a clock that is ten minutes slow, told by STS',
    arrange: () => {
      keys();
      ahead = 10 * minutes;
    },
    source: byKeyChain,
    message: 'sts AssumeRole in eu-west-1: SignatureDoesNotMatch',
    ...clock,
  },
  {
    cause: 'a secret access key that is wrong',
    arrange: () => useEnvironment({ ...scene.staticKeys, AWS_SECRET_ACCESS_KEY: 'wrong' }),
    source: byKeyChain,
    message: 'sts AssumeRole in eu-west-1: SignatureDoesNotMatch',
    reason: 'denied',
    advice: /refuses the signature: check the secret access key/,
  },
  {
    cause: 'an ARN that is none of a role',
    arrange: () => vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::111122223333:user/me'),
    message: `${assumed}: ValidationError`,
    reason: 'denied',
    advice: /refuses a parameter.*the role ARN, external id and tags/,
  },
  {
    cause: 'no credentials at all',
    arrange: () => useEnvironment({ AWS_ROLE_ARN: undefined, AWS_WEB_IDENTITY_TOKEN_FILE: undefined }),
    source: privateSource({ ...byWebIdentity, roleArn: '' }),
    message: 'credentials by the default chain in eu-west-1: CredentialsProviderError',
    reason: 'configuration',
    advice: /no AWS credentials were found: set AWS_ROLE_ARN/,
  },
  {
    cause: 'a token file that is not there, for the controller’s own role',
    arrange: () => vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', `${scene.tokenFile}-absent`),
    message: `${assumed}: ENOENT`,
    ...fileGone,
  },
  {
    cause: 'a token file that is not there, for a role of a profile',
    arrange: () => vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', `${scene.tokenFile}-absent`),
    source: privateSource({ kind: 'webIdentity', roleArn: partnerRole.arn, sessionName: 'test' }),
    message: `${assumed}: ENOENT`,
    ...fileGone,
  },
  {
    cause: 'an endpoint that refuses the connection',
    arrange: () => vi.stubEnv('AWS_ENDPOINT_URL_ECR', 'http://127.0.0.1:1'),
    message: `${ecr}: ECONNREFUSED`,
    ...unreachable,
  },
];

test.each(causes)('$cause: $reason', async ({ arrange, source = privateSource(), ...expected }) => {
  await arrange();
  const { reason, message, advice } = await failureOf(makeFetcher().fetch(source));
  expect({ reason, message }).toStrictEqual({ reason: expected.reason, message: expected.message });
  expect(advice).toMatch(expected.advice);
  expect(scene.aws.tokens).toHaveLength(0);
});

test('a host that no name server knows is unreachable', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_STS', 'http://sts.nowhere.invalid');
  const { message, ...failure } = await failureOf(makeFetcher().fetch(privateSource()));
  expect(failure).toMatchObject({ ...unreachable, advice: expect.stringMatching(unreachable.advice) });
  // The second where there is no name server at all.
  expect(message).toMatch(new RegExp(`^${assumed}: (ENOTFOUND|EAI_AGAIN)$`));
});

const unreadable = /token file is not readable.*user and fsGroup/;

test('a token file that may not be read is not readable', async ({ skip }) => {
  await chmod(scene.tokenFile, 0o000);
  if (process.getuid?.() === 0) return skip('root may read everything');
  expect(await failureOf(makeFetcher().fetch(privateSource()))).toMatchObject({
    reason: 'configuration',
    advice: expect.stringMatching(unreadable),
  });
});

test('there is a cause for every row of the table, here or elsewhere', () => {
  /** In aws-agents (five), aws-advice-roles, aws-advice-ecr, aws-network, aws-proxy and again aws-network. */
  const elsewhere = [
    'CredentialsProviderError',
    'TimeoutError',
    'ENOENT',
    'CredentialsProviderError',
    'TimeoutError',
    'RegionDisabled',
    'OptInRequired',
    'Throttling',
    'TimeoutError',
    'ERR_PROXY_TUNNEL',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'SyntaxError',
  ];
  const rows = rowsWithout([...causes, { advice: unreadable }], generalRefusals);
  expect(rows.map(({ codes }) => codes[0])).toStrictEqual(elsewhere);
});
