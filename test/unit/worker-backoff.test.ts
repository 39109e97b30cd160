// How the worker goes on after a failure of the API server and after a bug: the back-off of each key, and that the others
// are not held up. Queue and clock are real, outcomes are given.
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/controller/outcome.ts';
import {
  blocked,
  hour,
  recheck,
  retry,
  second,
  settled,
  timesWith,
  working,
} from '../support/working-worker.ts';

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
    ['a block', (now) => blocked(now + second)],
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

  test('that goes on for an hour is told as an Event: the API server fails for longer than usual', async () => {
    const { clock, queue, events } = working(() => retry());
    queue.add('a', 'urgent');
    await clock.advance(second);
    expect(events.warnings).toEqual([]);
    await clock.advance(hour);
    expect(events.warnings.map(({ namespace }) => namespace)).toContain('a');
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
