// What the tests of the AWS side begin with: the identities of the fake AWS's scene, and a fetcher in the environment of the
// test, as the program would make it. A fetcher knows no session when it is made.
import { inspect } from 'node:util';
import { expect, vi } from 'vitest';
import { controllerRole, partnerRole, type Scene, staticKey } from '../../rig/fake-aws/scene.ts';
import { AwsTokenFetcher } from '../../src/aws/fetchers.ts';
import type { ServiceAccountTokens } from '../../src/controller/ports.ts';
import type { Refusal } from '../../src/aws/refusal.ts';
import { FetchFailure, type FetchFailureReason } from '../../src/domain/errors.ts';
import type { ChainIdentity, DefaultIdentity, Identity } from '../../src/domain/identity.ts';
import type { TokenSource } from '../../src/domain/token.ts';

export const byWebIdentity: DefaultIdentity = {
  kind: 'default',
  roleArn: controllerRole.arn,
  profile: '',
  accessKeyId: '',
  sessionName: 'ecr-pull-secrets-test',
};

/** Whatever the default chain finds that is no web identity. */
export const byChain: DefaultIdentity = { ...byWebIdentity, roleArn: '' };

export const byKey: DefaultIdentity = { ...byChain, accessKeyId: staticKey.accessKeyId };

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

/** A token of private ECR. */
export const privateSource = (identity: Identity = byWebIdentity, region = 'eu-west-1'): TokenSource => ({
  identity,
  service: 'private',
  region,
});

/** What JWTs and ECR passwords, session tokens, access keys and the example secret begin with. */
const secrets = /eyJ|IQoJ|ASIA|AKIA|wJalr/;

/** How a fetch fails, having made sure that the failure may be logged whole. */
export async function failureOf(fetching: Promise<unknown>): Promise<FetchFailure> {
  const error: unknown = await fetching.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof FetchFailure)) throw new Error('no FetchFailure', { cause: error });
  expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(secrets);
  return error;
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

/** Why a fetch fails, and what is to be said then. */
export interface Cause {
  /** As the title of the test. */
  readonly cause: string;
  /** Brings it about. */
  readonly arrange: () => unknown;
  /** What is fetched; default: private, by the controller's own web identity. */
  readonly source?: TokenSource;
  /** The whole message. */
  readonly message: string;
  readonly reason: FetchFailureReason;
  readonly advice: RegExp;
}

/** The rows of a table of refusals that no cause is for. */
export const rowsWithout = (
  causes: readonly Pick<Cause, 'advice'>[],
  rows: readonly Refusal[],
): readonly Refusal[] => rows.filter((row) => !causes.some(({ advice }) => advice.test(row.advice)));
