// When a token and a Secret are to be replaced. Pure arithmetic on whole seconds (what the Secret's annotation holds),
// so that the moment computed before a restart and after it is the same.
import { createHash } from 'node:crypto';
import type { TokenTimes } from './token.ts';

/** How early tokens are replaced. */
export interface RefreshPolicy {
  /** The fraction of its life after which a token is due. */
  readonly atFraction: number;
  /** How far the Secrets of one token are spread, as a fraction of the time until it is due. */
  readonly spread: number;
  /** An upper bound of a token's age in seconds; null: none. */
  readonly maxAge: number | null;
}

/** No delay is shorter, whatever a token's life: a broken clock must not make a hot loop. In ms. */
export const shortestDelay = 1_000;

/** The fraction of its life after which a token that was not replaced is worth a warning. */
const loudFraction = 0.75;

/** When the token should be fetched anew, ms since the epoch. */
export function tokenDueAt({ issued, expires }: TokenTimes, policy: RefreshPolicy): number {
  const age = Math.min(policy.atFraction * Math.max(0, expires - issued), policy.maxAge ?? Infinity);
  return (issued + age) * 1_000;
}

/** When a Secret with these tokens should be rewritten, ms since the epoch: never before the earliest token is due. */
export function secretDueAt(tokens: Iterable<TokenTimes>, policy: RefreshPolicy, namespace: string): number {
  let earliest = Infinity;
  for (const token of tokens) {
    const due = tokenDueAt(token, policy);
    earliest = Math.min(earliest, due + policy.spread * (due - token.issued * 1_000) * placeOf(namespace));
  }
  return earliest;
}

/** When a token that was not replaced becomes a warning, ms since the epoch. */
export function tokenLoudAt({ issued, expires }: TokenTimes): number {
  return (issued + loudFraction * Math.max(0, expires - issued)) * 1_000;
}

/** The namespace's place in [0, 1): the same in every process, even over many names. */
function placeOf(namespace: string): number {
  return createHash('sha256').update(namespace).digest().readUInt32BE(0) / 2 ** 32;
}
