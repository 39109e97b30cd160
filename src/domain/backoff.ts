// How long to wait after a failure: exponential, with jitter, bounded. Used by the worker (per namespace), the token
// cache (per token) and the reflectors. Pure; the chance comes in as a number.

/** The shape of a back-off, in ms. */
export interface BackoffPolicy {
  /** The bound of the first delay. */
  readonly baseMs: number;
  /** No delay is longer. */
  readonly maxMs: number;
}

/**
 * The delay before the next try, in ms: between half the bound and the bound, which doubles with each failure. (Half,
 * not zero, as the lower end: a delay near zero after many failures would be no back-off at all.)
 * @param failures how many there were in a row, at least 1
 * @param random evenly in [0, 1)
 */
export function backoffDelay(policy: BackoffPolicy, failures: number, random: number): number {
  const bound = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(failures - 1, 40));
  return bound / 2 + (bound / 2) * random;
}
