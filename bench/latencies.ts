// How long people wait: from annotation to Secret on an idle controller and while it refreshes everybody, from deletion and
// from emptying to repair. Seen by one watch, as a kubelet sees it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from '../rig/stage.ts';
import type { Crowd } from './crowd.ts';
import { startAsPod } from './pod.ts';
import { type Report, percentile } from './report.ts';
import { SecretWatch } from './secret-watch.ts';

const samples = 100;
/** Of the tokens, in s, while everybody is refreshed. */
const life = 60;

interface LatencyProps {
  readonly stage: Stage;
  readonly crowd: Crowd;
  readonly report: Report;
}

/** Measures all of it. */
export async function measureLatencies({ stage, crowd, report }: LatencyProps): Promise<void> {
  const idle = await arrive(stage, 'idle');
  const busy = await arrive(stage, 'busy');
  const controller = await startAsPod(stage);
  await sleep(2_000);
  const watch = await SecretWatch.open(stage);
  // The first one fetches the token: from then on it is warm.
  const warmUp = await stage.createNamespace('warm-up');
  await watch.time(warmUp, () => optIn(stage, warmUp));
  const show = (what: string, times: readonly number[], aim: string) => {
    const [p50, p99] = [0.5, 0.99].map((share) => percentile(times, share).toFixed(1));
    report.add(what, `p50 ${p50} ms, p99 ${p99} ms (${times.length} samples)`, aim);
  };

  show(
    'annotation to Secret, idle',
    await timeEach(watch, idle, (name) => optIn(stage, name)),
    'p50 ≤ 15 ms, p99 ≤ 50 ms',
  );
  const gone = (name: string) => stage.admin.request({ method: 'DELETE', path: pathOf(stage, name) });
  show('deletion to repair', await timeEach(watch, idle, gone), 'p50 ≤ 15 ms, p99 ≤ 50 ms');
  const empty = (name: string) =>
    stage.admin.request({
      method: 'PATCH',
      path: pathOf(stage, name),
      body: { data: { '.dockerconfigjson': Buffer.from('{"auths":{}}').toString('base64') } },
      contentType: 'application/merge-patch+json',
    });
  show('emptying to repair', await timeEach(watch, idle, empty, 2), 'p50 ≤ 15 ms, p99 ≤ 50 ms');
  await controller.stop();

  // Everybody gets a short-lived token, and is refreshed at the same moment.
  const undo = stage.aws.behave({ service: 'ecr' }, { lifeSeconds: life });
  await stage.installation.upgrade(stage.values({ secretLabels: { round: 'busy' } }));
  const refreshing = await startAsPod(stage);
  const isUpdate = (line: Readonly<Record<string, unknown>>) =>
    String(line['what']).startsWith('update Secret');
  const updates = () => refreshing.logs().filter(isUpdate).length;
  // Everybody is rewritten once for the new label; only when that is over, the refresh is awaited.
  let first = 0;
  while (first < crowd.size || updates() > first) {
    first = updates();
    await sleep(2_000);
  }
  while (updates() < first + 5) await sleep(10);
  const times = await Promise.all(
    busy.map(async (name, index) => {
      await sleep(index * 10);
      return watch.time(name, () => optIn(stage, name));
    }),
  );
  show('annotation to Secret, while 1,000 are refreshed', times, 'p99 ≤ 150 ms');
  undo();
  watch.close();
  await refreshing.stop();
  await stage.installation.upgrade(stage.values({}));
}

const pathOf = (stage: Stage, name: string): string =>
  `/api/v1/namespaces/${name}/secrets/${stage.secretName}`;

const optIn = (stage: Stage, name: string) =>
  stage.admin.annotate(name, { 'ecr-pull-secrets/enabled': 'true' });

function arrive(stage: Stage, name: string): Promise<readonly string[]> {
  const names = Array.from({ length: samples }, (_, index) => `${name}${index}`);
  return Promise.all(names.map((each) => stage.createNamespace(each)));
}

async function timeEach(
  watch: SecretWatch,
  names: readonly string[],
  change: (name: string) => Promise<unknown>,
  events = 1,
): Promise<readonly number[]> {
  const times: number[] = [];
  for (const name of names) times.push(await watch.time(name, () => change(name), events));
  return times;
}
