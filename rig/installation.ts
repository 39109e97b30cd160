// An installation of the chart on the rig's control plane: what `helm install` would make, short of running pods, and the
// controller's own identity in files. Used by demo, bench and cluster tests, whose controller must never act as admin: it
// gets these files and nothing else. It must not contain RBAC or configuration of its own; both are what the chart renders.
import { join } from 'node:path';
import type { Admin } from './control-plane/admin.ts';
import type { Progress } from './control-plane/assets.ts';
import type { ControlPlane } from './control-plane/control-plane.ts';
import { ProcessGroup } from './control-plane/processes.ts';
import { AppliedObjects } from './installation/applied-objects.ts';
import { IdentityFiles } from './installation/identity-files.ts';
import { type ChartValues, type Manifest, renderChart } from './installation/render-chart.ts';

/** What to install, and where. */
interface InstallChartOptions {
  readonly plane: Pick<ControlPlane, 'url' | 'caFile' | 'issuer' | 'version'>;
  readonly admin: Admin;
  /** Made when it is missing. Default `ecr-pull-secrets`. */
  readonly namespace?: string;
  /** Default `ecr-pull-secrets`. */
  readonly release?: string;
  /** Over those of values.yaml. */
  readonly values: ChartValues;
  /** Is told what takes long. */
  readonly progress?: Progress;
}

/** The chart's objects in the cluster, and the identity that they give to the controller. */
export interface Installation {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** How the audit log calls the controller. */
  readonly user: string;
  /** The configuration that the chart rendered. */
  readonly configFile: string;
  /** The way to the API server as this ServiceAccount; reads `tokenFile`. */
  readonly kubeconfigFile: string;
  /** The ServiceAccount's token for the API server. */
  readonly tokenFile: string;
  /** Its token for STS, of the audience that the chart asks for. */
  readonly webIdentityTokenFile: string;
  /** Everything that the chart rendered last, also what is not applied here (Deployment, Service). */
  readonly manifests: readonly Manifest[];
  /** A fresh token for the API server, for requests of one's own under the controller's rights. */
  token(): Promise<string>;
  /** Writes new tokens into both files, as the kubelet does before the old ones expire. */
  refreshTokens(): Promise<void>;
  /** `helm upgrade`: renders with these values (and not the former ones), applies, deletes what is no longer rendered. */
  upgrade(values: ChartValues): Promise<void>;
  /** Deletes what was applied, the namespace if it was made here, and the files. */
  remove(): Promise<void>;
}

/** Renders the chart with the real helm and applies all of it but what runs pods, and the Service. */
export async function installChart(options: InstallChartOptions): Promise<Installation> {
  // For its directory alone, which goes with this process however that ends: it will hold tokens.
  const group = await ProcessGroup.open();
  const installation = new ChartInstallation(options, group);
  try {
    await installation.install();
  } catch (error) {
    await installation.remove().catch(() => undefined);
    throw error;
  }
  return installation;
}

class ChartInstallation implements Installation {
  readonly namespace: string;
  readonly #files: IdentityFiles;
  readonly #options: InstallChartOptions;
  readonly #group: ProcessGroup;
  readonly #applied: AppliedObjects;
  #manifests: readonly Manifest[] = [];

  constructor(options: InstallChartOptions, group: ProcessGroup) {
    const { plane, admin } = options;
    this.namespace = options.namespace ?? 'ecr-pull-secrets';
    this.#files = new IdentityFiles({
      plane,
      admin,
      directory: group.directory,
      namespace: this.namespace,
      serviceAccount: () => this.serviceAccount,
    });
    this.#options = options;
    this.#group = group;
    this.#applied = new AppliedObjects(options.admin, this.namespace);
  }

  get configFile(): string {
    return this.#files.configFile;
  }

  get kubeconfigFile(): string {
    return this.#files.kubeconfigFile;
  }

  get tokenFile(): string {
    return this.#files.tokenFile;
  }

  get webIdentityTokenFile(): string {
    return this.#files.webIdentityTokenFile;
  }

  get manifests(): readonly Manifest[] {
    return this.#manifests;
  }

  get serviceAccount(): string {
    return this.#one('ServiceAccount').metadata.name;
  }

  get user(): string {
    return `system:serviceaccount:${this.namespace}:${this.serviceAccount}`;
  }

  async install(): Promise<void> {
    await this.upgrade(this.#options.values);
    await this.#files.writeKubeconfig();
    await this.refreshTokens();
  }

  async upgrade(values: ChartValues): Promise<void> {
    const { plane, release = 'ecr-pull-secrets', progress } = this.#options;
    const { directory } = this.#group;
    this.#manifests = await renderChart({
      release,
      namespace: this.namespace,
      values,
      kubeVersion: plane.version,
      valuesFile: join(directory, 'values.json'),
      helmHome: join(directory, 'helm'),
      ...(progress && { progress }),
    });
    await this.#applied.become(this.#manifests.filter(({ kind }) => !notApplied.has(kind)));
    const config = this.#one('ConfigMap').data?.['config.yaml'];
    if (config === undefined) throw new Error('the chart rendered no config.yaml');
    await this.#files.writeConfig(config);
  }

  token(): Promise<string> {
    return this.#files.token();
  }

  async refreshTokens(): Promise<void> {
    await this.#files.refreshTokens(webIdentityAudience(this.#manifests));
  }

  async remove(): Promise<void> {
    try {
      await this.#applied.remove();
    } finally {
      await this.#group.stop();
    }
  }

  #one(kind: string): Manifest {
    const found = this.#manifests.filter((manifest) => manifest.kind === kind);
    const [only] = found;
    if (only === undefined || found.length > 1)
      throw new Error(`the chart rendered ${found.length} of ${kind}`);
    return only;
  }
}

/** A control plane without nodes runs no pods: the controller is started as a process instead (controller-process.ts). */
const notApplied: ReadonlySet<string> = new Set(['Deployment', 'CronJob', 'Service']);

/** The audience of the Deployment's projected token; where the chart mounts none (no role), the usual one. */
function webIdentityAudience(manifests: readonly Manifest[]): string {
  const audiences = manifests
    .flatMap(({ spec }) => spec?.template?.spec?.volumes ?? [])
    .flatMap(({ projected }) => projected?.sources ?? [])
    .flatMap(({ serviceAccountToken }) => serviceAccountToken?.audience ?? []);
  return audiences[0] ?? 'sts.amazonaws.com';
}
