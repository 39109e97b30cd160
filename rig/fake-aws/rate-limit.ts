// A limit of calls per second, as a token bucket: what AWS has for each API. Used by behaviour, one for each rule that sets
// a limit. Does not know what is called, nor what the excess is told.

/** Admits so many calls at once, and as many again in each second. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #capacity: number;
  readonly #clock: () => number;
  #left: number;
  #filledAt: number;

  /** @param clock ms since the epoch */
  constructor(perSecond: number, clock: () => number) {
    this.#perSecond = perSecond;
    // Below one a second, a single call must fit all the same.
    this.#capacity = perSecond > 0 ? Math.max(1, perSecond) : 0;
    this.#clock = clock;
    this.#left = this.#capacity;
    this.#filledAt = clock();
  }

  /** Whether one more call may pass now; if so, it is counted. */
  admits(): boolean {
    const now = this.#clock();
    const refill = (Math.max(0, now - this.#filledAt) / 1000) * this.#perSecond;
    this.#left = Math.min(this.#capacity, this.#left + refill);
    this.#filledAt = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
