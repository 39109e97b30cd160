// What is known of one kind of object: its projected views by key. Filled by a reflector and by the answers to our own
// writes, read by cluster. An older version never replaces a newer one, so that a late event cannot undo what a write of
// ours has already told us.
import type { Change, ChangeOrigin, Watched } from '../controller/ports.ts';

/** What every view has. */
export interface Versioned {
  readonly resourceVersion: string;
}

/** The views of one kind. */
export class Store<View extends Versioned> implements Watched<View> {
  readonly #views = new Map<string, View>();
  readonly #listeners: ((change: Change<View>) => void)[] = [];
  readonly #complete = Promise.withResolvers<void>();
  #synced = false;

  get synced(): boolean {
    return this.#synced;
  }

  /** Resolves once a complete list has arrived. */
  whenSynced(): Promise<void> {
    return this.#complete.promise;
  }

  get(key: string): View | undefined {
    return this.#views.get(key);
  }

  keys(): Iterable<string> {
    return this.#views.keys();
  }

  onChange(listener: (change: Change<View>) => void): void {
    this.#listeners.push(listener);
  }

  /** Takes over a view, unless a newer one is here. */
  put(key: string, view: View, origin: ChangeOrigin): void {
    const before = this.#views.get(key);
    if (before !== undefined && !isNewer(view.resourceVersion, before.resourceVersion)) return;
    this.#views.set(key, view);
    this.#tell({ key, before, after: view, origin });
  }

  /** Forgets an object that was deleted at `version`, unless a newer one has taken its place. */
  delete(key: string, version: string, origin: ChangeOrigin): void {
    const before = this.#views.get(key);
    if (before === undefined || isNewer(before.resourceVersion, version)) return;
    this.#views.delete(key);
    this.#tell({ key, before, after: undefined, origin });
  }

  /** Takes over a complete list, which was true at `version`. */
  replace(views: ReadonlyMap<string, View>, version: string): void {
    const origin = this.#synced ? 'cluster' : 'initial';
    for (const key of this.#views.keys()) if (!views.has(key)) this.delete(key, version, origin);
    for (const [key, view] of views) this.put(key, view, origin);
    this.#synced = true;
    this.#complete.resolve();
  }

  /** Doubts every version: whatever comes next counts as newer. */
  reset(): void {
    for (const [key, view] of this.#views) this.#views.set(key, { ...view, resourceVersion: '' });
  }

  #tell(change: Change<View>): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Versions are decimal numbers, comparable within a kind (KEP-5504; so they have always been with etcd). */
export function isNewer(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length;
}
