// Starts one real control plane for all cluster tests, and stops it after the last one. Vitest calls it once for each
// project: `oldest` gets the oldest Kubernetes that is supported, `cluster` the newest that there is on this machine.
import type { TestProject } from 'vitest/node';
import { type ControlPlane, startControlPlane } from '../../rig/control-plane/control-plane.ts';
import { envtest, type Kubernetes, kubernetesVersions } from '../../rig/control-plane/recipes.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly plane: ControlPlane;
  }
}

/** @returns what stops it */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const kubernetes = project.name === 'oldest' ? 'oldest' : 'newest';
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const running = await startControlPlane({ kubernetes, progress: say });
  try {
    expectVersion(kubernetes, running.plane.version);
  } catch (error) {
    await running.stop();
    throw error;
  }
  say(`• kube-apiserver ${running.plane.version}`);
  project.provide('plane', running.plane);
  return () => running.stop();
}

/** So that nobody takes a run on one Kubernetes for a run on another. */
function expectVersion(kubernetes: Kubernetes, version: string): void {
  const wanted = kubernetesVersions[kubernetes];
  if (kubernetes === 'oldest') {
    if (version !== `v${wanted}`) throw new Error(`kube-apiserver is ${version}, not v${wanted}`);
    return;
  }
  // KUBEBUILDER_ASSETS and the official archive have versions of their own.
  if (minorOf(version) >= minorOf(envtest.version)) return;
  throw new Error(
    `kube-apiserver is ${version}: these tests are about ${envtest.version} or newer (${wanted} when it is built here)`,
  );
}

const minorOf = (version: string): number => Number(version.split('.')[1]);
