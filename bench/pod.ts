// Starts the controller as people run it: the bundle, as a pod, with the log level of the chart. Used by everything in here
// that looks at what the controller costs.
import type { ControllerProcess } from '../rig/controller-process.ts';
import type { Stage } from '../rig/stage.ts';
import { bundle } from '../scripts/build.ts';

/** The lowest peak (111 MiB) of nine settings, each tried once, that did not cost more CPU; see docs/figures.md. */
const nodeOptions = ['--max-semi-space-size=2', '--heap-growing-percent=10', '--v8-pool-size=1'];
const env = { MALLOC_ARENA_MAX: '1' };

/** Starts it. */
export async function startAsPod(stage: Stage): Promise<ControllerProcess> {
  const { url, caFile } = stage.plane;
  const { tokenFile, namespace } = stage.installation;
  await stage.installation.refreshTokens();
  const pod = { url, caFile, tokenFile, namespace };
  return stage.startController({
    bundle: { main: bundle, nodeOptions },
    pod,
    env,
    args: ['--log-level', 'info'],
  });
}
