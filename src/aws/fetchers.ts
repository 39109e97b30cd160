// The TokenFetcher port: credentials of the identity, then one call to the service of the registry. Made by app, called
// by the token cache only. A new service is a row of `calls`. The SDK is loaded by the first fetch.
import type { Clock, ServiceAccountTokens, TokenFetcher } from '../controller/ports.ts';
import { FetchFailure } from '../domain/errors.ts';
import type { RegistryService } from '../domain/registry.ts';
import type { Token, TokenSource } from '../domain/token.ts';
import type { ClientProps } from './client-settings.ts';
import { Sessions } from './credentials.ts';
import { callEcr } from './ecr.ts';
import { callEcrPublic } from './ecr-public.ts';
import type { IssuedToken, TokenCall } from './issued-token.ts';

const calls = { private: callEcr, public: callEcrPublic } satisfies Record<
  RegistryService,
  (call: TokenCall) => Promise<IssuedToken>
>;

interface AwsTokenFetcherProps extends ClientProps {
  readonly clock: Pick<Clock, 'now' | 'timeoutSignal'>;
  readonly serviceAccountTokens: ServiceAccountTokens;
}

/** Fetches tokens from AWS. */
export class AwsTokenFetcher implements TokenFetcher {
  readonly #props: AwsTokenFetcherProps;
  readonly #sessions: Sessions;

  constructor(props: AwsTokenFetcherProps) {
    this.#props = props;
    this.#sessions = new Sessions({ ...props, now: () => props.clock.now() });
  }

  async fetch({ identity, service, region }: TokenSource): Promise<Token> {
    const { settings, userAgent, environment, clock } = this.#props;
    const { timeoutMs } = settings.aws;
    const credentials = await this.#sessions.get(identity, region, clock.timeoutSignal(timeoutMs));
    // Rounded up to whole seconds, as the Secret's annotation holds it; the life of the token is never overstated.
    const issued = Math.ceil(clock.now() / 1_000);
    try {
      const signal = clock.timeoutSignal(timeoutMs);
      const call = { region, credentials, settings, userAgent, environment, signal };
      return { issued, ...(await calls[service](call)) };
    } catch (error) {
      // Only what AWS refused is forgotten: throttling by ECR shall not cost STS calls as well.
      if (error instanceof FetchFailure && error.reason === 'denied') this.#sessions.drop(identity, region);
      throw error;
    }
  }
}
