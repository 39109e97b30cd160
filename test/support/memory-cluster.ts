// The Cluster port in memory: what the controller reads is what there is, writes are guarded by uid and version as the API
// server guards them, and something may happen between the look and the request. It decides nothing; requests are kept.
import type { Cluster } from '../../src/controller/ports.ts';
import { annotationPrefix } from '../../src/domain/annotations.ts';
import { type DesiredSecret, dataKey, managedByLabel } from '../../src/domain/desired-secret.ts';
import { type DockerAuth, readDockerConfig, writeDockerConfig } from '../../src/domain/docker-config.ts';
import { NamespaceGone, Retryable } from '../../src/domain/errors.ts';
import type { SecretText } from '../../src/domain/token.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../../src/domain/views.ts';

/** A Secret as it stands in the cluster. */
interface HeldSecret {
  readonly view: SecretView;
  readonly document: SecretText;
}

/** The requests that there are. */
export type RequestKind = 'look' | 'read' | 'create' | 'update' | 'delete' | 'attach' | 'detach';

/** The cluster. */
export class MemoryCluster implements Cluster {
  readonly namespaces = new Map<string, NamespaceView>();
  /** Names of namespaces that are there, but which the selector does not match: the controller does not see them. */
  readonly unmatched = new Set<string>();
  /** What of a namespace the controller may not see. */
  readonly hiddenKinds = new Map<string, readonly string[]>();
  /** By namespace and name with a slash between. */
  readonly secrets = new Map<string, HeldSecret>();
  /** By namespace and name with a slash between. */
  readonly serviceAccounts = new Map<string, ServiceAccountView>();
  /** Each request that arrived, such as `update team-a`; with the name of the Secret where that is not the present one. */
  readonly requests: string[] = [];
  readonly #secretName: string;
  readonly #meanwhile = new Map<RequestKind, (() => void)[]>();
  #version = 100;

  constructor(secretName = 'ecr-pull-secret') {
    this.#secretName = secretName;
  }

  hidden(namespace: string): readonly string[] {
    return this.hiddenKinds.get(namespace) ?? [];
  }

  namespace(name: string): NamespaceView | undefined {
    return this.unmatched.has(name) ? undefined : this.namespaces.get(name);
  }

