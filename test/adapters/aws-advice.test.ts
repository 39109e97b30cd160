// What AwsTokenFetcher says of each refusal of a web identity that the fake AWS can play: what kind of failure it is, and what a
// person is told to look at. One row for each cause; the last test compares them with the table of src/aws. Roles by
// chaining are in aws-advice-roles.test.ts, everything else in aws-advice-ecr.test.ts and aws-advice-general.test.ts.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startFakeAws } from '../../rig/fake-aws/fake-aws.ts';
import {
  controller,
  controllerRole,
  issuerUrl,
  partnerRole,
  type Scene,
  startScene,
} from '../../rig/fake-aws/scene.ts';
import { makeServiceAccountIssuer, type TokenClaims } from '../../rig/fake-aws/service-account-issuer.ts';
import { stsRefusals } from '../../src/aws/sts-refusals.ts';
import type { WebIdentity } from '../../src/domain/identity.ts';
import {
  type Cause,
  failureOf,
  makeFetcher,
  privateSource,
  rowsWithout,
  useEnvironment,
} from '../support/aws-fetching.ts';

let scene: Scene;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  scene = stack.use(await startScene());
  useEnvironment(scene.webIdentity);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await stack.disposeAsync();
});

/** What the advice prints of the token as well, where it does. */
interface TokenCause extends Cause {
  readonly claims?: string;
}

const claimsOf = ({
  issuer = issuerUrl,
  namespace = controller.namespace,
  serviceAccount = controller.serviceAccount,
  audience = 'sts.amazonaws.com',
}: Partial<TokenClaims> = {}) =>
  `issuer ${issuer}, subject system:serviceaccount:${namespace}:${serviceAccount}, audience ${audience}`;

const ours = claimsOf();
const token = async (claims: Partial<TokenClaims>) =>
  scene.writeToken(await scene.issuer.sign({ ...controller, ...claims }));
const fail = (action: string, code: string, message = 'x') =>
  scene.aws.behave({ action }, { fail: { status: 400, code, message } });

const abroad: WebIdentity = { kind: 'webIdentity', roleArn: partnerRole.arn, sessionName: 'abroad' };

/** Only the controller's own account has a provider for the issuer. */
async function oneAccountOnly(): Promise<void> {
  const aws = await startFakeAws({
    issuers: [{ ...scene.issuer.provider, accounts: ['111122223333'] }],
    roles: [controllerRole, { ...partnerRole, trust: controllerRole.trust }],
  });
  stack.defer(() => aws.close());
  vi.stubEnv('AWS_ENDPOINT_URL', aws.url);
}

const assumed = 'sts AssumeRoleWithWebIdentity in eu-west-1';
const denied = { message: `${assumed}: AccessDenied`, reason: 'denied' } as const;
const untrusted = { ...denied, advice: /role does not exist.*trust policy names another OIDC provider/ };
const noProvider = {
  message: `${assumed}: InvalidIdentityTokenException`,
  reason: 'denied',
  advice: /account has no IAM OIDC provider.*exactly this issuer/,
} as const;
const noKeys = {
  message: `${assumed}: InvalidIdentityTokenException`,
  reason: 'unavailable',
  advice: /cannot fetch the keys.*JWKS must be public/,
} as const;

const causes: readonly TokenCause[] = [
  {
    cause: 'a token of another subject than the trust policy names',
    arrange: () => token({ namespace: 'team-a' }),
    ...untrusted,
    claims: claimsOf({ namespace: 'team-a' }),
  },
  {
    cause: 'a trust policy for another audience than the provider lists',
    arrange: () =>
      scene.aws.putRole({
        ...controllerRole,
        trust: [{ subjects: ['system:serviceaccount:ecr-pull-secrets:ecr-pull-secrets'], audience: 'vault' }],
      }),
    ...untrusted,
    claims: ours,
  },
  {
    cause: 'a role that does not exist',
    arrange: () => vi.stubEnv('AWS_ROLE_ARN', `${controllerRole.arn}-absent`),
    ...untrusted,
    claims: ours,
  },
  {
    cause: 'an OIDC provider that the account of the role does not have',
    arrange: oneAccountOnly,
    source: privateSource(abroad),
    ...noProvider,
    claims: ours,
  },
  {
    cause: 'a token of an issuer that no account knows',
    arrange: () => token({ issuer: 'https://oidc.example.net' }),
    ...noProvider,
    claims: claimsOf({ issuer: 'https://oidc.example.net' }),
  },
  {
    cause: 'a token for an audience that the OIDC provider does not list',
    arrange: () => token({ audience: 'kubernetes' }),
    message: `${assumed}: InvalidIdentityTokenException`,
    reason: 'denied',
    advice: /add it as a client id/,
    claims: claimsOf({ audience: 'kubernetes' }),
  },
  {
    cause: 'a key set that AWS cannot fetch',
    arrange: () => scene.aws.hideKeys(issuerUrl),
    ...noKeys,
    claims: ours,
  },
  {
    cause: 'a signing key that the published key set does not have',
    arrange: async () => scene.writeToken(await (await makeServiceAccountIssuer(issuerUrl)).sign(controller)),
    ...noKeys,
    claims: ours,
  },
  {
    cause: 'an issuer that does not answer AWS in time',
    arrange: () => scene.aws.hideKeys(issuerUrl, 'timeout'),
    message: `${assumed}: IDPCommunicationErrorException`,
    reason: 'unavailable',
    advice: /cannot reach the cluster's OIDC issuer/,
    claims: ours,
  },
  {
    cause: 'a file that holds something else than a token',
    arrange: () => scene.writeToken('garbage'),
    message: `${assumed}: InvalidIdentityTokenException`,
    reason: 'denied',
    advice: /does not accept the token/,
    claims: 'claims that could not be read',
  },
  {
    cause: 'a claim that the OIDC provider rejects',
    arrange: () => fail('AssumeRoleWithWebIdentity', 'IDPRejectedClaim'),
    message: `${assumed}: IDPRejectedClaimException`,
    reason: 'denied',
    advice: /rejects a claim/,
    claims: ours,
  },
  {
    cause: 'a token file that nobody renews',
    arrange: () => token({ lifeSeconds: -60 }),
    message: `${assumed}: ExpiredTokenException`,
    reason: 'denied',
    advice: /token has expired: check that the token file is renewed/,
  },
];

test.each(causes)('$cause: $reason', async ({ arrange, source = privateSource(), ...expected }) => {
  await arrange();
  const { reason, message, advice } = await failureOf(makeFetcher().fetch(source));
  expect({ reason, message }).toStrictEqual({ reason: expected.reason, message: expected.message });
  expect(advice).toMatch(expected.advice);
  expect(advice).toContain(expected.claims ?? '');
  expect(advice).not.toContain('{claims}');
  // Nothing goes on after a refusal.
  expect(scene.aws.count({ service: 'ecr' })).toBe(0);
});

test('there is a cause for every row of the table about web identities', () => {
  const rows = stsRefusals.filter(({ at }) => !at?.includes('AssumeRole'));
  expect(rowsWithout(causes, rows)).toStrictEqual([]);
});
