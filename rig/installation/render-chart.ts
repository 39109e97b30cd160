// The project's chart → Kubernetes objects, by the real helm. Used by rig/installation and the chart's tests. It reads no helm
// settings of the machine and needs no cluster.
import { writeFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import type { Progress } from '../control-plane/assets.ts';
import { chartFolder, helm } from './helm.ts';

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
  /** Further arguments of `helm template`. */
  readonly args?: readonly string[];
  readonly progress?: Progress;
}

/** @throws Error with helm's own words when the values are refused */
export async function renderChart(options: RenderChartOptions): Promise<readonly Manifest[]> {
  const { release, namespace, values, kubeVersion, valuesFile, helmHome, args = [], progress } = options;
  await writeFile(valuesFile, JSON.stringify(values), { mode: 0o600 });
  const template = [
    'template',
    release,
    chartFolder,
    '--namespace',
    namespace,
    '--kube-version',
    kubeVersion,
  ];
  const rendered = await helm([...template, '--values', valuesFile, ...args], {
    home: helmHome,
    ...(progress && { progress }),
  });
  return parseManifests(rendered);
}

/** The objects of a YAML text; comments alone are none. */
export function parseManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw problem;
    return (document.toJS() as Manifest | null) ?? [];
  });
}
