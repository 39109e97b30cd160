// Which namespace is worked on next. A key is queued once however often it is added, never worked on twice at a time,
// and run again if it was added meanwhile. Urgent goes before routine. One timer waits for the earliest scheduled key.
// Filled by triggers, the token cache and the worker; emptied by the workers. It knows keys, not namespaces.
import { DeadlineHeap } from './deadline-heap.ts';
import type { Clock, Lane, Metrics, Timer } from './ports.ts';

/** The longest the timer sleeps before it reads the wall clock again, which may have jumped or stood still. In ms. */
const longestSleep = 10 * 60_000;

/** Clocks that are kept in time by small steps are left alone. In ms. */
const tolerance = 5_000;

type Waiter = (key: string | undefined) => void;

/** What a queue works with. */
export interface WorkQueueProps {
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'queueDepth'>;
  /**
   * So many routine keys are worked on at a time; the rest of the workers is kept for what is urgent, which then neither waits
   * for one nor queues up behind many at the API server. Default: no limit.
   */
  readonly routineAtMost?: number;
}

/** The keyed work queue. */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #metrics: Pick<Metrics, 'queueDepth'>;
  /** Insertion order is the order of work. A key is in at most one lane. */
  readonly #lanes: Readonly<Record<Lane, Set<string>>> = { urgent: new Set(), routine: new Set() };
  readonly #processing = new Set<string>();
  /** Keys that were added while being worked on, with the most urgent lane asked for. */
  readonly #again = new Map<string, Lane>();
  readonly #scheduled = new DeadlineHeap();
  /** The lane that a key was last taken from: where it waits again when a token it asked for has come. */
  readonly #lastLane = new Map<string, Lane>();
  readonly #waiters: Waiter[] = [];
  /** Scheduled keys that are tried again. */
  readonly #retries = new Set<string>();
  /** Wall clock minus monotonic clock when it was last looked at: it shrinks when the wall clock is set back. */
  #offset = 0;
  #timer: { readonly at: number; readonly timer: Timer } | undefined;
  readonly #routineAtMost: number;
  /** Those being worked on that came from the routine lane. */
  readonly #routineWork = new Set<string>();
  #closed = false;
  #paused = false;

  constructor({ clock, metrics, routineAtMost = Infinity }: WorkQueueProps) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#routineAtMost = routineAtMost;
  }

  /** Asks for the key to be worked on as soon as a worker is free. */
  add(key: string, lane: Lane): void {
    if (this.#closed) return;
    if (this.#processing.has(key)) {
      if (this.#again.get(key) !== 'urgent') this.#again.set(key, lane);
      return;
    }
    if (this.#lanes.urgent.has(key) || this.#lanes[lane].has(key)) return;
    this.#lanes.routine.delete(key);
    this.#lanes[lane].add(key);
    this.#report();
    this.#dispatch();
  }

  /** Asks for the key to be worked on at `at` (ms since the epoch), routine. The newest time replaces an older one. */
  addAt(key: string, at: number): void {
    if (this.#closed) return;
    this.#retries.delete(key);
    if (at === Infinity) this.#scheduled.delete(key);
    else this.#scheduled.set(key, at);
    this.#arm();
  }

  /** As `addAt`, but as urgent as the key was before: it was not done with what it was taken for. */
  retryAt(key: string, at: number): void {
    this.addAt(key, at);
    this.#retries.add(key);
  }

  /** Asks for the key to be worked on again, as urgent as it was before. */
  wake(key: string): void {
    this.add(key, this.#lastLane.get(key) ?? 'routine');
  }

  /** Takes back a scheduled time, and everything else that is known about a key that is gone. */
  forget(key: string): void {
    this.#scheduled.delete(key);
    this.#retries.delete(key);
    this.#lastLane.delete(key);
  }

  /** The next key, when there is one; undefined once the queue is closed. Each key taken must be given back by `done`. */
  next(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#dispatch();
    });
  }

  /** Says that the work on the key has ended. */
  done(key: string): void {
    this.#processing.delete(key);
    const mayGoOn = this.#routineWork.delete(key);
    const lane = this.#again.get(key);
    this.#again.delete(key);
    if (lane !== undefined) this.add(key, lane);
    if (mayGoOn) this.#dispatch();
  }

  /** True when nothing is queued or being worked on; scheduled keys do not count. */
  get idle(): boolean {
    return this.#processing.size === 0 && this.#lanes.urgent.size === 0 && this.#lanes.routine.size === 0;
  }

  /** Keys are taken in but not handed out, until `resume`. */
  pause(): void {
    this.#paused = true;
  }

  /** Hands out what there is. */
  resume(): void {
    this.#paused = false;
    this.#dispatch();
  }

  /** Nothing more is handed out; those who wait get undefined. */
  close(): void {
    this.#closed = true;
    this.#timer?.timer.cancel();
    for (const resolve of this.#waiters.splice(0)) resolve(undefined);
  }

  #dispatch(): void {
    while (this.#waiters.length > 0) {
      const key = this.#closed || this.#paused ? undefined : this.#take();
      if (key === undefined && !this.#closed) return;
      this.#waiters.shift()?.(key);
    }
  }

  #take(): string | undefined {
    for (const lane of ['urgent', 'routine'] as const) {
      if (lane === 'routine' && this.#routineWork.size >= this.#routineAtMost) return undefined;
      for (const key of this.#lanes[lane]) {
        if (lane === 'routine') this.#routineWork.add(key);
        this.#lanes[lane].delete(key);
        this.#processing.add(key);
        this.#lastLane.set(key, lane);
        this.#report();
        return key;
      }
    }
    return undefined;
  }

  #arm(): void {
    const at = this.#scheduled.peek();
    if (at === undefined || (this.#timer !== undefined && this.#timer.at <= at)) return;
    this.#timer?.timer.cancel();
    this.#offset = this.#clock.now() - this.#clock.monotonic();
    const sleep = Math.min(longestSleep, Math.max(0, at - this.#clock.now()));
    this.#timer = { at, timer: this.#clock.setTimer(sleep, () => this.#wake()) };
  }

  #wake(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    // Times that were computed by a clock that ran ahead lie too far in the future: everything is looked at anew.
    const setBack = now - this.#clock.monotonic() < this.#offset - tolerance;
    for (const key of this.#scheduled.takeDue(setBack ? Infinity : now)) {
      if (this.#retries.delete(key)) this.wake(key);
      else this.add(key, 'routine');
    }
    this.#arm();
  }

  #report(): void {
    this.#metrics.queueDepth('urgent', this.#lanes.urgent.size);
    this.#metrics.queueDepth('routine', this.#lanes.routine.size);
  }
}
