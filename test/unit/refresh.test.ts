// When tokens and Secrets are due. Arithmetic on given moments: nothing here waits or reads a clock.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type RefreshPolicy, secretDueAt, shortestDelay, tokenDueAt } from '../../src/domain/refresh.ts';
import { midnight, twelveHours } from '../support/views.ts';

const policy: RefreshPolicy = { atFraction: 0.5, spread: 0.1, maxAge: null };
const year = 365 * 86_400;

/** Seconds after the token's issue. */
const after = (ms: number): number => ms / 1_000 - midnight;

describe('a token is due', () => {
  test.each([
    { title: 'after half of twelve hours', life: twelveHours, maxAge: null, due: 21_600 },
    { title: 'after half of one hour', life: 3_600, maxAge: null, due: 1_800 },
    { title: 'after half of five seconds', life: 5, maxAge: null, due: 2.5 },
    { title: 'after half of a year', life: year, maxAge: null, due: year / 2 },
    { title: 'at once where it does not live at all', life: 0, maxAge: null, due: 0 },
    { title: 'at once where it expired before it was issued', life: -3_600, maxAge: null, due: 0 },
    { title: 'at the greatest age where that comes earlier', life: twelveHours, maxAge: 2_700, due: 2_700 },
    { title: 'at the fraction where the greatest age comes later', life: 3_600, maxAge: 2_700, due: 1_800 },
    { title: 'at the fraction where both are the same', life: 3_600, maxAge: 1_800, due: 1_800 },
    { title: 'not before its issue whatever the greatest age', life: -10, maxAge: 5, due: 0 },
  ])('$title', ({ life, maxAge, due }) => {
    const token = { issued: midnight, expires: midnight + life };
    expect(after(tokenDueAt(token, { ...policy, maxAge }))).toBe(due);
  });

  test('at the configured fraction of its life', () => {
    const token = { issued: midnight, expires: midnight + 1_000 };
    expect(after(tokenDueAt(token, { ...policy, atFraction: 0.25 }))).toBe(250);
  });
});

describe('a Secret is due', () => {
  const long = { issued: midnight, expires: midnight + twelveHours };
  const short = { issued: midnight, expires: midnight + 3_600 };
  const flat = { ...policy, spread: 0 };

  test('with its token where nothing is spread', () => {
    expect(secretDueAt([long], flat, 'team-a')).toBe(tokenDueAt(long, flat));
  });

  test('with the earliest of its tokens, in whatever order they come', () => {
    expect(secretDueAt([long, short], flat, 'team-a')).toBe(tokenDueAt(short, flat));
    expect(secretDueAt([short, long], flat, 'team-a')).toBe(tokenDueAt(short, flat));
  });

  test('never where it has no token', () => {
    expect(secretDueAt([], policy, 'team-a')).toBe(Infinity);
  });

  test('at a place of its own within the spread', () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `team-${index}`);
    const places = names.map((name) => (after(secretDueAt([long], policy, name)) - 21_600) / 2_160);
    const tenths = places.map((place) => Math.floor(place * 10));
    const counts = Array.from({ length: 10 }, (_, tenth) => tenths.filter((one) => one === tenth).length);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1_000);
    expect(Math.min(...counts)).toBeGreaterThan(50);
    expect(new Set(places).size).toBeGreaterThan(990);
  });

  test('at the same place in every process and version', () => {
    // 21,600 s and the first 32 bits of sha256("team-a") of 2,160 s: a restart must not move the moment.
    expect(after(secretDueAt([long], policy, 'team-a'))).toBeCloseTo(22_872.0366, 3);
  });
});

test('no delay is shorter than a second', () => {
  expect(shortestDelay).toBe(1_000);
});

const lives = fc.integer({ min: -100, max: 10 * year });
const policies = fc.record({
  atFraction: fc.double({ min: 0.01, max: 0.8, noNaN: true }),
  spread: fc.double({ min: 0, max: 1, noNaN: true }),
  maxAge: fc.option(fc.integer({ min: 1, max: 360_000 })),
});
const tokens = fc
  .record({ issued: fc.integer({ min: 0, max: 4_000_000_000 }), life: lives })
  .map(({ issued, life }) => ({ issued, expires: issued + life }));
const someTokens = fc.array(tokens, { minLength: 1, maxLength: 5 });

describe('for any token and policy', () => {
  test('nothing is due before it was issued, nor a token after its greatest age', () => {
    fc.assert(
      fc.property(tokens, policies, (token, any) => {
        const age = tokenDueAt(token, any) - token.issued * 1_000;
        expect(age).toBeGreaterThanOrEqual(0);
        expect(age).toBeLessThanOrEqual((any.maxAge ?? Infinity) * 1_000);
      }),
    );
  });

  test('a Secret is never due before the earliest of its tokens', () => {
    fc.assert(
      fc.property(someTokens, policies, fc.string(), (some, any, namespace) => {
        const earliest = Math.min(...some.map((token) => tokenDueAt(token, any)));
        expect(secretDueAt(some, any, namespace)).toBeGreaterThanOrEqual(earliest);
      }),
    );
  });

  test('one more token never makes a Secret due later', () => {
    fc.assert(
      fc.property(someTokens, tokens, policies, fc.string(), (some, another, any, namespace) => {
        const before = secretDueAt(some, any, namespace);
        expect(secretDueAt([...some, another], any, namespace)).toBeLessThanOrEqual(before);
      }),
    );
  });

  test('the moment is the same each time it is computed', () => {
    fc.assert(
      fc.property(someTokens, policies, fc.string(), (some, any, namespace) => {
        const again = secretDueAt(some.toReversed(), { ...any }, namespace);
        expect(again).toBe(secretDueAt(some, any, namespace));
      }),
    );
  });

  test('a policy that the configuration admits leaves a fifth of the life for repeated tries', () => {
    const admitted = policies.filter(({ atFraction, spread }) => atFraction * (1 + spread) <= 0.8);
    fc.assert(
      fc.property(tokens, admitted, fc.string(), (token, any, namespace) => {
        const life = Math.max(0, token.expires - token.issued);
        const latest = (token.issued + 0.8 * life) * 1_000;
        // A millisecond for the rounding of numbers of this size.
        expect(secretDueAt([token], any, namespace)).toBeLessThanOrEqual(latest + 1);
      }),
    );
  });
});
