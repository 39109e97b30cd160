// How long to wait after a failure, for any policy: the bound doubles, the delay lies in its upper half, nothing is longer
// than the maximum. What uses it is tested with the token cache and the worker.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffDelay } from '../../src/domain/backoff.ts';

const policy = { baseMs: 1_000, maxMs: 300_000 };
const almostOne = 1 - 2 ** -53;

test.each([
  [1, 500, 1_000],
  [2, 1_000, 2_000],
  [3, 2_000, 4_000],
  [9, 128_000, 256_000],
  [10, 150_000, 300_000],
  [1_000_000, 150_000, 300_000],
])('after %i failures in a row the delay is between %i and %i ms', (failures, least, most) => {
  expect(backoffDelay(policy, failures, 0)).toBe(least);
  expect(backoffDelay(policy, failures, almostOne)).toBeCloseTo(most, 3);
});

test('chance spreads the delay evenly over the upper half', () => {
  expect([0, 0.25, 0.5, 0.75].map((random) => backoffDelay(policy, 1, random))).toEqual([500, 625, 750, 875]);
});

const policies = fc
  .tuple(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 0, max: 1_000_000 }))
  .map(([baseMs, more]) => ({ baseMs, maxMs: baseMs + more }));

test('for any policy a further failure never shortens the bounds, and no delay is zero or above the maximum', () => {
  const failures = fc.integer({ min: 1, max: 10_000 });
  const random = fc.double({ min: 0, max: almostOne, noNaN: true });
  fc.assert(
    fc.property(policies, failures, random, (any, count, chance) => {
      const delay = backoffDelay(any, count, chance);
      expect(delay).toBeGreaterThan(0);
      expect(delay).toBeLessThanOrEqual(any.maxMs);
      expect(backoffDelay(any, count + 1, chance)).toBeGreaterThanOrEqual(delay);
    }),
  );
});
