// What the worker makes of each outcome: when the key is looked at again, and how several workers share the queue. Queue
// and clock are real, outcomes are given. See also worker-backoff.test.ts and worker-problems.test.ts.
import { describe, expect, test } from 'vitest';
import type { ManualClock } from '../support/manual-clock.ts';
import {
  awaiting,
  blocked,
  hour,
  recheck,
  retry,
  second,
  settled,
  timesWith,
  working,
} from '../support/working-worker.ts';

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
    const { clock, queue, timesOf } = working(() => awaiting);
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
      return blocked(due === undefined ? undefined : now + due);
    });
    expect(times).toEqual([0, expected]);
  });

  test('hourly as long as it is blocked, and at once when an input changes', async () => {
    const { clock, queue, timesOf } = working(() => blocked());
    queue.add('a', 'urgent');
    await clock.advance(2.5 * hour);
    queue.add('a', 'urgent');
    await clock.advance(hour);
    expect(timesOf('a')).toEqual([0, hour, 2 * hour, 2.5 * hour, 3.5 * hour]);
  });

  test('after what the API server asked for, where that is longer than the back-off', async () => {
    const times = await timesWith((run) => (run <= 3 ? retry(7 * second) : settled));
    expect(times).toEqual([0, 7 * second, 14 * second, 21 * second]);
  });

  test.each([0, -1, 20])('after the back-off where the API server asked for less: %i ms', async (asked) => {
    expect(await timesWith((run) => (run === 1 ? retry(asked) : settled))).toEqual([0, 75]);
  });

  test.each([7 * 60 * second, 24 * hour])(
    'after five minutes at the latest, whatever the API server asked for: %i ms',
    async (asked) => {
      expect(await timesWith((run) => (run === 1 ? retry(asked) : settled))).toEqual([0, 300 * second]);
    },
  );
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
