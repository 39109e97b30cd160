// Where an object lives at the API server, from its apiVersion, kind and name. Used by admin and namespace-keeper; it
// knows the built-in kinds that this project's tests and manifests use, and asks nobody.

/** What identifies an object. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string | undefined };
}

/** Plural names by apiVersion without its version: first of the kinds in namespaces, then of the cluster-wide ones. */
const kinds: Readonly<Record<string, { namespaced?: Plurals; clusterWide?: Plurals }>> = {
  '': {
    namespaced: {
      ConfigMap: 'configmaps',
      Endpoints: 'endpoints',
      Event: 'events',
      LimitRange: 'limitranges',
      PersistentVolumeClaim: 'persistentvolumeclaims',
      Pod: 'pods',
      ResourceQuota: 'resourcequotas',
      Secret: 'secrets',
      Service: 'services',
      ServiceAccount: 'serviceaccounts',
    },
    clusterWide: { Namespace: 'namespaces', Node: 'nodes', PersistentVolume: 'persistentvolumes' },
  },
  'rbac.authorization.k8s.io': {
    namespaced: { Role: 'roles', RoleBinding: 'rolebindings' },
    clusterWide: { ClusterRole: 'clusterroles', ClusterRoleBinding: 'clusterrolebindings' },
  },
  'coordination.k8s.io': { namespaced: { Lease: 'leases' } },
  apps: {
    namespaced: {
      DaemonSet: 'daemonsets',
      Deployment: 'deployments',
      ReplicaSet: 'replicasets',
      StatefulSet: 'statefulsets',
    },
  },
  policy: { namespaced: { PodDisruptionBudget: 'poddisruptionbudgets' } },
  'networking.k8s.io': {
    namespaced: { Ingress: 'ingresses', NetworkPolicy: 'networkpolicies' },
    clusterWide: { IngressClass: 'ingressclasses' },
  },
  'flowcontrol.apiserver.k8s.io': { clusterWide: { FlowSchema: 'flowschemas' } },
  'admissionregistration.k8s.io': {
    clusterWide: {
      MutatingAdmissionPolicy: 'mutatingadmissionpolicies',
      MutatingAdmissionPolicyBinding: 'mutatingadmissionpolicybindings',
      MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
      ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
      ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
      ValidatingWebhookConfiguration: 'validatingwebhookconfigurations',
    },
  },
};

type Plurals = Readonly<Record<string, string>>;

/** The path of one object; one of a namespaced kind without a namespace is in `default`, as with kubectl. */
export function resourcePath({ apiVersion, kind, metadata }: ObjectReference): string {
  const { name, namespace = 'default' } = metadata;
  const group = groupOf(apiVersion);
  const namespaced = kinds[group]?.namespaced?.[kind];
  if (namespaced !== undefined) {
    return `${root(apiVersion)}/namespaces/${encodeURIComponent(namespace)}/${namespaced}/${encodeURIComponent(name)}`;
  }
  const clusterWide = kinds[group]?.clusterWide?.[kind];
  if (clusterWide !== undefined) return `${root(apiVersion)}/${clusterWide}/${encodeURIComponent(name)}`;
  throw new Error(`the rig does not know ${apiVersion} ${kind}: add it to resource-path.ts`);
}

/** The paths of everything that a namespace may hold, as far as it is known here. */
export function collectionPaths(namespace: string): readonly string[] {
  return Object.entries(kinds).flatMap(([group, { namespaced = {} }]) =>
    Object.values(namespaced).map(
      (plural) =>
        `${root(group === '' ? 'v1' : `${group}/v1`)}/namespaces/${encodeURIComponent(namespace)}/${plural}`,
    ),
  );
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash === -1 ? '' : apiVersion.slice(0, slash);
}

function root(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
