// What one step of reconcile can end in. Steps say what happened; only controller/worker decides what follows.
import type { WriteReason } from '../domain/checks.ts';
import { Blocked, NamespaceGone, type Problem, Retryable } from '../domain/errors.ts';
import type { Action } from '../domain/plan.ts';

/** Something that was done in the cluster. */
export interface Done {
  readonly kind: Action['kind'];
  /** In the imperative, such as `create Secret …`. */
  readonly description: string;
}

interface Step {
  /** What was done, in order. */
  readonly done: readonly Done[];
  /** What a person should know; the rest of the namespace is served all the same. */
  readonly problems: readonly Problem[];
  /** Why the Secret was looked at closer; absent when there was no need to write. */
  readonly reason?: WriteReason | undefined;
}

export type Outcome =
  /** Nothing more to do for this key. */
  | (Step & { readonly kind: 'settled' })
  /** Tokens are under way; the token cache wakes the key. */
  | (Step & { readonly kind: 'awaiting'; readonly tokens: readonly string[] })
  /**
   * Look again at `at`, ms since the epoch; Infinity: when an input changes. `leaving`: the namespace is no longer selected,
   * and keeps its Secret until then.
   */
  | (Step & { readonly kind: 'recheck'; readonly at: number; readonly leaving?: boolean })
  /** A person must change something; the problems say what. `at`: the rest is due then, ms since the epoch. */
  | (Step & { readonly kind: 'blocked'; readonly at?: number })
  /** The API server could not do it now. */
  | (Step & { readonly kind: 'retry'; readonly failure: Retryable });

/** What an error of the Cluster port means. @throws the error itself when it is none of theirs: a bug */
export function outcomeOf(error: unknown, done: readonly Done[] = []): Outcome {
  if (error instanceof Retryable) return { kind: 'retry', failure: error, done, problems: [] };
  if (error instanceof Blocked) return { kind: 'blocked', done, problems: [error.problem] };
  if (error instanceof NamespaceGone) return { kind: 'settled', done, problems: [] };
  throw error;
}
