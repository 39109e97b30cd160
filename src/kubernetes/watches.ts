// What is watched, and how: one entry for each kind of object, with its path, selector, representation and projection.
// Called by app. The selectors are what makes rights by name enough: Secrets and ServiceAccounts are asked for by
// `metadata.name`, so there is one watch for each configured name. With `namespaces.only` there is one for each of those
// namespaces, by a path that rights in that namespace alone are enough for.
import type { Api, Clock, Log, Metrics } from '../controller/ports.ts';
import type { Settings } from '../domain/settings.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../domain/views.ts';
import { Reflector, type ReflectorProps } from './reflector.ts';
import { collection, oneNamespace } from './source.ts';
import type { Store, Versioned } from './store.ts';
import { type KubernetesObject, projectNamespace, projectServiceAccount } from './views.ts';

interface WatchPorts {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What the reflectors are made from. */
export interface WatchesProps {
  readonly ports: WatchPorts;
  readonly settings: Settings;
  readonly stores: {
    readonly namespaces: Store<NamespaceView>;
    readonly secrets: ReadonlyMap<string, Store<SecretView>>;
    readonly serviceAccounts: ReadonlyMap<string, Store<ServiceAccountView>>;
  };
  readonly projectSecret: (object: KubernetesObject) => SecretView;
  /** Only this namespace is looked at; undefined: all. */
  readonly namespace: string | undefined;
}

/** Something that keeps a store equal to the cluster. */
export interface Watching {
  run(signal: AbortSignal): Promise<void>;
}

const byName = (name: string) => ({ fieldSelector: `metadata.name=${name}` });

/** The reflectors of one controller. */
export function reflectorsFor({ ports, settings, stores, ...rest }: WatchesProps): readonly Watching[] {
  const { only, selector } = settings.namespaces;
  const reflect = <View extends Versioned>(watch: Omit<ReflectorProps<View>, keyof WatchPorts>): Watching =>
    new Reflector<View>({ ...ports, ...watch });
  const namespaces = (part: string | undefined) =>
    reflect({
      resource: nameIn(part, 'namespaces'),
      source: part === undefined ? allNamespaces(selector, rest.namespace) : oneNamespace(part),
      project: projectNamespace,
      keyOf: (view) => view.name,
      store: stores.namespaces,
      part,
    });
  const secrets = (part: string | undefined) =>
    [...stores.secrets].map(([name, store]) =>
      reflect({
        resource: nameIn(part, `secrets/${name}`),
        source: collection({
          path: pathIn(part, 'secrets'),
          query: byName(name),
          representation: 'metadata',
        }),
        project: rest.projectSecret,
        keyOf: (view) => view.namespace,
        store,
        part,
      }),
    );
  const serviceAccounts = (part: string | undefined) =>
    [...stores.serviceAccounts].map(([name, store]) =>
      reflect({
        resource: nameIn(part, `serviceaccounts/${name}`),
        // Their metadata does not hold the list of pull secrets.
        source: collection({
          path: pathIn(part, 'serviceaccounts'),
          query: byName(name),
          representation: 'full',
        }),
        project: projectServiceAccount,
        keyOf: (view) => view.namespace,
        store,
        part,
      }),
    );
  const parts = only.length === 0 ? [undefined] : partsOf(only, rest.namespace);
  return parts.flatMap((part) => [namespaces(part), ...secrets(part), ...serviceAccounts(part)]);
}

/** The namespaces that are looked at one by one. @param namespace the only one that counts; undefined: all */
export const partsOf = (only: readonly string[], namespace: string | undefined): readonly string[] =>
  namespace === undefined ? only : only.filter((name) => name === namespace);

const allNamespaces = (selector: string, namespace: string | undefined) =>
  collection({
    path: '/api/v1/namespaces',
    query: {
      ...(selector === '' ? {} : { labelSelector: selector }),
      ...(namespace === undefined ? {} : byName(namespace)),
    },
    representation: 'metadata',
  });

const nameIn = (part: string | undefined, resource: string): string =>
  part === undefined ? resource : `${part}/${resource}`;

const pathIn = (part: string | undefined, resource: string): string =>
  part === undefined ? `/api/v1/${resource}` : `/api/v1/namespaces/${part}/${resource}`;
