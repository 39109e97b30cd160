// What is known of one kind of object: its projected views by namespace. Filled by reflectors and by the answers to our own
// writes, read by cluster. An older version never replaces a newer one, so that a late event cannot undo what a write of
// ours has already told us. Where namespaces are looked at one by one, each is a part: what is not known of one part says
// nothing about the others.
import type { Change, ChangeOrigin, Watched } from '../controller/ports.ts';

/** What every view has. */
export interface Versioned {
  readonly resourceVersion: string;
}

/** The only part of a store that is filled by one list of the whole cluster. */
const wholeCluster = '';

/** The views of one kind. */
export class Store<View extends Versioned> implements Watched<View> {
  readonly #views = new Map<string, View>();
  readonly #listeners: ((change: Change<View>) => void)[] = [];
  readonly #complete = Promise.withResolvers<void>();
  /** Parts of which nothing was heard yet. */
  readonly #missing: Set<string>;
  readonly #refused = new Set<string>();

  /** @param parts the namespaces that are looked at one by one; none: the whole cluster at once */
  constructor(parts: readonly string[] = []) {
    this.#missing = new Set(parts.length === 0 ? [wholeCluster] : parts);
  }

  get synced(): boolean {
    return this.#missing.size === 0;
  }

  /** Resolves once every part is known, or known to be refused. */
  whenSynced(): Promise<void> {
    return this.#complete.promise;
  }

  get refused(): ReadonlySet<string> {
    return this.#refused;
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

  /** Takes over a complete list, which was true at `version`. @param part what it is a list of; default: the whole cluster */
  replace(views: ReadonlyMap<string, View>, version: string, part = wholeCluster): void {
    const origin = this.#missing.has(part) ? 'initial' : 'cluster';
    const wasRefused = this.#refused.delete(part);
    for (const key of this.#keysOf(part)) if (!views.has(key)) this.delete(key, version, origin);
    for (const [key, view] of views) this.put(key, view, origin);
    if (wasRefused) this.#tellAccess(part);
    this.#heardOf(part);
  }

  /** The API server does not let us look at a part: what is known of it may be wrong from now on. */
  refuse(part: string): void {
    if (this.#refused.has(part)) return;
    this.#refused.add(part);
    this.#tellAccess(part);
    this.#heardOf(part);
  }

  /** Doubts every version of a part: whatever comes next counts as newer. */
  reset(part = wholeCluster): void {
    for (const key of this.#keysOf(part)) {
      const view = this.#views.get(key);
      if (view !== undefined) this.#views.set(key, { ...view, resourceVersion: '' });
    }
  }

  #keysOf(part: string): readonly string[] {
    return part === wholeCluster ? [...this.#views.keys()] : [part];
  }

  #heardOf(part: string): void {
    this.#missing.delete(part);
    if (this.#missing.size === 0) this.#complete.resolve();
  }

  #tellAccess(key: string): void {
    const view = this.#views.get(key);
    this.#tell({ key, before: view, after: view, origin: 'access' });
  }

  #tell(change: Change<View>): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Versions are decimal numbers, comparable within a kind (KEP-5504; so they have always been with etcd). */
export function isNewer(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length;
}
