// How many repairs are let through: a few at once, then one now and then. Moments are given, in ms; what is done with the
// answer is tested in reconcile-contest.test.ts.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RepairLimit } from '../../src/controller/repair-limit.ts';

const minute = 60_000;
const start = 1_767_225_600_000;

/** Repairs whenever it is allowed to, looking every second; how long after `from` each repair was, in ms. */
function repairsWithin(limit: RepairLimit, ms: number, from = start): readonly number[] {
  const times: number[] = [];
  for (let now = from; now <= from + ms; now += 1_000) {
    if (limit.nextAt('a', 'secret', now) > now) continue;
    limit.count('a', 'secret', now);
    times.push(now - from);
  }
  return times;
}

function exhausted(): RepairLimit {
  const limit = new RepairLimit();
  for (let count = 0; count < 5; count += 1) limit.count('a', 'secret', start);
  return limit;
}

describe('repairs', () => {
  test('are let through five times at once, then one in two minutes', () => {
    const limit = exhausted();
    expect(limit.nextAt('a', 'secret', start)).toBe(start + 2 * minute);
    expect(repairsWithin(limit, 7 * minute)).toEqual([2 * minute, 4 * minute, 6 * minute]);
  });

  test('are let through at once as long as there are some left', () => {
    const limit = new RepairLimit();
    for (let count = 0; count < 5; count += 1) {
      expect(limit.nextAt('a', 'secret', start)).toBe(start);
      limit.count('a', 'secret', start);
    }
    expect(limit.nextAt('a', 'secret', start)).toBeGreaterThan(start);
  });

  test('may be made at the moment that was told, and not before', () => {
    const limit = exhausted();
    for (const asked of [1, 17_001, 90_003, 119_998]) {
      const at = limit.nextAt('a', 'secret', start + asked);
      // To the millisecond: fractions of a repair are not exact.
      expect(Math.abs(at - (start + 2 * minute))).toBeLessThanOrEqual(1);
      expect(limit.nextAt('a', 'secret', at)).toBe(at);
      expect(limit.nextAt('a', 'secret', at - 2)).toBeGreaterThan(at - 2);
    }
  });

  test.each([
    ['two after four minutes of peace', 4 * minute, 2],
    ['five after ten minutes of peace', 10 * minute, 5],
    ['five after a year of peace, no more', 365 * 24 * 60 * minute, 5],
  ])('are let through again: %s', (_, peace, expected) => {
    expect(repairsWithin(exhausted(), 5_000, start + peace)).toHaveLength(expected);
  });

  test('of each namespace and kind have a limit of their own', () => {
    const limit = exhausted();
    expect(limit.nextAt('a', 'attach', start)).toBe(start);
    expect(limit.nextAt('b', 'secret', start)).toBe(start);
    for (let count = 0; count < 5; count += 1) limit.count('a', 'attach', start);
    expect(limit.nextAt('a', 'attach', start)).toBe(start + 2 * minute);
  });

  test('are counted anew after the namespace was forgotten, and only of that one', () => {
    const limit = exhausted();
    for (let count = 0; count < 5; count += 1) limit.count('b', 'secret', start);
    limit.forget('a');
    expect(limit.nextAt('a', 'secret', start)).toBe(start);
    expect(limit.nextAt('b', 'secret', start)).toBe(start + 2 * minute);
  });

  test('are never more than five and one for each two minutes, whatever is asked when', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 5 * minute }), { maxLength: 100 });
    fc.assert(
      fc.property(gaps, (waits) => {
        const limit = new RepairLimit();
        let now = start;
        let repairs = 0;
        for (const wait of waits) {
          now += wait;
          if (limit.nextAt('a', 'secret', now) > now) continue;
          limit.count('a', 'secret', now);
          repairs += 1;
        }
        expect(repairs).toBeLessThanOrEqual(5 + (now - start) / (2 * minute));
      }),
    );
  });
});

describe('when the clock is set back by a day', () => {
  const dayBefore = start - 24 * 60 * minute;

  test('the next repair is told for two minutes from the new time at the latest', () => {
    expect(exhausted().nextAt('a', 'secret', dayBefore)).toBeLessThanOrEqual(dayBefore + 2 * minute);
  });

  test('repairs go on within two minutes, and not for a day', () => {
    const limit = exhausted();
    const [first = Infinity] = repairsWithin(limit, 10 * minute, dayBefore);
    expect(first).toBeLessThanOrEqual(2 * minute);
  });

  test('there are not more of them than before', () => {
    expect(repairsWithin(exhausted(), 10 * minute, dayBefore).length).toBeLessThanOrEqual(6);
  });
});
