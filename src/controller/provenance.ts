// What this process remembers of our Secrets beyond what stands on them: which object is ours, so that a label which somebody
// removes does not make it a stranger's; which version holds what we wrote, so that any other is worth a look; and where it was
// attached. Filled and asked by serve. It starts empty: after a restart, what stands in the cluster must do.
import type { SecretView } from '../domain/views.ts';

interface Remembered {
  readonly uid: string;
  /** The version whose content we know. */
  readonly knownVersion?: string;
}

/** The memory, by namespace. */
export class Provenance {
  readonly #secrets = new Map<string, Remembered>();
  readonly #attached = new Map<string, ReadonlySet<string>>();

  /** True when this very object was ours before. */
  isOurs({ namespace, uid }: SecretView): boolean {
    return this.#secrets.get(namespace)?.uid === uid;
  }

  /** True when there was a Secret of ours. */
  hadOne(namespace: string): boolean {
    return this.#secrets.has(namespace);
  }

  /** True when nobody but us has written this version. */
  isContentKnown({ namespace, uid, resourceVersion }: SecretView): boolean {
    const remembered = this.#secrets.get(namespace);
    return remembered?.uid === uid && remembered.knownVersion === resourceVersion;
  }

  /** It is ours, by what stands on it. */
  recognise(secret: SecretView): void {
    if (!this.isOurs(secret)) this.#secrets.set(secret.namespace, { uid: secret.uid });
  }

  /** It is ours, and holds what we wrote. */
  vouchFor({ namespace, uid, resourceVersion }: SecretView): void {
    this.#secrets.set(namespace, { uid, knownVersion: resourceVersion });
  }

  /** True when the ServiceAccount was seen with our entry. */
  wasAttached(namespace: string, serviceAccount: string): boolean {
    return this.#attached.get(namespace)?.has(serviceAccount) === true;
  }

  /** These ServiceAccounts have our entry now. */
  seeAttached(namespace: string, serviceAccounts: readonly string[]): void {
    const before = this.#attached.get(namespace) ?? new Set();
    if (serviceAccounts.every((name) => before.has(name))) return;
    this.#attached.set(namespace, new Set([...before, ...serviceAccounts]));
  }

  forget(namespace: string): void {
    this.#secrets.delete(namespace);
    this.#attached.delete(namespace);
  }
}
