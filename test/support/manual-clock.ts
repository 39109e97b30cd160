// A clock that moves only when a test says so: the Clock port for unit and adapter tests. Timers fire in the order of
// their due times while `advance` runs, and what they set off may settle in between. It never looks at the real time.
import type { Clock, Timer } from '../../src/controller/ports.ts';

interface Pending {
  readonly dueAt: number;
  readonly action: () => void;
}

/** How a manual clock begins. */
export interface ManualClockOptions {
  /** Ms since the epoch. Default: a day in 2026. */
  readonly now?: number;
  /** What `random` gives: always this number, or these one after another and then from the first again. Default 0.5. */
  readonly random?: number | readonly number[];
}

/** Turns of the event loop that are granted after each timer; each one lets every promise that is ready settle. */
const settlingTurns = 3;

/** The clock. */
export class ManualClock implements Clock {
  /** What `random` gives from now on; see ManualClockOptions. */
  chance: number | readonly number[];
  #chances = 0;
  #wall: number;
  #monotonic = 1_000;
  readonly #pending = new Set<Pending>();

  constructor({ now = Date.UTC(2026, 2, 1, 12), random = 0.5 }: ManualClockOptions = {}) {
    this.#wall = now;
    this.chance = random;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  setTimer(ms: number, action: () => void): Timer {
    const timer: Pending = { dueAt: this.#monotonic + Math.max(0, ms), action };
    this.#pending.add(timer);
    return { cancel: () => void this.#pending.delete(timer) };
  }

  timeoutSignal(ms: number): AbortSignal {
    const controller = new AbortController();
    this.setTimer(ms, () => controller.abort(new DOMException('timed out', 'TimeoutError')));
    return controller.signal;
  }

  random(): number {
    if (typeof this.chance === 'number') return this.chance;
    const next = this.chance[this.#chances % this.chance.length];
    this.#chances += 1;
    return next ?? 0.5;
  }

  /** How long each timer that is set still has to run, in ms, the earliest first. */
  get timers(): readonly number[] {
    return [...this.#pending].map(({ dueAt }) => dueAt - this.#monotonic).toSorted((a, b) => a - b);
  }

  /** Lets `ms` pass on both clocks and fires what falls due, also what is set meanwhile. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    await this.settle();
    for (let next = this.#dueBy(end); next !== undefined; next = this.#dueBy(end)) {
      this.#moveTo(Math.max(next.dueAt, this.#monotonic));
      this.#pending.delete(next);
      next.action();
      await this.settle();
    }
    this.#moveTo(Math.max(end, this.#monotonic));
  }

  /** The wall clock is set, as by NTP or after the machine was suspended; no timer fires and monotonic time stays. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** Lets what is ready go on, without time passing. Answers from a network take longer: poll for those. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < settlingTurns; turn += 1) {
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  }

  #moveTo(monotonic: number): void {
    this.#wall += monotonic - this.#monotonic;
    this.#monotonic = monotonic;
  }

  /** The earliest timer that is due by then; of several at the same moment, the one set first. */
  #dueBy(end: number): Pending | undefined {
    let earliest: Pending | undefined;
    for (const timer of this.#pending) {
      if (timer.dueAt <= end && (earliest === undefined || timer.dueAt < earliest.dueAt)) earliest = timer;
    }
    return earliest;
  }
}
