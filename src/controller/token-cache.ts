// The tokens, and the only place that asks AWS for them: one call at a time for each token (single flight), a bounded
// number in all, one back-off for each token. Nobody waits here: `peek` says what there is and starts what is missing;
// when a call settles, the keys that had asked are woken. Used by reconcile. It knows nothing of Secrets.
import { type BackoffPolicy, backoffDelay } from '../domain/backoff.ts';
import { FetchFailure, type FetchFailureReason } from '../domain/errors.ts';
import type { TokenState } from '../domain/plan.ts';
import { type RefreshPolicy, shortestDelay, tokenDueAt } from '../domain/refresh.ts';
import { type Token, type TokenSource, tokenKey } from '../domain/token.ts';
import { describeIdentity } from '../domain/identity.ts';
import { CallSlots } from './call-slots.ts';
import type { Clock, Log, Metrics, TokenFetcher } from './ports.ts';

/** What usually passes by itself is tried soon again; a denial lasts until somebody repairs a policy. */
const transient: BackoffPolicy = { baseMs: 1_000, maxMs: 5 * 60_000 };
const lasting: BackoffPolicy = { baseMs: 30_000, maxMs: 15 * 60_000 };

const backoffs: Readonly<Record<FetchFailureReason, BackoffPolicy>> = {
  throttled: transient,
  unavailable: transient,
  timeout: transient,
  'invalid-answer': transient,
  denied: lasting,
  configuration: lasting,
};

/** An entry without a valid token that nobody has asked for in so long is dropped, in ms. */
const unusedAfter = 60 * 60_000;

interface Entry {
  readonly source: TokenSource;
  token?: Token;
  /** When the token came, ms since the epoch. */
  fetchedAt: number;
  failure?: {
    readonly retryAt: number;
    readonly why: string;
    readonly count: number;
    readonly policy: BackoffPolicy;
  };
  pending: boolean;
  /** When it was last asked for, ms since the epoch. */
  askedAt: number;
  readonly waiting: Set<string>;
}

/** The token cache. */
export class TokenCache {
  readonly #props: TokenCacheProps;
  readonly #entries = new Map<string, Entry>();
  readonly #slots: CallSlots;

  constructor(props: TokenCacheProps) {
    this.#props = props;
    this.#slots = new CallSlots(props);
  }

  /**
   * What there is of this token now. Where it must be fetched anew, the call is started, and `waiter` is woken when it
   * has settled.
   */
  peek(source: TokenSource, waiter: string): TokenState {
    const now = this.#props.clock.now();
    const entry = this.#entryOf(source, now);
    entry.askedAt = now;
    const { token, failure } = entry;
    const usable = token !== undefined && now < token.expires * 1_000 ? { token } : {};
    // The floor keeps a token that is due the moment it comes from being fetched in a hot loop.
    const floor = entry.fetchedAt + shortestDelay;
    if (usable.token !== undefined && now < Math.max(tokenDueAt(usable.token, this.#props.refresh), floor)) {
      return { kind: 'fresh', token: usable.token };
    }
    if (!entry.pending && failure !== undefined && mustWait(failure, now)) {
      return { kind: 'failed', retryAt: failure.retryAt, why: failure.why, ...usable };
    }
    entry.waiting.add(waiter);
    if (!entry.pending) {
      entry.pending = true;
      this.#slots.add(source, waiter, () => this.#fetch(entry));
    }
    return { kind: 'pending', ...usable };
  }

  /** The token that is there, whether due or not; nothing is started. Undefined when there is none that is valid. */
  held(source: TokenSource): Token | undefined {
    const token = this.#entries.get(tokenKey(source))?.token;
    return token !== undefined && this.#props.clock.now() < token.expires * 1_000 ? token : undefined;
  }

  #entryOf(source: TokenSource, now: number): Entry {
    const key = tokenKey(source);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#dropUnused(now);
      entry = { source, fetchedAt: 0, pending: false, askedAt: now, waiting: new Set() };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** Namespaces come and go, and some have identities of their own. */
  #dropUnused(now: number): void {
    for (const [key, { token, pending, askedAt }] of this.#entries) {
      const valid = token !== undefined && now < token.expires * 1_000;
      if (!valid && !pending && now - askedAt > unusedAfter) this.#entries.delete(key);
    }
  }

  async #fetch(entry: Entry): Promise<{ readonly throttled: boolean }> {
    const { clock, fetcher, metrics, log } = this.#props;
    let throttled = false;
    const startedAt = clock.monotonic();
    const about = { identity: describeIdentity(entry.source.identity), region: entry.source.region };
    try {
      entry.token = refuseExpired(await fetcher.fetch(entry.source), clock.now());
      entry.fetchedAt = clock.now();
      delete entry.failure;
      metrics.fetched('ok', (clock.monotonic() - startedAt) / 1_000);
      log.info('token fetched', { ...about, expires: entry.token.expires });
    } catch (error) {
      // The fetcher translates all that it knows of; the text of anything else might hold what must not be seen.
      if (!(error instanceof FetchFailure)) metrics.bug();
      const failure = asFetchFailure(error);
      throttled = failure.reason === 'throttled';
      const policy = backoffs[failure.reason];
      // A denial after an outage is the first denial.
      const count = entry.failure?.policy === policy ? entry.failure.count + 1 : 1;
      const retryAt = clock.now() + backoffDelay(policy, count, clock.random());
      entry.failure = { retryAt, why: failure.advice, count, policy };
      metrics.fetched(failure.reason, (clock.monotonic() - startedAt) / 1_000);
      const { reason, message, advice } = failure;
      log.warn('no token', { ...about, reason, error: message, advice, count });
    }
    entry.pending = false;
    const woken = [...entry.waiting];
    entry.waiting.clear();
    for (const key of woken) this.#props.wake(key);
    return { throttled };
  }
}

/** What a token cache works with. */
export interface TokenCacheProps {
  readonly clock: Clock;
  readonly fetcher: TokenFetcher;
  readonly metrics: Pick<Metrics, 'fetched' | 'bug'>;
  readonly log: Log;
  readonly refresh: RefreshPolicy;
  /** AWS calls in flight at once. */
  readonly concurrency: number;
  /** Called with each key that had asked for a token whose call has settled. */
  readonly wake: (key: string) => void;
}

/** A wait that is longer than any is the work of a clock that was set back, perhaps the very cause of the failure. */
const mustWait = ({ retryAt, policy }: NonNullable<Entry['failure']>, now: number): boolean =>
  now < retryAt && retryAt - now <= policy.maxMs;

/** A token that has no second left when it comes would make a hot loop, and no pod could use it: a failure like others. */
function refuseExpired(token: Token, now: number): Token {
  if (token.expires * 1_000 >= now + shortestDelay) return token;
  throw new FetchFailure(
    'invalid-answer',
    'AWS issued a token that has already expired by our clock',
    'AWS issued a token that has already expired: check the clock of the node that the controller runs on',
  );
}

function asFetchFailure(error: unknown): FetchFailure {
  if (error instanceof FetchFailure) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return new FetchFailure(
    'unavailable',
    `unexpected ${name}`,
    'an unexpected error, see the log of the controller',
  );
}
