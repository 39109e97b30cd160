// Takes keys from the queue, reconciles them, and folds what happened into queue, metrics, log and Events: the only
// place that decides about retries. As many loops run as there are workers; they share this object.
import { type BackoffPolicy, backoffDelay } from '../domain/backoff.ts';
import type { Problem, RetryReason } from '../domain/errors.ts';
import type { Outcome } from './outcome.ts';
import type { Clock, Events, Log, Metrics, OutcomeKind } from './ports.ts';
import type { WorkQueue } from './work-queue.ts';

/** After a failure of the API server; a conflict is usually cured by the next look. */
const retryBackoff: BackoffPolicy = { baseMs: 100, maxMs: 5 * 60_000 };

/** A blocked namespace is looked at when an input changes, and at least this often. In ms. */
const blockedRecheck = 60 * 60_000;

/** Failures of the API server that go on for longer than this are told as an Event. In ms. */
const lasting = 5 * 60_000;

/** What a worker works with. */
export interface WorkerProps {
  readonly queue: WorkQueue;
  readonly reconcile: (key: string) => Promise<Outcome>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'reconciled' | 'retried' | 'problem' | 'problemsOf' | 'leaving' | 'bug'>;
  readonly events: Events;
  /** Told what became of each step; for a pass that must know when it is over. */
  readonly onOutcome?: (key: string, outcome: Outcome | Bug) => void;
}

/** A step that failed in a way nobody foresaw. */
export interface Bug {
  readonly kind: 'bug';
  readonly error: unknown;
}

/** The worker. */
export class Worker {
  readonly #props: WorkerProps;
  /** Failures in a row, by key: how many, and since when (ms since the epoch). */
  readonly #failures = new Map<string, { readonly count: number; readonly since: number }>();
  /** The problems last reported, by key: the same ones again are not news. */
  readonly #reported = new Map<string, ReadonlyMap<string, Problem['reason']>>();

  constructor(props: WorkerProps) {
    this.#props = props;
  }

  /** Works until the queue is closed, on `count` keys at a time. */
  async run(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#loop()));
  }

  async #loop(): Promise<void> {
    const { queue } = this.#props;
    for (let key = await queue.next(); key !== undefined; key = await queue.next()) {
      await this.#step(key);
      queue.done(key);
    }
  }

  async #step(key: string): Promise<void> {
    const { reconcile, clock, metrics, onOutcome } = this.#props;
    const startedAt = clock.monotonic();
    const outcome = await reconcile(key).catch((error: unknown): Bug => ({ kind: 'bug', error }));
    metrics.reconciled(outcome.kind, (clock.monotonic() - startedAt) / 1_000);
    if (outcome.kind === 'bug') this.#logBug(key, outcome.error);
    else this.#report(key, outcome);
    this.#schedule(key, outcome);
    onOutcome?.(key, outcome);
  }

  /** Decides when the key is looked at again. */
  #schedule(key: string, outcome: Outcome | Bug): void {
    const { queue, clock, events } = this.#props;
    if (outcome.kind === 'retry' || outcome.kind === 'bug') {
      const { count } = this.#countFailure(key);
      const asked = outcome.kind === 'retry' ? (outcome.failure.afterMs ?? 0) : 0;
      // What the server asks for counts within reason: never below our own back-off, never beyond its bound.
      const delay = Math.max(asked, backoffDelay(retryBackoff, count, clock.random()));
      queue.retryAt(key, clock.now() + Math.min(delay, retryBackoff.maxMs));
      return;
    }
    this.#failures.delete(key);
    switch (outcome.kind) {
      case 'settled':
        if (outcome.problems.length === 0) events.forget(key);
        return queue.forget(key);
      case 'awaiting':
        return;
      case 'recheck':
        return queue.addAt(key, outcome.at);
      case 'blocked':
        return queue.addAt(key, Math.min(outcome.at ?? Infinity, clock.now() + blockedRecheck));
    }
  }

  #countFailure(key: string): { readonly count: number; readonly since: number } {
    const { count, since } = this.#failures.get(key) ?? { count: 0, since: this.#props.clock.now() };
    const failures = { count: count + 1, since };
    this.#failures.set(key, failures);
    return failures;
  }

  #report(key: string, outcome: Outcome): void {
    const { log, metrics } = this.#props;
    for (const { description } of outcome.done) {
      log.info('done', { namespace: key, what: description, reason: outcome.reason });
    }
    if (outcome.kind === 'retry') {
      const { reason, message, afterMs } = outcome.failure;
      metrics.retried(reason);
      log.warn('will be tried again', { namespace: key, reason, error: message, afterMs });
      this.#tellLasting(key, reason);
    }
    if (outcome.kind !== 'retry' && outcome.kind !== 'blocked') {
      metrics.leaving(key, outcome.kind === 'recheck' && outcome.leaving === true);
    }
    this.#reportProblems(key, outcome);
    const awaiting = outcome.kind === 'awaiting' ? outcome.tokens : undefined;
    log.debug('reconciled', { namespace: key, outcome: outcome.kind satisfies OutcomeKind, awaiting });
  }

  #tellLasting(key: string, reason: RetryReason): void {
    const { clock, events, metrics } = this.#props;
    const since = this.#failures.get(key)?.since ?? Infinity;
    if (clock.now() - since < lasting) return;
    metrics.problem('Delayed');
    const note = `for some minutes the API server has not let us do what is needed here (${reason}): it is tried again by itself; the log of the controller has the requests`;
    events.warn(key, { reason: 'Delayed', subject: reason, note });
  }

  #reportProblems(key: string, { kind, problems }: Outcome): void {
    const { log, metrics, events, clock } = this.#props;
    const before = this.#reported.get(key) ?? noProblems;
    const loud = problems.filter(({ quietUntil = 0 }) => quietUntil <= clock.now());
    const met = loud.map((problem) => [signatureOf(problem), problem.reason] as const);
    // A step that ended early did not look at everything: what it did not meet is not solved for that.
    const early = kind === 'awaiting' || kind === 'retry';
    const known = new Map(early ? [...before, ...met] : met);
    if (known.size === 0) this.#reported.delete(key);
    else this.#reported.set(key, known);
    metrics.problemsOf(key, new Set(known.values()));
    if (before.size > 0 && known.size === 0) log.info('problems are solved', { namespace: key });
    for (const problem of loud) {
      metrics.problem(problem.reason);
      events.warn(key, problem);
      const { reason, subject, note } = problem;
      if (!before.has(signatureOf(problem))) log.warn('problem', { namespace: key, reason, subject, note });
    }
  }

  #logBug(key: string, error: unknown): void {
    this.#props.metrics.bug();
    this.#props.log.error('unexpected error', { namespace: key, error });
  }
}

const noProblems: ReadonlyMap<string, Problem['reason']> = new Map();

const signatureOf = ({ reason, note }: Problem): string => `${reason} ${note}`;
