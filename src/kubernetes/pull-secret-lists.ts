// Writes the `imagePullSecrets` of ServiceAccounts: one entry is appended or removed, the rest is left as it is. Used by
// cluster. The list is atomic to the API server and others write it too, so every patch is guarded by the version that was
// seen: somebody else's change answers 409, and nothing is lost.
import type { Api, ApiCall } from '../controller/ports.ts';
import { Retryable } from '../domain/errors.ts';
import type { ServiceAccountView } from '../domain/views.ts';
import { ApiError, isOutdated, translate } from './errors.ts';
import { reread } from './reread.ts';
import type { Store } from './store.ts';
import { type KubernetesObject, projectServiceAccount } from './views.ts';

interface PullSecretListsProps {
  readonly api: Api;
  /** By the ServiceAccount's name; each kept by namespace. */
  readonly serviceAccounts: ReadonlyMap<string, Store<ServiceAccountView>>;
  /** The field manager of our writes. */
  readonly manager: string;
}

type Operation = Readonly<Record<string, unknown>>;

/** The writer of the lists. */
export class PullSecretLists {
  readonly #props: PullSecretListsProps;

  constructor(props: PullSecretListsProps) {
    this.#props = props;
  }

  async append(seen: ServiceAccountView, secretName: string): Promise<void> {
    const entry = { name: secretName };
    const operation =
      seen.pullSecrets === undefined
        ? { op: 'add', path: '/imagePullSecrets', value: [entry] }
        : { op: 'add', path: '/imagePullSecrets/-', value: entry };
    await this.#patch(seen, [operation], `add ${secretName} to`);
  }

  /** Removes every entry of the name. */
  async remove(seen: ServiceAccountView, secretName: string): Promise<void> {
    const places = (seen.pullSecrets ?? []).flatMap((name, index) => (name === secretName ? [index] : []));
    // From the last to the first, since each removal moves what comes after it.
    const operations = places
      .toReversed()
      .map((index) => ({ op: 'remove', path: `/imagePullSecrets/${index}` }));
    await this.#patch(seen, operations, `remove ${secretName} from`);
  }

  async #patch(seen: ServiceAccountView, operations: readonly Operation[], what: string): Promise<void> {
    const { api, serviceAccounts, manager } = this.#props;
    const { namespace, name, resourceVersion } = seen;
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`;
    const guard = { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion };
    const call: ApiCall = {
      method: 'PATCH',
      path,
      query: { fieldManager: manager },
      contentType: 'application/json-patch+json',
      body: [guard, ...operations],
    };
    const store = serviceAccounts.get(name);
    try {
      const { body } = await api.call(call);
      store?.put(namespace, projectServiceAccount(body as KubernetesObject), 'own');
    } catch (error) {
      // 422: the list that an operation points into is not there any more.
      const gone = error instanceof ApiError && error.status === 422 && error.deniedBy === undefined;
      const moved = gone || isOutdated(error);
      if (moved) {
        await reread(store, namespace, async () => {
          const { body } = await api.call({ method: 'GET', path });
          return projectServiceAccount(body as KubernetesObject);
        });
      }
      if (moved)
        throw new Retryable('conflict', `${what} the ServiceAccount ${namespace}/${name}: it has changed`);
      throw translate(error, `${what} the ServiceAccount ${namespace}/${name}`);
    }
  }
}
