// The TokenFetcher port: credentials of the identity, then one call to the service of the registry. Made by app, called
// by the token cache only. A new service is a row of `calls`. The SDK is loaded by the first fetch.
import type { Clock, TokenFetcher } from '../controller/ports.ts';
import type { RegistryService } from '../domain/registry.ts';
import type { Settings } from '../domain/settings.ts';
import type { Token, TokenSource } from '../domain/token.ts';
import { Sessions } from './credentials.ts';
import { type IssuedToken, type TokenCall, callEcr } from './ecr.ts';

const calls = { private: callEcr } satisfies Record<
  RegistryService,
  (call: TokenCall) => Promise<IssuedToken>
>;

interface AwsTokenFetcherProps {
  readonly settings: Pick<Settings, 'aws'>;
  readonly clock: Pick<Clock, 'now' | 'timeoutSignal'>;
  /** AWS_REGION; undefined when not set. */
  readonly region: string | undefined;
}

/** Fetches tokens from AWS. */
export class AwsTokenFetcher implements TokenFetcher {
  readonly #props: AwsTokenFetcherProps;
  readonly #sessions: Sessions;

  constructor(props: AwsTokenFetcherProps) {
    const { settings, clock, region } = props;
    this.#props = props;
    this.#sessions = new Sessions({ settings, region, now: () => clock.now() });
  }

  async fetch({ identity, service, region }: TokenSource): Promise<Token> {
    const { settings, clock } = this.#props;
    const { timeoutMs } = settings.aws;
    const credentials = await this.#sessions.get(identity, region, clock.timeoutSignal(timeoutMs));
    // Rounded up to whole seconds, as the Secret's annotation holds it; the life of the token is never overstated.
    const issued = Math.ceil(clock.now() / 1_000);
    try {
      const signal = clock.timeoutSignal(timeoutMs);
      return { issued, ...(await calls[service]({ region, credentials, settings, signal })) };
    } catch (error) {
      this.#sessions.drop(identity, region);
      throw error;
    }
  }
}
