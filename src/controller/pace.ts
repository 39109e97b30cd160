// How fast calls that count against one quota of AWS may begin: as fast as they come, until AWS throttles; then a little slower
// than what it has just let through, and carefully faster again. Used by call-slots, one for each account and region. It knows
// only moments (ms of the monotonic clock); it starts nothing and waits for nothing.

/** What AWS let through is looked at over this time, and nothing begins for as long after it has throttled. In ms. */
const window = 1_000;

/** Of what AWS let through, how much is asked for next. */
const caution = 0.9;

/** A paced call comes at least this often, in ms: a lower limit is a matter of each token's own back-off. */
const slowest = 1_000;

/** By how much the pace grows in a second without throttling. */
const growth = 1.01;

/** Not used for so long, what was learned is forgotten, in ms. */
const forgottenAfter = 60_000;

/** The pace of one quota. */
export class Pace {
  #starts: number[] = [];
  #throttles: number[] = [];
  /** Between two calls, in ms; 0: as they come. */
  #interval = 0;
  #pausedUntil = -Infinity;
  #lastStart = -Infinity;

  /** When the next call may begin. */
  nextAt(): number {
    return Math.max(this.#pausedUntil, this.#lastStart + this.#interval);
  }

  /** A call begins. */
  start(now: number): void {
    const seconds = Math.max(0, now - this.#lastStart) / 1_000;
    if (this.#interval > 0) this.#interval /= growth ** Math.min(seconds, forgottenAfter / 1_000);
    this.#lastStart = now;
    this.#starts = [...recent(this.#starts, now), now];
  }

  /** AWS has throttled a call. */
  throttle(now: number): void {
    this.#throttles = [...recent(this.#throttles, now), now];
    const passed = recent(this.#starts, now).length - this.#throttles.length;
    this.#interval = Math.min(slowest, window / Math.max(1e-9, passed * caution));
    this.#pausedUntil = now + window;
  }

  /** True when nothing that it knows matters any more. */
  isForgotten(now: number): boolean {
    const since = now - this.#lastStart;
    return now >= this.#pausedUntil && since > (this.#interval > 0 ? forgottenAfter : window);
  }
}

const recent = (moments: readonly number[], now: number): number[] =>
  moments.filter((moment) => now - moment < window);
