// What is watched, and how: one entry for each kind of object, with its path, selector, representation and projection.
// Called by app. The selectors are what makes rights by name enough: Secrets and ServiceAccounts are asked for by
// `metadata.name`, so there is one watch for each configured name.
import type { Api, Clock, Log, Metrics } from '../controller/ports.ts';
import type { Settings } from '../domain/settings.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../domain/views.ts';
import { Reflector, type ReflectorProps } from './reflector.ts';
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
  const { selector } = settings.namespaces;
  const reflect = <View extends Versioned>(watch: Omit<ReflectorProps<View>, keyof WatchPorts>): Watching =>
    new Reflector<View>({ ...ports, ...watch });
  const namespaces = reflect({
    resource: 'namespaces',
    path: '/api/v1/namespaces',
    query: {
      ...(selector === '' ? {} : { labelSelector: selector }),
      ...(rest.namespace === undefined ? {} : byName(rest.namespace)),
    },
    representation: 'metadata',
    project: projectNamespace,
    keyOf: (view) => view.name,
    store: stores.namespaces,
  });
  const secrets = [...stores.secrets].map(([name, store]) =>
    reflect({
      resource: `secrets/${name}`,
      path: '/api/v1/secrets',
      query: byName(name),
      representation: 'metadata',
      project: rest.projectSecret,
      keyOf: (view) => view.namespace,
      store,
    }),
  );
  const serviceAccounts = [...stores.serviceAccounts].map(([name, store]) =>
    reflect({
      resource: `serviceaccounts/${name}`,
      path: '/api/v1/serviceaccounts',
      query: byName(name),
      // Their metadata does not hold the list of pull secrets.
      representation: 'full',
      project: projectServiceAccount,
      keyOf: (view) => view.namespace,
      store,
    }),
  );
  return [namespaces, ...secrets, ...serviceAccounts];
}
