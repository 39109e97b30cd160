// One process on one machine of the simulation: its clocks, which jump and stand still, and its life, which ends without goodbye.
// While it is frozen nothing of it runs; then all that is overdue does. It knows nothing of what runs on it.
import type { Clock, Timer } from '../../src/controller/ports.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** `stopped`: as by SIGSTOP, the clocks go on. `suspended`: with its machine, and the monotonic clock stands still. */
export type Freeze = 'stopped' | 'suspended';

/** What adding up fractions of ms may have cost. */
const rounding = 0.001;

interface Pending {
  /** By the monotonic clock. */
  readonly due: number;
  readonly action: () => void;
  cancelled: boolean;
}

/** The machine. */
export class Machine implements Clock {
  readonly name: string;
  readonly #world: VirtualClock;
  readonly #bootedAt: number;
  readonly #dead = new AbortController();
  /** How far the wall clock is off, in ms. */
  #skew = 0;
  /** For how long the monotonic clock has stood still, in ms. */
  #lag = 0;
  #frozen: { readonly how: Freeze; readonly at: number } | undefined;
  #overdue: Pending[] = [];
  #asleep: (() => void)[] = [];
  /** When something last went wrong with it, ms of the world's clock. */
  #troubleAt = -Infinity;

  constructor(world: VirtualClock, name: string) {
    this.#world = world;
    this.#bootedAt = world.now();
    this.name = name;
  }

  now(): number {
    return this.#world.now() + this.#skew;
  }

  monotonic(): number {
    const now = this.#frozen?.how === 'suspended' ? this.#frozen.at : this.#world.now();
    return now - this.#bootedAt - this.#lag;
  }

  setTimer(ms: number, action: () => void): Timer {
    const pending: Pending = { due: this.monotonic() + Math.max(0, ms), action, cancelled: false };
    this.#arm(pending);
    return { cancel: () => void (pending.cancelled = true) };
  }

  timeoutSignal(ms: number): AbortSignal {
    const controller = new AbortController();
    this.setTimer(ms, () => controller.abort());
    return controller.signal;
  }

  random(): number {
    return this.#world.random();
  }

  get frozen(): boolean {
    return this.#frozen !== undefined;
  }

  get alive(): boolean {
    return !this.#dead.signal.aborted;
  }

  /** Aborts when it dies. */
  get dead(): AbortSignal {
    return this.#dead.signal;
  }

  get troubleAt(): number {
    return this.frozen ? this.#world.now() : this.#troubleAt;
  }

  /** Something went wrong with it, or with one of its requests. */
  noteTrouble(): void {
    this.#troubleAt = this.#world.now();
  }

  /** Resolves as soon as it runs: what comes from outside must wait for that. Never, when it is dead. */
  awake(): Promise<void> | void {
    if (!this.alive) return new Promise(() => undefined);
    if (this.frozen) return new Promise((resolve) => void this.#asleep.push(resolve));
  }

  /** It vanishes. */
  kill(): void {
    this.#dead.abort();
    [this.#overdue, this.#asleep] = [[], []];
  }

  /** The wall clock is set. */
  jump(ms: number): void {
    this.noteTrouble();
    this.#skew += ms;
  }

  async freeze(ms: number, how: Freeze): Promise<void> {
    this.#frozen = { how, at: this.#world.now() };
    await this.#world.sleep(ms);
    if (how === 'suspended') this.#lag += this.#world.now() - this.#frozen.at;
    this.#frozen = undefined;
    this.noteTrouble();
    // What came from outside goes before what was set here, or after it.
    if (this.random() < 0.5) this.#wakeSleepers();
    const overdue = this.#overdue.toSorted((one, other) => one.due - other.due);
    this.#overdue = [];
    for (const pending of overdue) this.#world.setTimer(0, () => this.#fire(pending));
    this.#world.setTimer(0, () => this.#wakeSleepers());
  }

  #wakeSleepers(): void {
    for (const wake of this.#asleep.splice(0)) wake();
  }

  #arm(pending: Pending): void {
    this.#world.setTimer(pending.due - this.monotonic(), () => this.#fire(pending));
  }

  #fire(pending: Pending): void {
    if (pending.cancelled || !this.alive) return;
    if (this.frozen) this.#overdue.push(pending);
    else if (pending.due > this.monotonic() + rounding) this.#arm(pending);
    else pending.action();
  }
}
