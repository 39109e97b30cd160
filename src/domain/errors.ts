// What can go wrong, in the words of the controller: the adapters translate every failure into one of these at
// their door, and controller/worker decides what follows from it. A message here is safe to log: it never holds a
// response body, a token or a password.

/** Why a namespace is not (fully) served: a closed set, used as Event reason and as metric label. */
export type ProblemReason =
  | 'AnnotationInvalid'
  | 'AnnotationUnknown'
  | 'NamespaceExcluded'
  | 'NoRegistries'
  | 'ProfileRefused'
  | 'IdentityRefused'
  | 'ServiceAccountRefused'
  | 'SecretForeign'
  | 'SecretRejected'
  | 'Forbidden'
  | 'Delayed'
  | 'Contested'
  | 'TokenUnavailable';

/** Something a person should know and can cure. */
export interface Problem {
  readonly reason: ProblemReason;
  /** What it concerns: an annotation key, a host, a ServiceAccount. */
  readonly subject: string;
  /** What is wrong and the cure; constant for the same problem, since Events fold repeats by it. */
  readonly note: string;
  /** When to look again by itself, ms since the epoch; absent: when an input changes. */
  readonly retryAt?: number;
  /** Until then nobody is bothered with it (ms since the epoch): there is time left in which it may pass by itself. */
  readonly quietUntil?: number;
}

/** The reasons of a retryable failure: a closed set, used as metric label. */
export type RetryReason = 'conflict' | 'throttled' | 'server-error' | 'network' | 'unauthorized';

/** The API server could not do it now; the same request may succeed later, on newly read state. */
export class Retryable extends Error {
  override readonly name = 'Retryable';
  readonly reason: RetryReason;
  /** How long the server asked us to wait, in ms; absent: the caller's own back-off. */
  readonly afterMs: number | undefined;

  constructor(reason: RetryReason, message: string, afterMs?: number) {
    super(message);
    this.reason = reason;
    this.afterMs = afterMs;
  }
}

/** Nothing we repeat will help until somebody changes something; the problem says what. */
export class Blocked extends Error {
  override readonly name = 'Blocked';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.note);
    this.problem = problem;
  }
}

/** The namespace is gone or going: there is nothing left to do, and that is no failure. */
export class NamespaceGone extends Error {
  override readonly name = 'NamespaceGone';
}

/** Why AWS gave no token: a closed set, used as metric label; it decides the back-off. */
export type FetchFailureReason =
  'denied' | 'throttled' | 'unavailable' | 'timeout' | 'invalid-answer' | 'configuration';

/** AWS gave no token. `message` and `advice` hold no AWS response text beyond its error code. */
export class FetchFailure extends Error {
  override readonly name = 'FetchFailure';
  readonly reason: FetchFailureReason;
  /** What a person should look at. */
  readonly advice: string;

  constructor(reason: FetchFailureReason, message: string, advice: string) {
    super(message);
    this.reason = reason;
    this.advice = advice;
  }
}
