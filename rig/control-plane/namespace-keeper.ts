// A small stand-in for kube-controller-manager, where that binary cannot be had: gives each new namespace its `default`
// ServiceAccount, and empties and releases terminating ones. Used by control-plane only. It knows the kinds of
// resource-path only, and collects no other garbage.
import { setTimeout as sleep } from 'node:timers/promises';
import { Admin, type AdminAccess, type KubernetesObject } from './admin.ts';
import { collectionPaths } from './resource-path.ts';

const pollEvery = 200;

/** Looks after the namespaces until it is stopped. */
export class NamespaceKeeper {
  readonly #admin: Admin;
  readonly #stopping = new AbortController();
  readonly #served = new Set<string>();
  readonly #done: Promise<void>;

  constructor(access: AdminAccess) {
    this.#admin = new Admin(access);
    this.#done = this.#run();
  }

  /** Ends after the step under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
    await this.#admin.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      // The API server may be away for a while, in tests even on purpose.
      await this.#round().catch(() => undefined);
      await sleep(pollEvery, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #round(): Promise<void> {
    const list = await this.#admin.get<{ readonly items: readonly KubernetesObject[] }>('/api/v1/namespaces');
    for (const { metadata } of list?.items ?? []) {
      if (metadata.deletionTimestamp !== undefined) await this.#release(metadata.name);
      else if (!this.#served.has(metadata.uid ?? '')) await this.#serve(metadata.name, metadata.uid ?? '');
    }
  }

  async #serve(namespace: string, uid: string): Promise<void> {
    const { status } = await this.#admin.request({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts`,
      body: { metadata: { name: 'default' } },
    });
    if (status === 201 || status === 409) this.#served.add(uid);
  }

  async #release(namespace: string): Promise<void> {
    let left = 0;
    for (const path of collectionPaths(namespace)) {
      const { body } = await this.#admin.request({ method: 'DELETE', path });
      left += (body as { readonly items?: readonly unknown[] }).items?.length ?? 0;
    }
    // What has just been deleted may have finalizers: only an empty namespace goes.
    if (left > 0) return;
    await this.#admin.request({
      method: 'PUT',
      path: `/api/v1/namespaces/${namespace}/finalize`,
      body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace }, spec: { finalizers: [] } },
    });
  }
}
