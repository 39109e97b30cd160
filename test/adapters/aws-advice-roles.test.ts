// What AwsTokenFetcher says when a role cannot be assumed with another, for each refusal that the fake AWS can play: what kind of
// failure it is, and what a person is told to look at. Web identities are in aws-advice.test.ts.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { packedPolicyTooLarge, regionDisabled } from '../../rig/fake-aws/known-failures.ts';
import { startPodIdentityAgent } from '../../rig/fake-aws/pod-identity-agent.ts';
import { controllerRole, partnerRole, type Scene, startScene } from '../../rig/fake-aws/scene.ts';
import { stsRefusals } from '../../src/aws/sts-refusals.ts';
import type { ChainIdentity } from '../../src/domain/identity.ts';
import {
  byChain,
  byPartner,
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

const tagged: ChainIdentity = { ...byPartner, tags: { team: 'a' } };
const trustsTags = [{ principals: [controllerRole.arn], tagSession: true }];
const trust = (role: Partial<typeof partnerRole>) => scene.aws.putRole({ ...partnerRole, ...role });

/** The controller's own credentials are EKS Pod Identity's, with its six tags. */
async function podIdentity(): Promise<void> {
  trust({ trust: trustsTags });
  const agent = await startPodIdentityAgent({
    aws: scene.aws,
    roleArn: controllerRole.arn,
    accepts: () => true,
  });
  stack.defer(() => agent.close());
  useEnvironment({
    AWS_ROLE_ARN: undefined,
    AWS_WEB_IDENTITY_TOKEN_FILE: undefined,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.url,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: scene.tokenFile,
  });
}

const assumed = 'sts AssumeRole in eu-west-1';
const noChain = {
  message: `${assumed}: AccessDenied`,
  reason: 'denied',
  advice: /principal or asks for another sts:ExternalId.*sts:AssumeRole/,
} as const;
const noTags = { ...noChain, advice: /tags are refused: allow sts:TagSession/ };

const causes: readonly Cause[] = [
  {
    cause: 'a session policy that STS does not accept',
    arrange: () =>
      scene.aws.behave(
        { action: 'AssumeRole' },
        { fail: { status: 400, code: 'MalformedPolicyDocument', message: 'x' } },
      ),
    source: privateSource(byPartner),
    message: `${assumed}: MalformedPolicyDocumentException`,
    reason: 'configuration',
    advice: /AmazonEC2ContainerRegistryPullOnly must exist in the partition/,
  },
  {
    cause: 'more tags than STS can pack',
    arrange: () => scene.aws.behave({ action: 'AssumeRole' }, { fail: packedPolicyTooLarge(112) }),
    source: privateSource(tagged),
    message: `${assumed}: PackedPolicyTooLargeException`,
    reason: 'configuration',
    advice: /fewer or shorter tags/,
  },
  {
    cause: 'a role to chain to that does not name ours',
    arrange: () => trust({ trust: [] }),
    source: privateSource(byPartner),
    ...noChain,
  },
  {
    cause: 'a role to chain to that asks for another external id',
    arrange: () => trust({ trust: [{ principals: [controllerRole.arn], externalId: 'x' }] }),
    source: privateSource(byPartner),
    ...noChain,
  },
  {
    cause: 'a role of ours that may not assume others',
    arrange: () => scene.aws.putRole({ ...controllerRole, allow: ['ecr:*'] }),
    source: privateSource(byPartner),
    ...noChain,
  },
  {
    cause: 'a role to chain to in another partition',
    arrange: () => undefined,
    source: privateSource({ ...byPartner, roleArn: partnerRole.arn.replace('arn:aws:', 'arn:aws-us-gov:') }),
    ...noChain,
  },
  {
    cause: 'tags that the trust policy does not allow',
    arrange: () => undefined,
    source: privateSource(tagged),
    ...noTags,
  },
  {
    cause: 'tags that our own policy does not allow',
    arrange: () => {
      trust({ trust: trustsTags });
      scene.aws.putRole({ ...controllerRole, allow: ['ecr:*', 'sts:AssumeRole'] });
    },
    source: privateSource(tagged),
    ...noTags,
  },
  {
    cause: 'a tag that EKS Pod Identity has set already',
    arrange: podIdentity,
    source: privateSource({ ...byPartner, base: byChain, tags: { 'eks-cluster-name': 'x' } }),
    message: `${assumed}: InvalidParameterValue`,
    reason: 'configuration',
    advice: /passes on \(EKS Pod Identity does\): name it otherwise/,
  },
  {
    cause: 'a region that is switched off for STS',
    arrange: () => scene.aws.behave({ action: 'AssumeRole' }, { fail: regionDisabled('111122223333') }),
    source: privateSource(byPartner),
    message: `${assumed}: RegionDisabledException`,
    reason: 'configuration',
    advice: /enable the region for STS.*or set AWS_REGION/,
  },
];

test.each(causes)('$cause: $reason', async ({ arrange, source = privateSource(), ...expected }) => {
  await arrange();
  const { reason, message, advice } = await failureOf(makeFetcher().fetch(source));
  expect({ reason, message }).toStrictEqual({ reason: expected.reason, message: expected.message });
  expect(advice).toMatch(expected.advice);
  // Nothing goes on after a refusal.
  expect(scene.aws.count({ service: 'ecr' })).toBe(0);
});

test('there is a cause for every row of the table about roles by chaining', () => {
  const rows = stsRefusals.filter(({ at }) => at?.includes('AssumeRole'));
  expect(rowsWithout(causes, rows)).toStrictEqual([]);
});
