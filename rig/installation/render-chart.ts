// The project's chart → Kubernetes objects, by the real helm. Used by rig/installation only. It reads no helm settings of
// the machine and needs no cluster.
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import { asset, type Progress } from '../control-plane/assets.ts';

/** Values as in a values file. */
export type ChartValues = Readonly<Record<string, unknown>>;

/** A rendered object, with the parts that the rig reads. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly template?: { readonly spec?: { readonly volumes?: readonly Volume[] } } };
}

interface Volume {
  readonly projected?: {
    readonly sources?: readonly { readonly serviceAccountToken?: { readonly audience?: string } }[];
  };
}

/** What to render, and where helm may write. */
interface RenderChartOptions {
  readonly release: string;
  readonly namespace: string;
  readonly values: ChartValues;
  /** Of the cluster, `v1.36.3`: the chart says which it supports. */
  readonly kubeVersion: string;
  readonly valuesFile: string;
  /** A folder for helm's own files. */
  readonly helmHome: string;
  readonly progress?: Progress;
}

const chart = join(import.meta.dirname, '../../charts/ecr-pull-secrets');

/** @throws Error with helm's own words when the values are refused */
export async function renderChart(options: RenderChartOptions): Promise<readonly Manifest[]> {
  const { release, namespace, values, kubeVersion, valuesFile, helmHome, progress } = options;
  await writeFile(valuesFile, JSON.stringify(values), { mode: 0o600 });
  const helm = await asset('helm', { ...(progress && { progress }) });
  const args = ['template', release, chart, '--namespace', namespace, '--values', valuesFile];
  const rendered = await run(helm, [...args, '--kube-version', kubeVersion], {
    HOME: helmHome,
    HELM_CACHE_HOME: helmHome,
    HELM_CONFIG_HOME: helmHome,
    HELM_DATA_HOME: helmHome,
  });
  return parseAllDocuments(rendered).flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw problem;
    return (document.toJS() as Manifest | null) ?? [];
  });
}

async function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve(code));
  });
  const [code, stdout, stderr] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
  if (code !== 0) throw new Error(`helm template: ${stderr.trim()}`);
  return stdout;
}