  secret(namespace: string, name = this.#secretName): SecretView | undefined {
    return this.secrets.get(`${namespace}/${name}`)?.view;
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

  putSecret(view: SecretView, auths: ReadonlyMap<string, DockerAuth> = new Map()): void {
    this.#set(view, writeDockerConfig(auths));
  }

  /** Somebody else writes the Secret: another version of the same object, and another document where one is given. */
  edit(namespace: string, change: Partial<SecretView>, document?: SecretText): SecretView {
    const held = this.secrets.get(`${namespace}/${this.#secretName}`);
    if (held === undefined) throw new Error(`the test's own Secret is not there: ${namespace}`);
    const view = { ...held.view, resourceVersion: this.#next(), ...change };
    this.#set(view, document ?? held.document);
    return view;
  }

  /** Just before the next such request is met, this happens; where it throws, that is the answer. */
  meanwhile(kind: RequestKind, action: () => void): void {
    this.#meanwhile.set(kind, [...(this.#meanwhile.get(kind) ?? []), action]);
  }

  /** The password of each host in the Secret; undefined where there is no Secret. */
  passwords(namespace: string, name = this.#secretName): Readonly<Record<string, string>> | undefined {
    const held = this.secrets.get(`${namespace}/${name}`);
    if (held === undefined) return undefined;
    const auths = [...readDockerConfig(held.document)];
    return Object.fromEntries(auths.map(([host, { password }]) => [host, password.reveal()]));
  }

  async lookUpNamespace(name: string): Promise<NamespaceView | undefined> {
    await this.#begin('look', name);
    return this.namespace(name);
  }

  async readDocument(seen: SecretView): Promise<SecretText | undefined> {
    await this.#arrive('read', seen.namespace, seen.name);
    const there = this.secrets.get(`${seen.namespace}/${seen.name}`);
    if (there === undefined) throw conflict('it is gone');
    const { uid, lostFields } = there.view;
    return uid === seen.uid && !lostFields.includes(`f:data/f:${dataKey}`) ? there.document : undefined;
  }

  async createSecret(namespace: string, name: string, desired: DesiredSecret): Promise<SecretView> {
    await this.#arrive('create', namespace, name);
    if (this.secrets.has(`${namespace}/${name}`)) throw conflict('it was there already');
    return this.#write({ namespace, name, uid: `uid-${this.#next()}` }, desired);
  }

  async updateSecret(seen: SecretView, desired: DesiredSecret): Promise<SecretView> {
    await this.#arrive('update', seen.namespace, seen.name);
    this.#insistOn(seen);
    return this.#write(seen, desired);
  }

  async deleteSecret(seen: SecretView): Promise<void> {
    await this.#arrive('delete', seen.namespace, seen.name);
    this.#insistOn(seen);
    this.secrets.delete(`${seen.namespace}/${seen.name}`);
  }

  async attach(seen: ServiceAccountView, secretName: string): Promise<void> {
    await this.#arrive('attach', seen.namespace, secretName);
    this.#patch(seen, (pullSecrets) => [...pullSecrets, secretName]);
  }

  async detach(seen: ServiceAccountView, secretName: string): Promise<void> {
    await this.#arrive('detach', seen.namespace, secretName);
    this.#patch(seen, (pullSecrets) => pullSecrets.filter((name) => name !== secretName));
  }

  async #begin(kind: RequestKind, what: string): Promise<void> {
    this.requests.push(`${kind} ${what}`);
    await Promise.resolve();
    this.#meanwhile.get(kind)?.shift()?.();
  }

  async #arrive(kind: RequestKind, namespace: string, secretName: string): Promise<void> {
    await this.#begin(kind, secretName === this.#secretName ? namespace : `${namespace} ${secretName}`);
    const there = this.namespaces.get(namespace);
    if (there === undefined || there.terminating) throw new NamespaceGone(namespace);
  }

  #insistOn({ namespace, name, uid, resourceVersion }: SecretView): void {
    const there = this.secret(namespace, name);
    if (there?.uid !== uid || there.resourceVersion !== resourceVersion) {
      throw conflict('it is not what was seen');
    }
  }

  #patch(
    { namespace, name, resourceVersion }: ServiceAccountView,
    change: (pullSecrets: readonly string[]) => readonly string[],
  ): void {
    const there = this.serviceAccount(namespace, name);
    if (there === undefined || there.resourceVersion !== resourceVersion) {
      throw conflict('it is not what was seen');
    }
    this.put({ ...there, pullSecrets: change(there.pullSecrets ?? []), resourceVersion: this.#next() });
  }

  #write(
    { namespace, name, uid }: Pick<SecretView, 'namespace' | 'name' | 'uid'>,
    desired: DesiredSecret,
  ): SecretView {
    const own = Object.entries(desired.annotations).filter(([key]) => key.startsWith(annotationPrefix));
    const view: SecretView = {
      namespace,
      name,
      uid,
      resourceVersion: this.#next(),
      managedBy: desired.labels[managedByLabel],
      annotations: Object.fromEntries(own.map(([key, value]) => [key.slice(annotationPrefix.length), value])),
      appliedByUs: true,
      lostFields: [],
    };
    this.#set(view, desired.document);
    return view;
  }

  #set(view: SecretView, document: SecretText): void {
    this.secrets.set(`${view.namespace}/${view.name}`, { view, document });
  }

  #next(): string {
    this.#version += 1;
    return String(this.#version);
  }
}

const conflict = (why: string): Retryable => new Retryable('conflict', why);
