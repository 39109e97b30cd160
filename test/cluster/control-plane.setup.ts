// Starts one real control plane for all cluster tests, and stops it after the last one. Vitest calls it once.
import type { TestProject } from 'vitest/node';
import { type ControlPlane, startControlPlane } from '../../rig/control-plane/control-plane.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly plane: ControlPlane;
  }
}

/** @returns what stops it */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const running = await startControlPlane({ progress: (line) => process.stderr.write(`${line}\n`) });
  project.provide('plane', running.plane);
  return () => running.stop();
}
