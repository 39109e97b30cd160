// Everything the controller needs from outside, as narrow interfaces. app.ts plugs in the real ones, the simulation a
// virtual clock and a modelled cluster; the controller cannot tell the difference. Types only.
import type { WriteReason } from '../domain/checks.ts';
import type { DesiredSecret } from '../domain/desired-secret.ts';
import type { FetchFailureReason, Problem, RetryReason } from '../domain/errors.ts';
import type { NamespaceIdentity } from '../domain/identity.ts';
import type { SecretText, Token, TokenSource } from '../domain/token.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../domain/views.ts';

/** A timer that was set. */
export interface Timer {
  cancel(): void;
}

/** Time and chance. Nothing else in the program may ask for either. */
export interface Clock {
  /** The wall clock, ms since the epoch. It may jump. */
  now(): number;
  /** Ms since some moment; never jumps, but stands still while the machine sleeps. */
  monotonic(): number;
  /** Calls `action` once, after `ms`. */
  setTimer(ms: number, action: () => void): Timer;
  /** A signal that aborts after `ms`. */
  timeoutSignal(ms: number): AbortSignal;
  /** Evenly in [0, 1). */
  random(): number;
}

/** One request to the API server. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Of the body; default `application/json`. */
  readonly contentType?: string;
  /** `metadata`: the answer holds metadata only, never a Secret's data; `metadata-list`: of a list. Default `full`. */
  readonly representation?: 'full' | 'metadata' | 'metadata-list';
  /** Asked each time that it is about to be sent, however long it had to wait for a connection: false, and it is not. */
  readonly mayStart?: () => boolean;
}

/** An answer of the API server with a status below 300. */
export interface ApiAnswer {
  readonly status: number;
  /** The decoded JSON. */
  readonly body: unknown;
}

/** One line of a watch. */
export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

/**
 * The API server. Both methods fail with `ApiError` (kubernetes/errors) for any answer of 300 or more, and for a
 * connection that fails or takes too long.
 */
export interface Api {
  call(call: ApiCall): Promise<ApiAnswer>;
  /** Events as they come, until the server ends the watch or `signal` aborts (then it ends without an error). */
  watch(call: ApiCall, signal: AbortSignal): AsyncIterable<WatchEvent>;
}

/**
 * Where a change came from: the first complete list, the cluster later on, or the answer to a write of ours. `access`: nothing
 * changed but whether we may look.
 */
export type ChangeOrigin = 'initial' | 'cluster' | 'own' | 'access';

/** What changed in a store. `before` is absent for a new object, `after` for one that is gone. */
export interface Change<View> {
  readonly key: string;
  readonly before: View | undefined;
  readonly after: View | undefined;
  readonly origin: ChangeOrigin;
}

/** What is known of one kind of object, by key, kept by a reflector. */
export interface Watched<View> {
  get(key: string): View | undefined;
  keys(): Iterable<string>;
  /** True once a complete list has arrived, or the API server has refused it for the namespaces in `refused`. */
  readonly synced: boolean;
  /** The namespaces that the API server does not let us look at. */
  readonly refused: ReadonlySet<string>;
  onChange(listener: (change: Change<View>) => void): void;
}

/** Everything that is watched, each kept by namespace. */
export interface Stores {
  readonly namespaces: Watched<NamespaceView>;
  /** By the Secret's name: the present one and former ones. */
  readonly secrets: ReadonlyMap<string, Watched<SecretView>>;
  /** By the ServiceAccount's name. */
  readonly serviceAccounts: ReadonlyMap<string, Watched<ServiceAccountView>>;
}

