// What the tests of the AWS side begin with: the identities of the fake AWS's scene, and a fetcher in the environment of the
// test, as the program would make it. A fetcher knows no session when it is made.
import { vi } from 'vitest';
import { controllerRole, partnerRole, type Scene } from '../../rig/fake-aws/scene.ts';
import { AwsTokenFetcher } from '../../src/aws/fetchers.ts';
import type { ServiceAccountTokens } from '../../src/controller/ports.ts';
import type { ChainIdentity, DefaultIdentity } from '../../src/domain/identity.ts';

export const byWebIdentity: DefaultIdentity = {
  kind: 'default',
  roleArn: controllerRole.arn,
  profile: '',
  accessKeyId: '',
  sessionName: 'ecr-pull-secrets-test',
};

export const byPartner: ChainIdentity = {
  kind: 'chain',
  base: byWebIdentity,
  roleArn: partnerRole.arn,
  externalId: '',
  tags: {},
  sessionName: 'ecr-pull-secrets-partner',
};

/** Sets the variables for the test; `vi.unstubAllEnvs` takes them back. */
export function useEnvironment(variables: Scene['webIdentity']): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}

interface FetcherOptions {
  readonly timeoutMs?: number;
  readonly now?: () => number;
  readonly timeoutSignal?: (ms: number) => AbortSignal;
  readonly serviceAccountTokens?: ServiceAccountTokens;
}

const nobody: ServiceAccountTokens = {
  request: () => Promise.reject(new Error('this test has no ServiceAccounts')),
};

/** A fetcher in the environment that the test has set. */
export function makeFetcher({
  timeoutMs = 20_000,
  now = Date.now,
  timeoutSignal = (ms) => AbortSignal.timeout(ms),
  serviceAccountTokens = nobody,
}: FetcherOptions = {}): AwsTokenFetcher {
  return new AwsTokenFetcher({
    settings: { aws: { concurrency: 8, timeoutMs } },
    clock: { now, timeoutSignal },
    environment: { ...process.env },
    userAgent: 'ecr-pull-secrets/1.2.3',
    serviceAccountTokens,
  });
}
