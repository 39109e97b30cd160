// The Cluster port: looking reads the stores and costs nothing, writing is a guarded request by secret-writer or
// pull-secret-lists. Called by controller/reconcile and apply. A write carries what was seen, so that it changes nothing
// when the world has moved on; then the step ends with a Retryable.
import type { Api, Cluster } from '../controller/ports.ts';
import type { DesiredSecret } from '../domain/desired-secret.ts';
import type { NamespaceSelection } from '../domain/settings.ts';
import type { SecretText } from '../domain/token.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../domain/views.ts';
import { ApiError, translate } from './errors.ts';
import { PullSecretLists } from './pull-secret-lists.ts';
import { readList } from './read-list.ts';
import { SecretWriter } from './secret-writer.ts';
import { readNamespace } from './source.ts';
import type { Store } from './store.ts';
import { type KubernetesObject, projectNamespace } from './views.ts';

/** What the cluster is reached by. */
export interface KubernetesClusterProps {
  readonly api: Api;
  readonly namespaces: Store<NamespaceView>;
  /** By the Secret's name; each kept by namespace. */
  readonly secrets: ReadonlyMap<string, Store<SecretView>>;
  /** By the ServiceAccount's name; each kept by namespace. */
  readonly serviceAccounts: ReadonlyMap<string, Store<ServiceAccountView>>;
  readonly projectSecret: (object: KubernetesObject) => SecretView;
  /** The field manager of our writes: the name of the installation. */
  readonly manager: string;
  /** Which namespaces are looked at, and how. */
  readonly selection: Pick<NamespaceSelection, 'only' | 'selector'>;
}

/** The cluster, by the API server. */
export class KubernetesCluster implements Cluster {
  readonly #props: KubernetesClusterProps;
  readonly #writer: SecretWriter;
  readonly #lists: PullSecretLists;

  constructor(props: KubernetesClusterProps) {
    this.#props = props;
    this.#writer = new SecretWriter(props);
    this.#lists = new PullSecretLists(props);
  }

  hidden(namespace: string): readonly string[] {
    const { namespaces, secrets, serviceAccounts } = this.#props;
    const kinds = {
      namespaces: [namespaces],
      secrets: secrets.values(),
      serviceaccounts: serviceAccounts.values(),
    };
    return Object.entries(kinds)
      .filter(([, stores]) => [...stores].some(({ refused }) => refused.has(namespace)))
      .map(([kind]) => kind);
  }

  namespace(name: string): NamespaceView | undefined {
    return this.#props.namespaces.get(name);
  }

  secret(namespace: string, name: string): SecretView | undefined {
    return this.#props.secrets.get(name)?.get(namespace);
  }

  serviceAccount(namespace: string, name: string): ServiceAccountView | undefined {
    return this.#props.serviceAccounts.get(name)?.get(namespace);
  }

  async lookUpNamespace(name: string): Promise<NamespaceView | undefined> {
    try {
      const [found] = await this.#find(name);
      if (found === undefined) return undefined;
      const view = projectNamespace(found);
      this.#props.namespaces.put(name, view, 'own');
      return view;
    } catch (error) {
      throw translate(error, `look up the namespace ${name}`);
    }
  }

  /** By a list, for which the right to watch is enough, and which knows the selector; by its name where that is all we may. */
  async #find(name: string): Promise<readonly KubernetesObject[]> {
    const { api, selection } = this.#props;
    if (selection.only.length > 0) return readNamespace(api, name);
    const path = '/api/v1/namespaces';
    const query = {
      fieldSelector: `metadata.name=${name}`,
      ...(selection.selector === '' ? {} : { labelSelector: selection.selector }),
    };
    const { body } = await api.call({ method: 'GET', path, query, representation: 'metadata-list' });
    const { items } = readList(body);
    if (items.some(({ metadata }) => metadata?.name !== name))
      throw new ApiError(`LIST ${path}`, { status: 0, reason: 'NO_LIST' });
    return items;
  }

  readDocument(seen: SecretView): Promise<SecretText | undefined> {
    return this.#writer.read(seen);
  }

  createSecret(namespace: string, name: string, desired: DesiredSecret): Promise<SecretView> {
    return this.#writer.create({ namespace, name }, desired);
  }

  updateSecret(seen: SecretView, desired: DesiredSecret): Promise<SecretView> {
    return this.#writer.update(seen, desired);
  }

  deleteSecret(seen: SecretView): Promise<void> {
    return this.#writer.delete(seen);
  }

  attach(seen: ServiceAccountView, secretName: string): Promise<void> {
    return this.#lists.append(seen, secretName);
  }

  detach(seen: ServiceAccountView, secretName: string): Promise<void> {
    return this.#lists.remove(seen, secretName);
  }
}
