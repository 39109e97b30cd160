// The controller's first fill, one refresh of all, a restart with fresh Secrets, and what foreign Secrets cost: times by the
// controller's own log, requests by the API server's audit log, CPU and memory by Linux.
import { setTimeout as sleep } from 'node:timers/promises';
import { AuditLog, type Mark } from '../rig/control-plane/audit.ts';
import type { ControllerProcess } from '../rig/controller-process.ts';
import type { Stage } from '../rig/stage.ts';
import { type Crowd, forAll } from './crowd.ts';
import { startAsPod } from './pod.ts';
import type { Raw } from './raw.ts';
import type { Report } from './report.ts';
import { usageOf } from './usage.ts';

interface FillProps {
  readonly stage: Stage;
  readonly crowd: Crowd;
  readonly raw: Raw;
  readonly report: Report;
  /** Of the tokens, in s: all are due at the same moment after half of it. */
  readonly life: number;
}

/** The times (ms since the epoch) of the log lines that say this. */
function timesOf(controller: ControllerProcess, what: RegExp): readonly number[] {
  const lines = controller.logs().filter((line) => what.test(String(line['what'] ?? line['msg'])));
  return lines.map(({ time }) => Date.parse(String(time)));
}

async function untilDone(
  controller: ControllerProcess,
  what: RegExp,
  count: number,
): Promise<readonly number[]> {
  for (;;) {
    const times = timesOf(controller, what);
    if (times.length >= count) return times;
    await sleep(500);
  }
}

const secondsBetween = (times: readonly number[], from = times[0] ?? 0): number =>
  ((times.at(-1) ?? 0) - from) / 1_000;

async function requestsSince(stage: Stage, mark: Mark): Promise<string> {
  const entries = await new AuditLog(stage.plane, stage.admin).since(mark, { user: stage.installation.user });
  const verbs = Object.groupBy(entries, ({ verb, resource }) => `${verb} ${resource}`);
  return Object.entries(verbs)
    .map(([what, list]) => `${list?.length} ${what}`)
    .join(', ');
}

/** First fill and one refresh. */
export async function measureFill({ stage, crowd, raw, report, life }: FillProps): Promise<void> {
  const { size } = crowd;
  await crowd.clear(stage.secretName);
  await crowd.annotate('true');
  const undo = stage.aws.behave({ service: 'ecr' }, { lifeSeconds: life });
  const audit = new AuditLog(stage.plane, stage.admin);
  const calls = stage.aws.count();
  const fillMark = await audit.mark();
  const controller = await startAsPod(stage);
  const created = await untilDone(controller, /^create Secret/, size);
  const fill = secondsBetween(created, timesOf(controller, /^synced$/)[0]);
  const rate = (2 * size) / fill;
  const after = usageOf(controller.pid);
  report.add(`first fill of ${size}`, `${fill.toFixed(2)} s, ${rate.toFixed(0)} requests/s`);
  report.add(`first fill of ${size}: ratio to the raw rate`, (rate / raw.creates).toFixed(2), '≥ 0.8');
  report.add(
    `first fill of ${size}: requests`,
    await requestsSince(stage, fillMark),
    '1 + 1 for each namespace',
  );
  report.add(`first fill of ${size}: calls to AWS`, String(stage.aws.count() - calls), '2');
  const perThousand = (after.cpuSeconds * 1_000) / size;
  report.add(
    `first fill of ${size}: CPU`,
    `${after.cpuSeconds.toFixed(2)} s, ${perThousand.toFixed(2)} s per 1,000`,
    '≤ 1 s per 1,000',
  );

  report.note(`waiting for the tokens to be due, ${life / 2} s after their issue`);
  const refreshMark = await audit.mark();
  const updated = await untilDone(controller, /^update Secret/, size);
  const refresh = secondsBetween(updated.slice(0, size));
  const refreshRate = size / refresh;
  report.add(`refresh of ${size}`, `${refresh.toFixed(2)} s, ${refreshRate.toFixed(0)} requests/s`);
  report.add(`refresh of ${size}: ratio to the raw rate`, (refreshRate / raw.updates).toFixed(2), '≥ 0.8');
  report.add(`refresh of ${size}: requests`, await requestsSince(stage, refreshMark), '1 for each namespace');
  const { peakRss } = usageOf(controller.pid);
  report.add(
    `peak RSS with ${size} namespaces`,
    `${peakRss.toFixed(0)} MiB`,
    size > 1_000 ? '≤ 160 MiB' : '≤ 80 MiB',
  );
  undo();
  await controller.stop();
}

/** Start to synced, with Secrets that are fresh. */
export async function measureRestart(stage: Stage, crowd: Crowd, report: Report): Promise<void> {
  const first = await startAsPod(stage);
  await untilDone(first, /^update Secret/, crowd.size);
  await first.stop();
  const startedAt = Date.now();
  const controller = await startAsPod(stage);
  const [synced = Number.NaN] = await untilDone(controller, /^synced$/, 1);
  report.add('start to synced', `${((synced - startedAt) / 1_000).toFixed(2)} s`, '≤ 1 s');
  await controller.stop();
}

const foreignCount = 10_000;

/** What 10,000 Secrets of other names do to our memory. */
export async function measureForeign(stage: Stage, crowd: Crowd, report: Report): Promise<void> {
  // The first start may still have something to write; the second has not.
  await settledRss(stage);
  const before = await settledRss(stage);
  report.note(`making ${foreignCount} foreign Secrets of 8 KB`);
  const data = { key: Buffer.alloc(8 * 1_024, 'x').toString('base64') };
  await forAll(
    Array.from({ length: foreignCount }, (_, index) => index),
    (index) => {
      const namespace = crowd.namespaces[index % crowd.size] ?? '';
      const metadata = { name: `foreign-${Math.floor(index / crowd.size)}`, namespace };
      const body = { apiVersion: 'v1', kind: 'Secret', metadata, data };
      return stage.admin.request({ method: 'POST', path: `/api/v1/namespaces/${namespace}/secrets`, body });
    },
  );
  const after = await settledRss(stage);
  const difference = after - before;
  report.add(
    `peak RSS with ${foreignCount} foreign Secrets`,
    `${difference >= 0 ? '+' : ''}${difference.toFixed(1)} MiB`,
    '+ 0 (± 5) MiB',
  );
}

async function settledRss(stage: Stage): Promise<number> {
  const controller = await startAsPod(stage);
  await sleep(5_000);
  const { peakRss } = usageOf(controller.pid);
  await controller.stop();
  return peakRss;
}
