// Time that passes as fast as the work in it: the Clock of the simulation. Timers fire in their order; between two of them
// everything that was waiting for the first one comes to rest. Chance comes from a seed, so a run can be repeated.
import type { Clock, Timer } from '../../src/controller/ports.ts';

/** A source of chance that gives the same numbers for the same seed (mulberry32). */
export function seededChance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Entry {
  readonly at: number;
  /** Timers of the same moment fire in the order they were set. */
  readonly order: number;
  readonly action: () => void;
}

/** The clock. */
export class VirtualClock implements Clock {
  readonly random: () => number;
  readonly #startedAt: number;
  #now: number;
  #order = 0;
  /** A binary heap. */
  readonly #heap: Entry[] = [];
  readonly #cancelled = new Set<Entry>();

  constructor(props: { readonly now: number; readonly random: () => number }) {
    this.#now = props.now;
    this.#startedAt = props.now;
    this.random = props.random;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#startedAt;
  }

  setTimer(ms: number, action: () => void): Timer {
    const entry = { at: this.#now + Math.max(0, ms), order: (this.#order += 1), action };
    this.#push(entry);
    return { cancel: () => void this.#cancelled.add(entry) };
  }

  timeoutSignal(ms: number): AbortSignal {
    const controller = new AbortController();
    this.setTimer(ms, () => controller.abort());
    return controller.signal;
  }

  /** Resolves when `ms` have passed. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.setTimer(ms, resolve));
  }

  /** Does it again and again, about every `ms`, by chance. */
  every(ms: number, action: () => void): void {
    this.setTimer(ms * (0.5 + this.random()), () => {
      action();
      this.every(ms, action);
    });
  }

  /** Lets time pass until `end`; after each moment at which something happened, `afterStep` may look at the world. */
  async runUntil(end: number, afterStep: () => void): Promise<void> {
    await settle();
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#pop();
      if (this.#cancelled.delete(next)) continue;
      this.#now = Math.max(this.#now, next.at);
      next.action();
      await settle();
      afterStep();
    }
    this.#now = Math.max(this.#now, end);
  }

  #push(entry: Entry): void {
    let index = this.#heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#heap[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      this.#heap[index] = above;
      index = parent;
    }
    this.#heap[index] = entry;
  }

  #pop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const [a, b] = [this.#heap[left], this.#heap[left + 1]];
      const child = a !== undefined && b !== undefined && isBefore(b, a) ? left + 1 : left;
      const below = this.#heap[child];
      if (below === undefined || !isBefore(below, last)) break;
      this.#heap[index] = below;
      index = child;
    }
    this.#heap[index] = last;
  }
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** The next turn of the event loop comes when every promise that could go on has gone on. */
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
