// What the worker makes of each outcome: when the key is looked at again, what is counted, and that it goes on whatever
// happens. Queue and clock are real, outcomes are given. How problems are told is in worker-problems.test.ts.
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/controller/outcome.ts';
import { WorkQueue } from '../../src/controller/work-queue.ts';
import { type Bug, Worker } from '../../src/controller/worker.ts';
import { Retryable } from '../../src/domain/errors.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordedEvents, RecordedLog, RecordedMetrics } from '../support/model-ports.ts';

const second = 1_000;
const hour = 3_600 * second;
const quiet = { done: [], problems: [] } as const;
const settled: Outcome = { kind: 'settled', ...quiet };
const recheck = (at: number): Outcome => ({ kind: 'recheck', at, ...quiet });
const retry = (afterMs?: number): Outcome => ({
  kind: 'retry',
  failure: new Retryable('throttled', 'the API server is busy', afterMs),
  ...quiet,
});

/** Works with what `outcomeOf` gives for the key's nth run, which may throw; `start` is when the clock began. */
function working(
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
async function timesWith(outcomeOf: Parameters<typeof working>[0], random: number | number[] = 0.5) {
  const { clock, queue, timesOf } = working(outcomeOf);
  clock.chance = random;
  queue.add('a', 'urgent');
  await clock.advance(24 * hour);
  return timesOf('a');
}

describe('a key is looked at again', () => {
  test('never by itself when it is settled, also where it had been scheduled', async () => {
    const times = await timesWith((run, _, now) => (run === 1 ? recheck(now + hour) : settled));
    expect(times).toEqual([0, hour]);
    const { clock, queue, timesOf } = working(() => settled);
    queue.addAt('a', clock.now() + hour);
    queue.add('a', 'urgent');
    await clock.advance(24 * hour);
    expect(timesOf('a')).toEqual([0]);
  });

  test('only when it is woken, while tokens are under way', async () => {
    const { clock, queue, timesOf } = working(() => ({ kind: 'awaiting', tokens: ['k'], ...quiet }));
    queue.add('a', 'urgent');
    await clock.advance(24 * hour);
    expect(timesOf('a')).toEqual([0]);
    queue.wake('a');
    await clock.settle();
    expect(timesOf('a')).toEqual([0, 24 * hour]);
  });

  test('at the moment that the step says', async () => {
    expect(await timesWith((run, _, now) => (run < 4 ? recheck(now + 5 * hour) : settled))).toEqual([
      0,
      5 * hour,
      10 * hour,
      15 * hour,
    ]);
  });

  test('only when an input changes, where the step says Infinity', async () => {
    const { clock, queue, timesOf } = working((run, _, now) => recheck(run === 1 ? now + hour : Infinity));
    queue.add('a', 'urgent');
    await clock.advance(48 * hour);
    expect(timesOf('a')).toEqual([0, hour]);
    queue.add('a', 'urgent');
    await clock.settle();
    expect(timesOf('a')).toEqual([0, hour, 48 * hour]);
  });

  test.each<[string, number | undefined, number]>([
    ['in an hour when it is blocked', undefined, hour],
    ['in an hour when it is blocked and the rest is due later', 5 * hour, hour],
    ['earlier when something is due earlier', 600 * second, 600 * second],
    ['in an hour when nothing is due ever', Infinity, hour],
  ])('%s', async (_, due, expected) => {
    const times = await timesWith((run, __, now) => {
      if (run > 1) return settled;
      return { kind: 'blocked', ...quiet, ...(due === undefined ? {} : { at: now + due }) };
    });
    expect(times).toEqual([0, expected]);
  });

  test('hourly as long as it is blocked, and at once when an input changes', async () => {
    const { clock, queue, timesOf } = working(() => ({ kind: 'blocked', ...quiet }));
    queue.add('a', 'urgent');
    await clock.advance(2.5 * hour);
    queue.add('a', 'urgent');
    await clock.advance(hour);
    expect(timesOf('a')).toEqual([0, hour, 2 * hour, 2.5 * hour, 3.5 * hour]);
  });

  test('after what the API server asked for, and no back-off', async () => {
    const times = await timesWith((run) => (run <= 3 ? retry(7 * second) : settled));
    expect(times).toEqual([0, 7 * second, 14 * second, 21 * second]);
  });

  test('at once where the API server asked for no delay', async () => {
    expect(await timesWith((run) => (run === 1 ? retry(0) : settled))).toEqual([0, 0]);
  });
});

describe('the back-off of a key', () => {
  const gaps = (times: readonly number[]) => times.slice(1).map((at, index) => at - (times[index] ?? 0));
  const bug = () => {
    throw new Error('nobody foresaw');
  };

  test.each<[string, () => Outcome]>([
    ['a failure of the API server', () => retry()],
    ['a bug', bug],
  ])('doubles with each %s in a row, up to five minutes', async (_, fail) => {
    const times = await timesWith((run) => (run <= 14 ? fail() : settled), 0);
    expect(gaps(times)).toEqual([
      50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400, 150_000, 150_000,
    ]);
  });

  test('is spread by chance', async () => {
    const times = await timesWith((run) => (run <= 3 ? retry() : settled), [0, 0.5, 0.75]);
    expect(gaps(times)).toEqual([50, 150, 350]);
  });

  test.each<[string, (now: number) => Outcome]>([
    ['something to look at later', (now) => recheck(now + second)],
    ['a block', (now) => ({ kind: 'blocked', at: now + second, ...quiet })],
  ])('begins anew after %s', async (_, good) => {
    const times = await timesWith((run, __, now) => {
      if (run > 6) return settled;
      return run <= 3 || run === 5 ? retry() : good(now);
    }, 0);
    expect(gaps(times).slice(0, 5)).toEqual([50, 100, 200, second, 50]);
  });

  test('counts each key for itself', async () => {
    const { clock, queue, timesOf } = working((run, key) =>
      run <= (key === 'bad' ? 5 : 1) ? retry() : settled,
    );
    clock.chance = 0;
    queue.add('bad', 'urgent');
    await clock.advance(300);
    queue.add('good', 'urgent');
    await clock.advance(hour);
    expect(timesOf('bad')).toEqual([0, 50, 150, 350, 750, 1_550]);
    expect(timesOf('good')).toEqual([300, 350]);
  });

  test('does not keep a key waiting that an input changed meanwhile', async () => {
    const { clock, queue, timesOf } = working((run) => (run === 1 ? retry(hour) : settled));
    queue.add('a', 'urgent');
    await clock.advance(second);
    queue.add('a', 'urgent');
    await clock.advance(4 * hour);
    expect(timesOf('a')).toEqual([0, second]);
  });
});

describe('a step that throws', () => {
  test.each<[string, unknown]>([
    ['an Error', new Error('nobody foresaw this')],
    ['anything', 'text'],
    ['nothing', undefined],
  ])('%s is a bug: counted, an error line with what was thrown, and the others go on', async (_, thrown) => {
    const { clock, queue, log, metrics, events, runs } = working((run, key) => {
      if (key === 'bad' && run === 1) throw thrown;
      return settled;
    });
    for (const key of ['before', 'bad', 'after']) queue.add(key, 'urgent');
    await clock.advance(hour);
    expect(runs.map(({ key }) => key)).toEqual(['before', 'bad', 'after', 'bad']);
    expect(log.at('error')).toEqual([
      { level: 'error', message: 'unexpected error', fields: { namespace: 'bad', error: thrown } },
    ]);
    expect(metrics.all).toEqual({ 'reconciled settled': 3, 'reconciled bug': 1, bug: 1 });
    expect(events.warnings).toEqual([]);
  });
});

describe('several workers', () => {
  test('work on as many keys at a time, and never on the same one', async () => {
    const open = new Map<string, () => void>();
    const atOnce: number[] = [];
    const { clock, queue, runs } = working(async (_, key) => {
      expect(open.has(key)).toBe(false);
      await new Promise<void>((resolve) => open.set(key, resolve));
      return settled;
    }, 3);
    for (let round = 0; round < 30; round += 1) {
      for (const key of ['a', 'b', 'c', 'd', 'e']) queue.add(key, round % 2 === 0 ? 'urgent' : 'routine');
      await clock.settle();
      atOnce.push(open.size);
      const [key, end] = [...open][round % open.size] ?? [];
      open.delete(key ?? '');
      end?.();
      await clock.settle();
    }
    expect(new Set(atOnce)).toEqual(new Set([3]));
    expect(runs.length).toBe(33);
  });

  test('one that hangs does not hold up the others', async () => {
    const { clock, queue, noted } = working(
      (_, key) => (key === 'hangs' ? new Promise(() => {}) : settled),
      2,
    );
    for (const key of ['hangs', 'a', 'b', 'c']) queue.add(key, 'urgent');
    await clock.settle();
    expect(noted.map(([key]) => key)).toEqual(['a', 'b', 'c']);
  });

  test('end when the queue is closed, after the steps under way', async () => {
    const steps: (() => void)[] = [];
    const { clock, queue, noted, ended } = working(async () => {
      await new Promise<void>((resolve) => void steps.push(resolve));
      return settled;
    }, 4);
    let over = false;
    void ended.then(() => (over = true));
    queue.add('a', 'urgent');
    await clock.settle();
    queue.add('b', 'urgent');
    await clock.settle();
    queue.close();
    await clock.settle();
    expect(over).toBe(false);
    for (const end of steps) end();
    await clock.settle();
    expect([over, noted]).toEqual([
      true,
      [
        ['a', 'settled'],
        ['b', 'settled'],
      ],
    ]);
  });
});

test('each step is counted by its outcome, with the time it took', async () => {
  const clocks: ManualClock[] = [];
  const { clock, queue, metrics } = working(async (run, _, now) => {
    await new Promise<void>((resolve) => void clocks[0]?.setTimer(run * 250, resolve));
    return run === 1 ? recheck(now + hour) : settled;
  });
  clocks.push(clock);
  queue.add('a', 'urgent');
  await clock.advance(2 * hour);
  expect(metrics.all).toEqual({ 'reconciled recheck': 1, 'reconciled settled': 1 });
  expect(metrics.seconds).toEqual([0.25, 0.5]);
});
