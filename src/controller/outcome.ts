// What one step of reconcile can end in. Steps say what happened; only controller/worker decides what follows.
import type { Action } from '../domain/plan.ts';
import type { WriteReason } from '../domain/checks.ts';
import type { Problem } from '../domain/errors.ts';

/** Something that was done in the cluster. */
export interface Done {
  readonly kind: Action['kind'];
  readonly description: string;
}

interface Step {
  /** What was done, in order. */
  readonly done: readonly Done[];
  /** Why the Secret was looked at closer; undefined when there was no need to write. */
  readonly reason?: WriteReason;
  /** What a person should know; the rest of the namespace is served all the same. */
  readonly problems: readonly Problem[];
}

export type Outcome =
  /** Nothing more to do for this key. */
  | (Step & { readonly kind: 'settled' })
  /** Tokens are under way; the token cache wakes the key. */
  | (Step & { readonly kind: 'awaiting'; readonly tokens: readonly string[] })
  /** Look again at `at`, ms since the epoch; Infinity: when an input changes. */
  | (Step & { readonly kind: 'recheck'; readonly at: number })
  /** A person must change something; the problems say what. */
  | (Step & { readonly kind: 'blocked' });
