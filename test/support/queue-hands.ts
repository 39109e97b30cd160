// Hands that take keys from a work queue and hold each until the test says that its work has ended: what a queue hands
// out, in which order, and what is worked on at the same time. It checks nothing.
import type { WorkQueue } from '../../src/controller/work-queue.ts';

/** Some hands at one queue. */
export class Hands {
  /** Every key that was handed out, in order. */
  readonly taken: string[] = [];
  /** The keys in hand. A key that two hands hold is here twice. */
  readonly held: string[] = [];
  /** Hands that were told that the queue is closed. */
  ended = 0;
  readonly #queue: WorkQueue;

  constructor(queue: WorkQueue) {
    this.#queue = queue;
  }

  /** One more free hand waits for a key. */
  reach(): void {
    void this.#wait();
  }

  /** The work on a key has ended; the hand rests. */
  end(key: string): void {
    this.held.splice(this.held.indexOf(key), 1);
    this.#queue.done(key);
  }

  /** Takes and ends one key after another, until there is none; no hand waits afterwards that did not before. */
  async empty(): Promise<readonly string[]> {
    const before = this.taken.length;
    for (let seen = -1; !this.#queue.idle && seen !== this.taken.length;) {
      seen = this.taken.length;
      if (this.held.length === 0) this.reach();
      await Promise.resolve();
      for (const key of this.held.slice()) this.end(key);
    }
    return this.taken.slice(before);
  }

  async #wait(): Promise<void> {
    const key = await this.#queue.next();
    if (key === undefined) {
      this.ended += 1;
      return;
    }
    this.taken.push(key);
    this.held.push(key);
  }
}
