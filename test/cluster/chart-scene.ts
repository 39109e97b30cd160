// What the chart's tests share: rendering by the real helm, asking the real API server by the real kubectl, and a folder for
// both. It knows no values.
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { asset } from '../../rig/control-plane/assets.ts';
import type { ControlPlane } from '../../rig/control-plane/control-plane.ts';
import { chartFolder, helm } from '../../rig/installation/helm.ts';
import { type ChartValues, type Manifest, renderChart } from '../../rig/installation/render-chart.ts';

/** The values files of deploy/examples, by name; `defaults` has none. */
export const examples: Readonly<Record<string, ChartValues>> = {
  defaults: {},
  ...Object.fromEntries(
    globSync(join(import.meta.dirname, '../../deploy/examples/*.yaml'))
      .toSorted()
      .map((file) => [basename(file, '.yaml'), parse(readFileSync(file, 'utf8')) as ChartValues]),
  ),
};

export const release = 'ecr-pull-secrets';

/** What the cluster has, where the Prometheus operator is installed. */
export const withPrometheus = ['--api-versions', 'monitoring.coreos.com/v1'];

/** A pod, as far as the tests look into it. */
export interface PodSpec {
  readonly containers: readonly {
    readonly name: string;
    readonly args: readonly string[];
    readonly env?: readonly { readonly name: string; readonly value?: string }[];
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
    readonly [field: string]: unknown;
  }[];
  readonly volumes: readonly { readonly name: string }[];
  readonly [field: string]: unknown;
}

/** The chart, with a folder to work in. */
export class ChartScene {
  readonly namespace: string;
  readonly #plane: ControlPlane;
  readonly #folder: string;

  private constructor(plane: ControlPlane, namespace: string, folder: string) {
    this.#plane = plane;
    this.namespace = namespace;
    this.#folder = folder;
  }

  static async open(plane: ControlPlane, namespace: string): Promise<ChartScene> {
    return new ChartScene(plane, namespace, await mkdtemp(join(tmpdir(), 'ecr-pull-secrets-chart-')));
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** @throws Error with helm's words when the values are refused */
  render(values: ChartValues, args: readonly string[] = []): Promise<readonly Manifest[]> {
    return renderChart({
      release,
      namespace: this.namespace,
      values,
      kubeVersion: this.#plane.version,
      valuesFile: join(this.#folder, 'values.json'),
      helmHome: this.#folder,
      args,
    });
  }

  /** Helm's words; empty: the values are taken. */
  async refusal(values: ChartValues, args: readonly string[] = []): Promise<string> {
    return await this.render(values, args).then(
      () => '',
      (error: Error) => error.message,
    );
  }

  async lint(values: ChartValues): Promise<string> {
    return await this.#helm(['lint', '--strict', chartFolder], values);
  }

  /** What helm says after an installation. */
  async notes(values: ChartValues): Promise<string> {
    const install = ['install', release, chartFolder, '--dry-run=client', '--namespace', this.namespace];
    const told = await this.#helm(install, values);
    return told.split('NOTES:\n')[1] ?? '';
  }

  /** helm as the administrator, for a release that is really in the cluster. */
  async helmInCluster(args: readonly string[], values?: ChartValues): Promise<string> {
    const access = ['--namespace', this.namespace, '--kubeconfig', this.#plane.adminKubeconfig];
    const takesValues = args[0] === 'install' || args[0] === 'upgrade';
    return takesValues
      ? await this.#helm([...args, ...access], values ?? {})
      : await helm([...args, ...access], { home: this.#folder });
  }

  /** kubectl as the administrator. @param objects are handed over by a file @throws Error with kubectl's words */
  async kubectl(args: readonly string[], objects: readonly object[] | string): Promise<string> {
    const file = join(this.#folder, 'objects');
    const text =
      typeof objects === 'string'
        ? objects
        : JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    await writeFile(file, text);
    const command = await asset('kubectl');
    const access = ['--kubeconfig', this.#plane.adminKubeconfig, '--cache-dir', join(this.#folder, 'cache')];
    const { stdout } = await promisify(execFile)(command, [...access, ...args, '--filename', file]);
    return stdout;
  }

  async #helm(args: readonly string[], values: ChartValues): Promise<string> {
    const file = join(this.#folder, 'values.json');
    await writeFile(file, JSON.stringify(values));
    return await helm([...args, '--values', file], { home: this.#folder });
  }
}

/** The one object of a kind. */
export function one(manifests: readonly Manifest[], kind: string): Manifest {
  const [found, ...more] = manifests.filter((manifest) => manifest.kind === kind);
  if (found === undefined || more.length > 0)
    throw new Error(`${more.length + (found ? 1 : 0)} of ${kind} rendered`);
  return found;
}

/** The pod of the Deployment, or of the CronJob. */
export function podOf(manifests: readonly Manifest[]): PodSpec {
  const workload = manifests.find(({ kind }) => kind === 'Deployment' || kind === 'CronJob') as
    | { readonly spec: { readonly template?: object; readonly jobTemplate?: { readonly spec: object } } }
    | undefined;
  const holder = (workload?.spec.jobTemplate?.spec ?? workload?.spec) as
    { template: { spec: PodSpec } } | undefined;
  if (holder === undefined) throw new Error('no workload rendered');
  return holder.template.spec;
}
