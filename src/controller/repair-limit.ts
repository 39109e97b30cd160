// How often a namespace may be repaired: a few times at once, then now and then. Somebody who undoes our writes as fast as we
// make them would otherwise keep us and the API server busy for ever. Secret and ServiceAccounts have a limit each. Asked by
// serve.

/** Repairs that may follow each other at once. */
const burst = 5;

/** After these, one in so many ms. */
const interval = 2 * 60_000;

interface Allowance {
  readonly left: number;
  /** ms since the epoch. */
  readonly at: number;
}

/** What is repaired. */
export type RepairKind = 'secret' | 'attach';

/** The limit, by namespace and what is repaired. */
export class RepairLimit {
  readonly #allowances: Readonly<Record<RepairKind, Map<string, Allowance>>> = {
    secret: new Map(),
    attach: new Map(),
  };

  /** When the next repair may be made, ms since the epoch; `now` or earlier: at once. */
  nextAt(namespace: string, kind: RepairKind, now: number): number {
    const left = this.#left(namespace, kind, now);
    return left >= 1 ? now : now + Math.ceil((1 - left) * interval);
  }

  /** Takes note of a repair. */
  count(namespace: string, kind: RepairKind, now: number): void {
    const left = Math.max(0, this.#left(namespace, kind, now) - 1);
    this.#allowances[kind].set(namespace, { left, at: now });
  }

  forget(namespace: string): void {
    for (const allowances of Object.values(this.#allowances)) allowances.delete(namespace);
  }

  #left(namespace: string, kind: RepairKind, now: number): number {
    const allowances = this.#allowances[kind];
    const { left, at } = allowances.get(namespace) ?? { left: burst, at: now };
    // The clock was set back: counted from now on, not from a moment that may be a day ahead.
    if (now < at) allowances.set(namespace, { left, at: now });
    return Math.min(burst, left + Math.max(0, now - at) / interval);
  }
}
