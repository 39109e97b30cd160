// What every AWS client of ours has in common. Used by credentials and ecr. Everything else comes the AWS way, from the
// environment: endpoints, FIPS, dual-stack.
import type { Settings } from '../domain/settings.ts';

/** What the clients are told by whoever made the fetcher. */
export interface ClientProps {
  readonly settings: Pick<Settings, 'aws'>;
  /** `ecr-pull-secrets/<version>`, as CloudTrail shows it. */
  readonly userAgent: string;
}

/**
 * The settings of a client for `region`. One attempt: the token cache is the only back-off. The time-out of the request
 * must be made to throw, else the SDK only warns; a socket time-out ends an answer that stalls half-way.
 */
export function clientSettings(region: string, { settings: { aws }, userAgent }: ClientProps) {
  return {
    region,
    maxAttempts: 1,
    // Not `userAgentAppId`: the SDK turns the slash in it into a hyphen.
    customUserAgent: userAgent,
    requestHandler: {
      connectionTimeout: aws.timeoutMs,
      requestTimeout: aws.timeoutMs,
      socketTimeout: aws.timeoutMs,
      throwOnRequestTimeout: true,
    },
  } as const;
}
