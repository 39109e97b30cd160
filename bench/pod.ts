// Starts the controller as people run it: the bundle, as a pod, with the log level of the chart. Used by everything in here
// that looks at what the controller costs.
import type { ControllerProcess } from '../rig/controller-process.ts';
import type { Stage } from '../rig/stage.ts';
import { bundle } from '../scripts/build.ts';

/** Small young generations keep the peak low; a controller makes little garbage that lives. */
const nodeOptions = ['--max-semi-space-size=1'];

/** Starts it. */
export async function startAsPod(stage: Stage): Promise<ControllerProcess> {
  const { url, caFile } = stage.plane;
  const { tokenFile } = stage.installation;
  await stage.installation.refreshTokens();
  const pod = { url, caFile, tokenFile };
  return stage.startController({ bundle: { main: bundle, nodeOptions }, pod, args: ['--log-level', 'info'] });
}
