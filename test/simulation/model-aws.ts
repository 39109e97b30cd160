// AWS in the simulation: the TokenFetcher port with latency, failures and outages, and the truth about every token it
// issued. It knows nothing of Kubernetes.
import type { TokenFetcher } from '../../src/controller/ports.ts';
import { FetchFailure } from '../../src/domain/errors.ts';
import { SecretText, type Token, type TokenSource, tokenKey } from '../../src/domain/token.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** The life of a token, in seconds. */
const life = 12 * 3_600;

/** Some calls fail all the time; in an outage all do. */
const failureRate = 0.1;

/** The modelled AWS. */
export class ModelAws implements TokenFetcher {
  readonly #clock: VirtualClock;
  /** Seconds since the epoch, by password. */
  readonly #expiries = new Map<string, number>();
  readonly #sources = new Set<string>();
  /** Successful and failed calls. */
  readonly calls = { ok: 0, failed: 0 };
  /** True while every call fails. */
  down = false;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** How many different tokens were ever asked for: (identity, service, region). */
  get distinctSources(): number {
    return this.#sources.size;
  }

  /** When a password stops opening the registry, in seconds since the epoch. @throws for one that AWS never issued */
  expiryOf(password: string): number {
    const expiry = this.#expiries.get(password);
    if (expiry === undefined) throw new Error('AWS never issued this password');
    return expiry;
  }

  async fetch(source: TokenSource): Promise<Token> {
    this.#sources.add(tokenKey(source));
    const issued = Math.ceil(this.#clock.now() / 1_000);
    await this.#clock.sleep(50 + 400 * this.#clock.random());
    if (this.down || this.#clock.random() < failureRate) {
      this.calls.failed += 1;
      throw new FetchFailure('unavailable', 'ecr: simulated failure', 'wait');
    }
    this.calls.ok += 1;
    const password = `token-${this.calls.ok}`;
    const expires = Math.floor(this.#clock.now() / 1_000) + life;
    this.#expiries.set(password, expires);
    return { username: 'AWS', password: new SecretText(password), issued, expires };
  }
}
