// The objects of one installation in the cluster: applied, brought to another set, and deleted again. Used by
// rig/installation only. It deletes only what it applied itself, and a namespace only when it made it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from '../control-plane/admin.ts';
import { resourcePath } from '../control-plane/resource-path.ts';
import type { Manifest } from './render-chart.ts';

/** How long a namespace of the same name may take to end, in ms. */
const terminationLimit = 60_000;

/** What is applied now, by path. */
export class AppliedObjects {
  readonly #admin: Admin;
  readonly #namespace: string;
  #paths: ReadonlySet<string> = new Set();
  #madeNamespace = false;

  constructor(admin: Admin, namespace: string) {
    this.#admin = admin;
    this.#namespace = namespace;
  }

  /** Applies these and deletes those of before that are not among them. */
  async become(manifests: readonly Manifest[]): Promise<void> {
    await this.#ensureNamespace();
    const former = this.#paths;
    const wanted = new Set(manifests.map(resourcePath));
    // Remembered before the first request: a failure half-way must still be removable.
    this.#paths = new Set([...former, ...wanted]);
    for (const manifest of manifests) await this.#admin.apply(manifest);
    for (const path of former) if (!wanted.has(path)) await this.#delete(path);
    this.#paths = wanted;
  }

  async remove(): Promise<void> {
    for (const path of this.#paths) await this.#delete(path);
    this.#paths = new Set();
    if (this.#madeNamespace) await this.#admin.deleteNamespace(this.#namespace);
    this.#madeNamespace = false;
  }

  async #ensureNamespace(): Promise<void> {
    const path = `/api/v1/namespaces/${this.#namespace}`;
    const deadline = Date.now() + terminationLimit;
    let found = await this.#admin.get(path);
    // The one of an installation that was just removed takes its time.
    while (found?.metadata.deletionTimestamp !== undefined && Date.now() < deadline) {
      await sleep(50);
      found = await this.#admin.get(path);
    }
    if (found !== undefined) return;
    await this.#admin.createNamespace(this.#namespace);
    this.#madeNamespace = true;
  }

  async #delete(path: string): Promise<void> {
    const { status } = await this.#admin.request({ method: 'DELETE', path });
    if (status >= 300 && status !== 404) throw new Error(`DELETE ${path}: HTTP ${status}`);
  }
}