/** The cluster as the controller sees it: looking costs nothing (it reads our stores), the rest is a request. */
export interface Cluster {
  /** What of a namespace the API server does not let us see, such as `secrets`; usually nothing. */
  hidden(namespace: string): readonly string[];
  namespace(name: string): NamespaceView | undefined;
  secret(namespace: string, name: string): SecretView | undefined;
  serviceAccount(namespace: string, name: string): ServiceAccountView | undefined;
  /**
   * The namespace as the API server has it at this moment; undefined when it is gone or the selector does not match it.
   * @throws Retryable, Blocked, NamespaceGone, as do all that follow
   */
  lookUpNamespace(name: string): Promise<NamespaceView | undefined>;
  /** The document of our Secret now; undefined when it is no longer the object that `seen` is, or no longer our data. */
  readDocument(seen: SecretView): Promise<SecretText | undefined>;
  /** Makes the Secret. @returns it as the answer has it; fails with Retryable `conflict` when somebody else was faster. */
  createSecret(namespace: string, name: string, desired: DesiredSecret): Promise<SecretView>;
  /** Rewrites the Secret in place, only if it is still exactly the object that `seen` is; else Retryable `conflict`. */
  updateSecret(seen: SecretView, desired: DesiredSecret): Promise<SecretView>;
  /** Deletes the Secret, only if it is still exactly the object that `seen` is; else Retryable `conflict`. */
  deleteSecret(seen: SecretView): Promise<void>;
  /** Appends the Secret to the `imagePullSecrets`, only if the object is still as `seen`; else Retryable `conflict`. */
  attach(seen: ServiceAccountView, secretName: string): Promise<void>;
  /** Removes the Secret from the `imagePullSecrets`, only if the object is still as `seen`; else Retryable `conflict`. */
  detach(seen: ServiceAccountView, secretName: string): Promise<void>;
}

/** Asks AWS for one token. @throws FetchFailure */
export interface TokenFetcher {
  fetch(source: TokenSource): Promise<Token>;
}

/** Tokens of ServiceAccounts, for AWS to verify; good for minutes and for the identity's audience only. */
export interface ServiceAccountTokens {
  /** @throws FetchFailure */
  request(identity: NamespaceIdentity): Promise<SecretText>;
}

/** Warnings where the tenant looks. Best effort: recording never fails and never waits. */
export interface Events {
  warn(namespace: string, problem: Problem): void;
  /** The namespace is done with: what is said of one of that name later is news. */
  forget(namespace: string): void;
}

/** Fields of a log line. Values are printed as they are, so never a token. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Structured log lines: a constant message, and what varies in the fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** The two lanes of the queue: urgent (something changed) goes before routine (something is due). */
export type Lane = 'urgent' | 'routine';

/** What became of one step: a closed set, used as metric label. */
export type OutcomeKind = 'settled' | 'awaiting' | 'recheck' | 'blocked' | 'retry' | 'bug';

/** The writes that there are: a closed set, used as metric label. */
export type WriteKind = 'create' | 'update' | 'delete' | 'attach' | 'detach';

/** Why something was written: a closed set, used as metric label. */
export type WriteCause = WriteReason | 'not-attached' | 'opted-out' | 'unselected' | 'renamed';

/** What is counted. Names, labels and help texts are in telemetry/metrics. */
export interface Metrics {
  reconciled(outcome: OutcomeKind, seconds: number): void;
  wrote(kind: WriteKind, reason: WriteCause): void;
  retried(reason: RetryReason): void;
  problem(reason: Problem['reason']): void;
  /** What a namespace has problems with now; empty: none. */
  problemsOf(namespace: string, reasons: ReadonlySet<Problem['reason']>): void;
  /** Something happened that nobody foresaw; the log has the stack. */
  bug(): void;
  fetched(result: 'ok' | FetchFailureReason, seconds: number): void;
  queueDepth(lane: Lane, depth: number): void;
  /** `expires`: seconds since the epoch; undefined when the Secret is gone. */
  secretExpiry(namespace: string, expires: number | undefined): void;
  /** Whether this process is the one that writes. */
  leading(leading: boolean): void;
  /** The namespace keeps its Secret only until its tokens have expired. */
  leaving(namespace: string, leaving: boolean): void;
  /** A watch began; `afterFailure`: it, or the list before it, had failed. */
  watchStarted(resource: string, afterFailure: boolean): void;
  /** Something was heard: an event, a bookmark, a list. `at`: ms since the epoch. */
  watchHeard(resource: string, at: number): void;
}
