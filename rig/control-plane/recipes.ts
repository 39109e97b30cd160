// What each binary of the rig is: its version, its Go package, how long a build takes, and which official archive has
// it. Data for assets, envtest-download and go-build; no behaviour.

/** A binary that the rig can run. */
export type AssetName = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl' | 'helm';

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

/** The Kubernetes that is built; one with build/go.mod. */
const kubernetes = '1.37.2';
const helm = '4.3.1';

const [major = '', minor = ''] = kubernetes.split('.');

const kubernetesVersions = Object.fromEntries(
  ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((variables) => [
    [`${variables}.gitVersion`, `v${kubernetes}`],
    [`${variables}.gitMajor`, major],
    [`${variables}.gitMinor`, minor],
  ]),
);

const ofKubernetes = { version: kubernetes, module: 'build', versions: kubernetesVersions } as const;

/** How each binary is built. */
export const recipes: Readonly<Record<AssetName, Recipe>> = {
  etcd: { ...ofKubernetes, package: 'go.etcd.io/etcd/server/v3', takes: 'about 40 s' },
  'kube-apiserver': {
    ...ofKubernetes,
    package: 'k8s.io/kubernetes/cmd/kube-apiserver',
    takes: 'about 5 min',
  },
  'kube-controller-manager': {
    ...ofKubernetes,
    package: 'k8s.io/kubernetes/cmd/kube-controller-manager',
    takes: 'about 2 min',
  },
  kubectl: { ...ofKubernetes, package: 'k8s.io/kubernetes/cmd/kubectl', takes: 'about 1 min' },
  helm: {
    version: helm,
    module: 'build/helm',
    package: 'helm.sh/helm/v4/cmd/helm',
    versions: { 'helm.sh/helm/v4/internal/version.version': `v${helm}` },
    takes: 'about 2 min',
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
