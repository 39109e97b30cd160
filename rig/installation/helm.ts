// The real helm as a child process, in an environment that has nothing of this machine's: no repositories, no plugins, no
// cluster. Used by render-chart, by `npm run generate` and by the chart's tests.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { asset, type Progress } from '../control-plane/assets.ts';

/** The project's chart. */
export const chartFolder = join(import.meta.dirname, '../../charts/ecr-pull-secrets');

interface HelmOptions {
  /** A folder for helm's own files. */
  readonly home: string;
  readonly progress?: Progress;
}

/** Runs helm. @returns what it wrote @throws Error with helm's own words when it fails */
export async function helm(args: readonly string[], { home, progress }: HelmOptions): Promise<string> {
  const command = await asset('helm', { ...(progress && { progress }) });
  const env = { HOME: home, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home };
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve(code));
  });
  const [code, stdout, stderr] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
  // `helm lint` tells its findings on the other stream.
  if (code !== 0) throw new Error(`helm ${args[0]}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}
