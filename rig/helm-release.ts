// A release of a chart on the rig's control plane, by the real helm: installed, upgraded, rolled back and uninstalled as people do
// it, and the files for a controller as the chart has it at the time. There are no nodes, so no pod ever runs. Used by the
// tests of upgrades; everything else is quicker with rig/installation.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Admin } from './control-plane/admin.ts';
import type { ControlPlane } from './control-plane/control-plane.ts';
import { ProcessGroup } from './control-plane/processes.ts';
import { chartFolder, helm } from './installation/helm.ts';
import { IdentityFiles } from './installation/identity-files.ts';
import type { ChartValues } from './installation/render-chart.ts';

/** Which release, and where. */
export interface HelmReleaseProps {
  readonly plane: ControlPlane;
  readonly admin: Admin;
  /** The release's name, which contains the chart's: it is that of its objects. */
  readonly name: string;
  readonly namespace: string;
}

/** The release. */
export class HelmRelease {
  readonly files: IdentityFiles;
  readonly #props: HelmReleaseProps;
  readonly #group: ProcessGroup;

  private constructor(props: HelmReleaseProps, group: ProcessGroup) {
    const { name } = props;
    this.#props = props;
    this.#group = group;
    this.files = new IdentityFiles({ ...props, directory: group.directory, serviceAccount: () => name });
  }

  /** Nothing is installed yet. */
  static async open(props: HelmReleaseProps): Promise<HelmRelease> {
    return new HelmRelease(props, await ProcessGroup.open());
  }

  /** `helm upgrade --install`, with these values and no former ones. @param chart its folder; default: the project's */
  async become(values: ChartValues, chart = chartFolder): Promise<void> {
    const file = join(this.#group.directory, 'values.json');
    await writeFile(file, JSON.stringify(values), { mode: 0o600 });
    await this.#helm('upgrade', this.#props.name, chart, '--install', '--create-namespace', '--values', file);
    await this.#readBack();
  }

  /** `helm rollback`, to the revision before. */
  async rollBack(): Promise<void> {
    await this.#helm('rollback', this.#props.name);
    await this.#readBack();
  }

  /** `helm uninstall`. */
  async uninstall(): Promise<void> {
    await this.#helm('uninstall', this.#props.name);
  }

  /** Removes the files. */
  async close(): Promise<void> {
    await this.#group.stop();
  }

  async #helm(...args: readonly string[]): Promise<string> {
    const { plane, namespace } = this.#props;
    const access = ['--namespace', namespace, '--kubeconfig', plane.adminKubeconfig];
    return await helm([...args, ...access], { home: join(this.#group.directory, 'helm') });
  }

  /** What a pod that is started now would be given. */
  async #readBack(): Promise<void> {
    const { admin, namespace, name } = this.#props;
    const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
    const map = await admin.get<{ data: Readonly<Record<string, string>> }>(path);
    const config = map?.data['config.yaml'];
    if (config === undefined) throw new Error(`no configuration in ${path}`);
    await this.files.writeConfig(config);
    await this.files.writeKubeconfig();
    await this.files.refreshTokens('sts.amazonaws.com');
  }
}
