// A worker with a real queue and a manual clock, for which the test says what each step ends in; and the outcomes to say
// it with. It remembers when which key ran, and checks nothing.
import type { Outcome } from '../../src/controller/outcome.ts';
import { WorkQueue } from '../../src/controller/work-queue.ts';
import { type Bug, Worker } from '../../src/controller/worker.ts';
import { Retryable } from '../../src/domain/errors.ts';
import { ManualClock } from './manual-clock.ts';
import { RecordedEvents, RecordedLog, RecordedMetrics } from './model-ports.ts';

/** In ms. */
export const second = 1_000;
export const hour = 3_600 * second;

const quiet = { done: [], problems: [] } as const;
export const settled: Outcome = { kind: 'settled', ...quiet };
export const awaiting: Outcome = { kind: 'awaiting', tokens: ['k'], ...quiet };
export const recheck = (at: number): Outcome => ({ kind: 'recheck', at, ...quiet });
export const blocked = (at?: number): Outcome => ({
  kind: 'blocked',
  ...quiet,
  ...(at === undefined ? {} : { at }),
});
export const retry = (afterMs?: number): Outcome => ({
  kind: 'retry',
  failure: new Retryable('throttled', 'the API server is busy', afterMs),
  ...quiet,
});

/** Works with what `outcomeOf` gives for the key's nth run, which may throw; `start` is when the clock began. */
export function working(
  outcomeOf: (run: number, key: string, now: number) => Outcome | Promise<Outcome>,
  workers = 1,
) {
  const clock = new ManualClock();
  const [metrics, log, events] = [new RecordedMetrics(), new RecordedLog(), new RecordedEvents()];
  const queue = new WorkQueue({ clock, metrics });
  const start = clock.now();
  const runs: { readonly key: string; readonly at: number }[] = [];
  const noted: [string, (Outcome | Bug)['kind']][] = [];
  const reconcile = async (key: string) => {
    runs.push({ key, at: clock.now() - start });
    return outcomeOf(runs.filter((run) => run.key === key).length, key, clock.now());
  };
  const onOutcome = (key: string, { kind }: Outcome | Bug) => void noted.push([key, kind]);
  const worker = new Worker({ queue, reconcile, clock, log, metrics, events, onOutcome });
  const ended = worker.run(workers);
  /** When the key ran, in ms since the start. */
  const timesOf = (key: string) => runs.filter((run) => run.key === key).map(({ at }) => at);
  return { clock, metrics, log, events, queue, runs, noted, ended, timesOf };
}

/** The moments at which a key ran that was added once, within a day. */
export async function timesWith(outcomeOf: Parameters<typeof working>[0], random: number | number[] = 0.5) {
  const { clock, queue, timesOf } = working(outcomeOf);
  clock.chance = random;
  queue.add('a', 'urgent');
  await clock.advance(24 * hour);
  return timesOf('a');
}
