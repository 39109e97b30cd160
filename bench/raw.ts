// The raw limit: how many server-side applies of such a Secret the API server takes from a client that does nothing else, in a
// process of its own as the controller is.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Stage } from '../rig/stage.ts';
import type { Crowd } from './crowd.ts';
import type { Report } from './report.ts';

/** Applies a second, best of several numbers in flight. */
export interface Raw {
  readonly creates: number;
  readonly updates: number;
}

/** Measures it, and leaves nothing behind. */
export async function measureRaw(stage: Stage, crowd: Crowd, report: Report): Promise<Raw> {
  report.note('the raw rate of server-side applies, with 8, 16 and 32 in flight');
  const best = { creates: 0, updates: 0 };
  for (const inFlight of [8, 16, 32]) {
    const creates = await runClient(stage, crowd, inFlight);
    const updates = await runClient(stage, crowd, inFlight);
    report.note(`${inFlight} in flight: ${creates.toFixed(0)} creates/s, ${updates.toFixed(0)} updates/s`);
    best.creates = Math.max(best.creates, creates);
    best.updates = Math.max(best.updates, updates);
    await crowd.clear(stage.secretName);
  }
  report.add(
    'raw server-side applies',
    `${best.creates.toFixed(0)} creates/s, ${best.updates.toFixed(0)} updates/s`,
  );
  return best;
}

async function runClient(stage: Stage, crowd: Crowd, inFlight: number): Promise<number> {
  const { url, caFile } = stage.plane;
  const input = {
    url,
    caFile,
    token: await stage.installation.token(),
    namespaces: crowd.namespaces,
    secretName: stage.secretName,
    inFlight,
  };
  const child = promisify(execFile)(process.execPath, [new URL('raw-client.ts', import.meta.url).pathname]);
  child.child.stdin?.end(JSON.stringify(input));
  const { stdout } = await child;
  return Number(stdout);
}
