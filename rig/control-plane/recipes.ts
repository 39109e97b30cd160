// What each binary of the rig is: its version, its Go package, how long a build takes, and which official archive has
// it. Data for assets, envtest-download and go-build; no behaviour.

/** A binary that the rig can run. */
export type AssetName =
  'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl' | 'helm' | 'kubeconform';

/** How a binary is built from Go modules. */
export interface Recipe {
  /** Names the cache directory. */
  readonly version: string;
  /** The folder of the Go module, seen from this file. */
  readonly module: string;
  readonly package: string;
  /** Variables that a plain build leaves without a version. */
  readonly versions: Readonly<Record<string, string>>;
  /** Of a cold build on two cores, when the ones before it in this list are built. */
  readonly takes: string;
}

/** The ends of the range that is supported; `oldest` is the chart's kubeVersion. */
export type Kubernetes = 'newest' | 'oldest';

/** What is built: the versions of build/go.mod and build/oldest/go.mod. */
export const kubernetesVersions: Readonly<Record<Kubernetes, string>> = {
  newest: '1.37.2',
  oldest: '1.30.14',
};
const helm = '4.3.1';
const kubeconform = '0.8.0';

const ofKubernetes = (module: string, version: string) => {
  const [major = '', minor = ''] = version.split('.');
  const variables = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((name) => [
    [`${name}.gitVersion`, `v${version}`],
    [`${name}.gitMajor`, major],
    [`${name}.gitMinor`, minor],
  ]);
  return { version, module, versions: Object.fromEntries(variables) as Record<string, string> };
};

const newest = ofKubernetes('build', kubernetesVersions.newest);
const oldest = ofKubernetes('build/oldest', kubernetesVersions.oldest);

/** How each binary is built. */
export const recipes: Readonly<Record<AssetName, Recipe>> = {
  etcd: { ...newest, package: 'go.etcd.io/etcd/server/v3', takes: 'about 40 s' },
  'kube-apiserver': {
    ...newest,
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    takes: 'about 5 min',
  },
  'kube-controller-manager': {
    ...newest,
    package: 'k8s.io/kubernetes/cmd/kube-controller-manager',
    takes: 'about 2 min',
  },
  kubectl: { ...newest, package: 'k8s.io/kubernetes/cmd/kubectl', takes: 'about 1 min' },
  helm: {
    version: helm,
    module: 'build/helm',
    package: 'helm.sh/helm/v4/cmd/helm',
    versions: { 'helm.sh/helm/v4/internal/version.version': `v${helm}` },
    takes: 'about 2 min',
  },
  kubeconform: {
    version: kubeconform,
    module: 'build/kubeconform',
    package: 'github.com/yannh/kubeconform/cmd/kubeconform',
    versions: { 'main.version': kubeconform },
    takes: 'about 30 s',
  },
};

/**
 * What differs for the oldest Kubernetes. Its etcd is the newest's: an API server asks etcd by the v3 protocol, which has
 * not changed between them, and nothing of what 1.30 answers depends on etcd's version.
 */
export const oldestRecipes: Readonly<Partial<Record<AssetName, Recipe>>> = {
  'kube-apiserver': {
    ...oldest,
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    takes: 'about 4 min',
  },
  'kube-controller-manager': {
    ...oldest,
    package: 'k8s.io/kubernetes/cmd/kube-controller-manager',
    takes: 'about 1 min',
  },
};

/** The official archive for controller tests; it has no kube-controller-manager. */
export const envtest = {
  version: '1.36.2',
  contents: ['etcd', 'kube-apiserver', 'kubectl'] satisfies readonly AssetName[] as readonly AssetName[],
  /** sha512 of the archive of each platform, in base64. */
  hashes: {
    'linux-amd64': '6nQxhsinmfXPj68Wlp+GGJ0APLfRMOCsS1h4nx5XSNzzDr6RyDehDVrEFTg9o+ELnmTWV4XJOMI+c5eBz7dvCA==',
    'linux-arm64': 'LXLumFqOJio8V9yffw/Ykfaox79+uqLbbcbY6siuKBga/lHB82i2d1bNtAsQ3psgVgnhcm5fJ/fG2CTdnGZJrA==',
    'darwin-arm64':
      'knj55a9Vay8fLROXacHw1xfHtEJpF/3r26iYvLclqRbkkQ1hYIhhlP+b6Viep8XDLCuK4HVHA4dLfIuo3fxBzg==',
  } as Readonly<Record<string, string>>,
};
