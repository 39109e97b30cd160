// The small ports of the controller in memory: log, metrics and Events that remember what they were told, and an AWS that
// answers when the test says so. They check nothing themselves and know nothing of Kubernetes.
import { inspect } from 'node:util';
import type { Events, Log, LogFields, Metrics, TokenFetcher } from '../../src/controller/ports.ts';
import type { Problem } from '../../src/domain/errors.ts';
import type { Token, TokenSource } from '../../src/domain/token.ts';

/** One line of a log. */
export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that is kept. */
export class RecordedLog implements Log {
  readonly lines: Line[] = [];

  debug(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', message, fields });
  }

  info(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', message, fields });
  }

  warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', message, fields });
  }

  error(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', message, fields });
  }

  /** The lines of one level. */
  at(level: Line['level']): readonly Line[] {
    return this.lines.filter((line) => line.level === level);
  }

  /** How many lines have this message. */
  count(message: string): number {
    return this.lines.filter((line) => line.message === message).length;
  }

  /** Everything, as whoever prints deepest would print it. */
  get text(): string {
    return inspect(this.lines, { depth: Infinity, showHidden: true, maxStringLength: null });
  }
}

/** Metrics that are kept: counters by name and labels, gauges with their last value. */
export class RecordedMetrics implements Metrics {
  /** Such as `reconciled blocked` → 2. */
  readonly counts = new Map<string, number>();
  readonly depths = new Map<string, number>();
  /** Seconds since the epoch, by namespace. */
  readonly expiries = new Map<string, number>();
  /** The problems of each namespace that has some. */
  readonly problems = new Map<string, readonly string[]>();
  /** The namespaces that keep their Secret only until its tokens have expired. */
  readonly departing = new Set<string>();
  /** How long each step or call took, in seconds. */
  readonly seconds: number[] = [];

  reconciled(...[outcome, seconds]: Parameters<Metrics['reconciled']>): void {
    this.#count('reconciled', outcome);
    this.seconds.push(seconds);
  }

  wrote(...labels: Parameters<Metrics['wrote']>): void {
    this.#count('wrote', ...labels);
  }

  retried(...labels: Parameters<Metrics['retried']>): void {
    this.#count('retried', ...labels);
  }

  problem(...labels: Parameters<Metrics['problem']>): void {
    this.#count('problem', ...labels);
  }

  problemsOf(...[namespace, reasons]: Parameters<Metrics['problemsOf']>): void {
    if (reasons.size === 0) this.problems.delete(namespace);
    else this.problems.set(namespace, [...reasons]);
  }

  bug(): void {
    this.#count('bug');
  }

  fetched(...[result, seconds]: Parameters<Metrics['fetched']>): void {
    this.#count('fetched', result);
    this.seconds.push(seconds);
  }

  queueDepth(...[lane, depth]: Parameters<Metrics['queueDepth']>): void {
    this.depths.set(lane, depth);
  }

  secretExpiry(...[namespace, expires]: Parameters<Metrics['secretExpiry']>): void {
    if (expires === undefined) this.expiries.delete(namespace);
    else this.expiries.set(namespace, expires);
  }

  leading(): void {}

  leaving(...[namespace, leaving]: Parameters<Metrics['leaving']>): void {
    if (leaving) this.departing.add(namespace);
    else this.departing.delete(namespace);
  }

  watchStarted(...[resource, afterFailure]: Parameters<Metrics['watchStarted']>): void {
    this.#count('watch-started', resource, String(afterFailure));
  }

  watchHeard(...[resource]: Parameters<Metrics['watchHeard']>): void {
    this.#count('watch-heard', resource);
  }

  /** The counters as a plain object, for comparing them whole. */
  get all(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.counts);
  }

  #count(...parts: readonly string[]): void {
    const name = parts.join(' ');
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

/** Events that are kept. */
export class RecordedEvents implements Events {
  readonly warnings: { readonly namespace: string; readonly problem: Problem }[] = [];
  /** Namespaces that were done with. */
  readonly forgotten: string[] = [];

  warn(namespace: string, problem: Problem): void {
    this.warnings.push({ namespace, problem });
  }

  forget(namespace: string): void {
    this.forgotten.push(namespace);
  }
}

/** One call that AWS got. */
export interface FetchCall {
  readonly source: TokenSource;
  /** When it came, ms since some moment. */
  readonly at: number;
  readonly answer: (token: Token) => void;
  readonly fail: (error: unknown) => void;
}

/** AWS: each call stays open until the test settles it, unless `reply` does so at once. */
export class ModelFetcher implements TokenFetcher {
  readonly calls: FetchCall[] = [];
  inFlight = 0;
  mostInFlight = 0;
  /** Settles each call as it comes; undefined: it stays open. What it throws is the failure. */
  reply: ((source: TokenSource) => Token) | undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  async fetch(source: TokenSource): Promise<Token> {
    const { promise, resolve, reject } = Promise.withResolvers<Token>();
    this.calls.push({ source, at: this.#now(), answer: resolve, fail: reject });
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    try {
      return await (this.reply === undefined ? promise : this.reply(source));
    } finally {
      this.inFlight -= 1;
    }
  }

  /** The newest call. */
  get last(): FetchCall {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error('AWS was not asked');
    return call;
  }
}
