// The Cluster port in memory: what the controller reads is what there is, writes are guarded by uid and version as the API
// server guards them, and something may happen between the look and the request. It decides nothing; requests are kept.
import type { Cluster } from '../../src/controller/ports.ts';
import { annotationPrefix } from '../../src/domain/annotations.ts';
import { type DesiredSecret, managedByLabel } from '../../src/domain/desired-secret.ts';
import { type DockerAuth, readDockerConfig } from '../../src/domain/docker-config.ts';
import { NamespaceGone, Retryable } from '../../src/domain/errors.ts';
import type { HeldAuths } from '../../src/domain/plan.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../../src/domain/views.ts';

/** A Secret as it stands in the cluster. */
export interface HeldSecret {
  readonly view: SecretView;
  readonly auths: ReadonlyMap<string, DockerAuth>;
}

/** The requests that there are. */
export type RequestKind = 'read' | 'create' | 'update' | 'attach';

/** The cluster. */
export class MemoryCluster implements Cluster {
  readonly namespaces = new Map<string, NamespaceView>();
  /** By namespace. */
  readonly secrets = new Map<string, HeldSecret>();
  /** By namespace and name with a slash between. */
  readonly serviceAccounts = new Map<string, ServiceAccountView>();
  /** Each request that arrived, such as `update team-a`. */
  readonly requests: string[] = [];
  readonly #secretName: string;
  readonly #meanwhile = new Map<RequestKind, (() => void)[]>();
  #version = 100;

  constructor(secretName = 'ecr-pull-secret') {
    this.#secretName = secretName;
  }

  namespace(name: string): NamespaceView | undefined {
    return this.namespaces.get(name);
  }

  secret(namespace: string): SecretView | undefined {
    return this.secrets.get(namespace)?.view;
  }

  serviceAccount(namespace: string, name: string): ServiceAccountView | undefined {
    return this.serviceAccounts.get(`${namespace}/${name}`);
  }

  put(...views: readonly (NamespaceView | ServiceAccountView)[]): void {
    for (const view of views) {
      if ('namespace' in view) this.serviceAccounts.set(`${view.namespace}/${view.name}`, view);
      else this.namespaces.set(view.name, view);
    }
  }

  putSecret(view: SecretView, passwords: ReadonlyMap<string, DockerAuth> = new Map()): void {
    this.secrets.set(view.namespace, { view, auths: passwords });
  }

  /** Just before the next such request is met, this happens; where it throws, that is the answer. */
  meanwhile(kind: RequestKind, action: () => void): void {
    this.#meanwhile.set(kind, [...(this.#meanwhile.get(kind) ?? []), action]);
  }

  /** The password of each host in the Secret; undefined where there is no Secret. */
  passwords(namespace: string): Readonly<Record<string, string>> | undefined {
    const held = this.secrets.get(namespace);
    if (held === undefined) return undefined;
    return Object.fromEntries([...held.auths].map(([host, { password }]) => [host, password.reveal()]));
  }

  async readAuths(seen: SecretView): Promise<HeldAuths> {
    await this.#arrive('read', seen.namespace);
    const held = this.secrets.get(seen.namespace);
    return held?.view.uid === seen.uid ? held.auths : new Map();
  }

  async createSecret(namespace: string, desired: DesiredSecret): Promise<void> {
    await this.#arrive('create', namespace);
    if (this.secrets.has(namespace)) throw conflict('it was there already');
    this.#write(namespace, `uid-${this.#next()}`, desired);
  }

  async updateSecret(seen: SecretView, desired: DesiredSecret): Promise<void> {
    await this.#arrive('update', seen.namespace);
    const there = this.secrets.get(seen.namespace)?.view;
    if (there?.uid !== seen.uid || there.resourceVersion !== seen.resourceVersion) {
      throw conflict('it is not what was seen');
    }
    this.#write(seen.namespace, seen.uid, desired);
  }

  async attach(seen: ServiceAccountView): Promise<void> {
    await this.#arrive('attach', seen.namespace);
    const there = this.serviceAccount(seen.namespace, seen.name);
    if (there === undefined || there.resourceVersion !== seen.resourceVersion) {
      throw conflict('it is not what was seen');
    }
    const pullSecrets = [...(there.pullSecrets ?? []), this.#secretName];
    this.put({ ...there, pullSecrets, resourceVersion: this.#next() });
  }

  async #arrive(kind: RequestKind, namespace: string): Promise<void> {
    this.requests.push(`${kind} ${namespace}`);
    await Promise.resolve();
    this.#meanwhile.get(kind)?.shift()?.();
    const there = this.namespaces.get(namespace);
    if (there === undefined || there.terminating) throw new NamespaceGone(namespace);
  }

  #write(namespace: string, uid: string, desired: DesiredSecret): void {
    const own = Object.entries(desired.annotations).filter(([key]) => key.startsWith(annotationPrefix));
    const view: SecretView = {
      namespace,
      uid,
      resourceVersion: this.#next(),
      managedBy: desired.labels[managedByLabel],
      annotations: Object.fromEntries(own.map(([key, value]) => [key.slice(annotationPrefix.length), value])),
      appliedByUs: true,
      lostFields: [],
    };
    this.secrets.set(namespace, { view, auths: readDockerConfig(desired.document) });
  }

  #next(): string {
    this.#version += 1;
    return String(this.#version);
  }
}

const conflict = (why: string): Retryable => new Retryable('conflict', why);
