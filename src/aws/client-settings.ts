// What every AWS client of ours has in common. Used by sts, default-chain, ecr and ecr-public. Everything else comes the AWS
// way, from the environment: endpoints, FIPS, dual-stack.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { FetchFailure } from '../domain/errors.ts';
import type { Settings } from '../domain/settings.ts';

/** The variables of the process, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the clients are told by whoever made the fetcher. */
export interface ClientProps {
  readonly settings: Pick<Settings, 'aws'>;
  /** `ecr-pull-secrets/<version>`, as CloudTrail shows it. */
  readonly userAgent: string;
  /** For HTTPS_PROXY, HTTP_PROXY and NO_PROXY, of which the SDK itself knows nothing. */
  readonly environment: Environment;
}

/**
 * The settings of a client for `region`. One attempt: the token cache is the only back-off. The time-out of the request
 * must be made to throw, else the SDK only warns; a socket time-out ends an answer that stalls half-way. The agents end
 * with the client; where the client is out of reach, by `closeAgents`.
 * @throws FetchFailure
 */
export function clientSettings(region: string, { settings: { aws }, userAgent, environment }: ClientProps) {
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
      ...agents(environment),
    },
  } as const;
}

function agents(environment: Environment) {
  try {
    return {
      httpAgent: new HttpAgent({ proxyEnv: environment }),
      httpsAgent: new HttpsAgent({ proxyEnv: environment }),
    };
  } catch {
    // The error quotes the URL, with its login.
    throw new FetchFailure(
      'configuration',
      'proxy settings: ERR_PROXY_INVALID_CONFIG',
      'HTTPS_PROXY or HTTP_PROXY is not the URL of a proxy, such as http://proxy.example.com:3128',
    );
  }
}

/** Ends the connections of settings whose client somebody else made. */
export function closeAgents({ requestHandler }: ReturnType<typeof clientSettings>): void {
  requestHandler.httpAgent.destroy();
  requestHandler.httpsAgent.destroy();
}
