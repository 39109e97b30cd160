// A team in the demo: it has a namespace, annotates it, and pulls images with the Secret that it finds there, as a kubelet
// would. It sees what any tenant sees, and nothing of the controller.
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject } from '../rig/control-plane/admin.ts';
import { type PullResult, pullImage } from '../rig/registry/pull-image.ts';
import type { Registry } from '../rig/registry/registry.ts';
import type { Stage } from '../rig/stage.ts';

/** The Secret as it was at one moment. */
export interface Snapshot {
  readonly uid: string;
  /** The content of `.dockerconfigjson`. */
  readonly document: string;
  /** ms since the epoch, by the Secret's annotation. */
  readonly expiresAt: number;
}

/** The longest that anything of this demo may take, in ms. */
const patience = 30_000;

/** The team. */
export class Tenant {
  readonly namespace: string;
  readonly #stage: Stage;

  private constructor(stage: Stage, namespace: string) {
    this.#stage = stage;
    this.namespace = namespace;
  }

  /** Gives the team a namespace. */
  static async arrive(stage: Stage, name: string): Promise<Tenant> {
    return new Tenant(stage, await stage.createNamespace(name));
  }

  /** Annotates the namespace and waits for the Secret. @returns it, and how long that took in ms */
  async optIn(annotations: Readonly<Record<string, string>>): Promise<{ snapshot: Snapshot; ms: number }> {
    const startedAt = performance.now();
    await this.#stage.admin.annotate(this.namespace, annotations);
    const snapshot = await this.until((found) => found !== undefined);
    return { snapshot, ms: performance.now() - startedAt };
  }

  /** The Secret as it is now. */
  async look(): Promise<Snapshot | undefined> {
    const { admin, secretName } = this.#stage;
    const secret = await admin.get<KubernetesObject & { data: Record<string, string> }>(
      `/api/v1/namespaces/${this.namespace}/secrets/${secretName}`,
    );
    if (secret === undefined) return undefined;
    return {
      uid: secret.metadata.uid ?? '',
      document: Buffer.from(secret.data['.dockerconfigjson'] ?? '', 'base64').toString(),
      expiresAt: Date.parse(secret.metadata.annotations?.['ecr-pull-secrets/expires-at'] ?? ''),
    };
  }

  /** Waits until the Secret is as asked. @throws Error when that takes too long */
  async until(isThere: (snapshot: Snapshot | undefined) => boolean): Promise<Snapshot> {
    const deadline = performance.now() + patience;
    for (;;) {
      const snapshot = await this.look();
      if (snapshot !== undefined && isThere(snapshot)) return snapshot;
      if (performance.now() > deadline)
        throw new Error(`nothing happened in ${this.namespace} for ${patience / 1_000} s`);
      await sleep(5);
    }
  }

  /** Pulls an image from each host of the Secret. */
  async pullAll(
    { document }: Snapshot,
    registry: Registry,
  ): Promise<readonly (PullResult & { host: string })[]> {
    const { auths } = JSON.parse(document) as { auths: Record<string, unknown> };
    const pulls = Object.keys(auths).map(async (host) => {
      const pull = {
        registryUrl: registry.url,
        host,
        repository: 'team/app',
        tag: '1',
        dockerConfigJson: document,
      };
      return { host, ...(await pullImage(pull)) };
    });
    return Promise.all(pulls);
  }

  /** The names in `imagePullSecrets` of the `default` ServiceAccount. */
  async pullSecrets(): Promise<readonly string[]> {
    const account = await this.#stage.admin.get<
      KubernetesObject & { imagePullSecrets?: readonly { name: string }[] }
    >(`/api/v1/namespaces/${this.namespace}/serviceaccounts/default`);
    return (account?.imagePullSecrets ?? []).map(({ name }) => name);
  }
}
