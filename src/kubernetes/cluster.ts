// The Cluster port: reading from the stores, writing by guarded requests. Called by controller/reconcile and apply. A
// write carries what was seen, so that it changes nothing when the world has moved on; then the object is read anew and
// the step ends with a Retryable. What was written is known at once, without waiting for the watch.
import type { Api, ApiAnswer, ApiCall, Cluster } from '../controller/ports.ts';
import { type DesiredSecret, dataKey, secretType } from '../domain/desired-secret.ts';
import { readDockerConfig } from '../domain/docker-config.ts';
import { Retryable } from '../domain/errors.ts';
import type { HeldAuths } from '../domain/plan.ts';
import { SecretText } from '../domain/token.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../domain/views.ts';
import { ApiError, isOutdated, translate } from './errors.ts';
import type { Store } from './store.ts';
import { type KubernetesObject, projectServiceAccount } from './views.ts';

/** What the cluster is reached by. */
export interface KubernetesClusterProps {
  readonly api: Api;
  readonly namespaces: Store<NamespaceView>;
  readonly secrets: Store<SecretView>;
  /** By the ServiceAccount's name; each kept by namespace. */
  readonly serviceAccounts: ReadonlyMap<string, Store<ServiceAccountView>>;
  readonly projectSecret: (object: KubernetesObject) => SecretView;
  /** The field manager of our writes: the name of the installation. */
  readonly manager: string;
  readonly secretName: string;
}

/** The cluster, by the API server. */
export class KubernetesCluster implements Cluster {
  readonly #props: KubernetesClusterProps;

  constructor(props: KubernetesClusterProps) {
    this.#props = props;
  }

  namespace(name: string): NamespaceView | undefined {
    return this.#props.namespaces.get(name);
  }

  secret(namespace: string): SecretView | undefined {
    return this.#props.secrets.get(namespace);
  }

  serviceAccount(namespace: string, name: string): ServiceAccountView | undefined {
    return this.#props.serviceAccounts.get(name)?.get(namespace);
  }

  async readAuths(seen: SecretView): Promise<HeldAuths> {
    const { namespace } = seen;
    const { projectSecret } = this.#props;
    const { body } = await this.#attempt(
      { method: 'GET', path: this.#secretPath(namespace) },
      'read',
      namespace,
    );
    const { data } = body as { data?: Readonly<Record<string, string>> };
    const document = data?.[dataKey];
    const { uid, lostFields } = projectSecret(body as KubernetesObject);
    // Data that somebody else has changed is not ours to keep.
    const ours = uid === seen.uid && !lostFields.includes(`f:data/f:${dataKey}`);
    if (!ours || document === undefined) return new Map();
    return readDockerConfig(new SecretText(Buffer.from(document, 'base64').toString()));
  }

  async createSecret(namespace: string, desired: DesiredSecret): Promise<void> {
    // Unforced: where a Secret of our name has appeared meanwhile, its fields are not taken over (409). It answers 200
    // instead of 201 when that Secret happens to agree with every field of ours; then it is looked at again.
    const answer = await this.#applySecret({ namespace, desired, guard: {}, force: false });
    if (answer.status === 201) return;
    throw new Retryable(
      'conflict',
      `apply Secret ${namespace}/${this.#props.secretName}: it was there already`,
    );
  }

  async updateSecret(seen: SecretView, desired: DesiredSecret): Promise<void> {
    const { namespace, uid, resourceVersion } = seen;
    await this.#applySecret({ namespace, desired, guard: { uid, resourceVersion }, force: true });
  }

  async attach(seen: ServiceAccountView): Promise<void> {
    const { secretName, serviceAccounts, manager } = this.#props;
    const { namespace, name } = seen;
    const entry = { name: secretName };
    const append =
      seen.pullSecrets === undefined
        ? { op: 'add', path: '/imagePullSecrets', value: [entry] }
        : { op: 'add', path: '/imagePullSecrets/-', value: entry };
    const call: ApiCall = {
      method: 'PATCH',
      path: serviceAccountPath(namespace, name),
      query: { fieldManager: manager },
      contentType: 'application/json-patch+json',
      // The version guards the list, which is atomic: somebody else's change answers 409, and nothing is lost.
      body: [{ op: 'replace', path: '/metadata/resourceVersion', value: seen.resourceVersion }, append],
    };
    try {
      const { body } = await this.#props.api.call(call);
      serviceAccounts.get(name)?.put(namespace, projectServiceAccount(body as KubernetesObject), 'own');
    } catch (error) {
      if (isOutdated(error)) await this.#readServiceAccount(seen);
      throw translate(error, `add ${secretName} to the ServiceAccount ${namespace}/${name}`);
    }
  }

  async #applySecret(write: SecretWrite): Promise<ApiAnswer> {
    const { manager, projectSecret, secrets, secretName } = this.#props;
    const { namespace, desired, guard, force } = write;
    const call: ApiCall = {
      method: 'PATCH',
      path: this.#secretPath(namespace),
      query: { fieldManager: manager, force: String(force) },
      contentType: 'application/apply-patch+yaml',
      representation: 'metadata',
      body: {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: secretName,
          namespace,
          ...guard,
          labels: desired.labels,
          annotations: desired.annotations,
        },
        type: secretType,
        data: { [dataKey]: Buffer.from(desired.document.reveal()).toString('base64') },
      },
    };
    const answer = await this.#attempt(call, 'apply', namespace);
    secrets.put(namespace, projectSecret(answer.body as KubernetesObject), 'own');
    return answer;
  }

  /** One request about our Secret; when what we saw of it was outdated, it is read anew before the step ends. */
  async #attempt(call: ApiCall, verb: string, namespace: string): Promise<ApiAnswer> {
    try {
      return await this.#props.api.call(call);
    } catch (error) {
      if (isOutdated(error)) await this.#readSecret(namespace);
      throw translate(error, `${verb} Secret ${namespace}/${this.#props.secretName}`);
    }
  }

  /** Best effort: the watch brings the same a little later. */
  async #readSecret(namespace: string): Promise<void> {
    const { api, secrets, projectSecret } = this.#props;
    const path = this.#secretPath(namespace);
    await reread(secrets, namespace, async () => {
      const { body } = await api.call({ method: 'GET', path, representation: 'metadata' });
      return projectSecret(body as KubernetesObject);
    });
  }

  async #readServiceAccount({ namespace, name }: ServiceAccountView): Promise<void> {
    const { api, serviceAccounts } = this.#props;
    await reread(serviceAccounts.get(name), namespace, async () => {
      const { body } = await api.call({ method: 'GET', path: serviceAccountPath(namespace, name) });
      return projectServiceAccount(body as KubernetesObject);
    });
  }

  #secretPath(namespace: string): string {
    return `/api/v1/namespaces/${namespace}/secrets/${this.#props.secretName}`;
  }
}

interface SecretWrite {
  readonly namespace: string;
  readonly desired: DesiredSecret;
  /** What must still be true of the object; empty for a new one. */
  readonly guard: { readonly uid?: string; readonly resourceVersion?: string };
  readonly force: boolean;
}

const serviceAccountPath = (namespace: string, name: string): string =>
  `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`;

async function reread<View extends { readonly resourceVersion: string }>(
  store: Store<View> | undefined,
  key: string,
  read: () => Promise<View>,
): Promise<void> {
  try {
    store?.put(key, await read(), 'own');
  } catch (error) {
    const seen = store?.get(key);
    if (error instanceof ApiError && error.status === 404 && seen !== undefined) {
      store?.delete(key, seen.resourceVersion, 'own');
    }
  }
}
