// What is done about a host whose token cannot be had: its old entry stays, the others are served, somebody is told, and it
// is tried again. Plans without failures are tested in plan.test.ts.
import { describe, expect, test } from 'vitest';
import { type TokenState, needsHeldAuths } from '../../src/domain/plan.ts';
import type { TokenTimes } from '../../src/domain/token.ts';
import type { SecretView } from '../../src/domain/views.ts';
import {
  failed,
  fresh,
  heldBoth,
  inIreland,
  inOhio,
  intent,
  irish,
  minute,
  newToken,
  now,
  nowSeconds,
  observe,
  ohioan,
  old,
  planFor,
  recorded,
  settings,
  states,
  written,
} from '../support/two-regions.ts';
import { aSecret, anIntent, midnight, twelveHours } from '../support/views.ts';

describe('a host whose token cannot be had', () => {
  const oneFailed = states(fresh('a'), failed(minute));

  test('keeps its old entry and its old times, while the good one is renewed', () => {
    const planned = planFor(observe(), oneFailed, heldBoth);
    expect(written(planned)).toEqual({ [inIreland]: 'a', [inOhio]: 'held-ohio' });
    expect(recorded(planned)?.get(ohioan)).toEqual({ issued: midnight, expires: midnight + twelveHours });
    expect(recorded(planned)?.get(irish)).toEqual({ issued: nowSeconds, expires: nowSeconds + twelveHours });
  });

  test('keeps it also when it has expired', () => {
    const later = observe({ now: now + 24 * 60 * minute });
    expect(written(planFor(later, oneFailed, heldBoth))).toEqual({ [inIreland]: 'a', [inOhio]: 'held-ohio' });
  });

  test('keeps it also when somebody removed the record of its times', () => {
    const secret = aSecret({ annotations: { tokens: '' } }, { intent, settings });
    const planned = planFor(observe({ secret }), oneFailed, heldBoth);
    expect(written(planned)).toEqual({ [inIreland]: 'a', [inOhio]: 'held-ohio' });
    expect([...(recorded(planned)?.keys() ?? [])]).toEqual([irish]);
  });

  test('is left out where the Secret never had it; the others are served', () => {
    const planned = planFor(observe({ secret: undefined }), oneFailed);
    expect(written(planned)).toEqual({ [inIreland]: 'a' });
  });

  test('is left out where it is no longer wanted', () => {
    const fewer = observe({ intent: anIntent({ hosts: [inIreland] }) });
    expect(written(planFor(fewer, new Map([[irish, fresh('a')]]), heldBoth))).toEqual({ [inIreland]: 'a' });
  });

  test('does not cause the same Secret to be written again and again', () => {
    const times = new Map<string, TokenTimes>([
      [irish, newToken('a')],
      [ohioan, { issued: midnight, expires: midnight + twelveHours }],
    ]);
    const planned = planFor(
      observe({ secret: aSecret({}, { intent, settings, times }) }),
      oneFailed,
      heldBoth,
    );
    expect(planned.actions).toEqual([]);
    expect(planned.recheckAt).toBe(now + minute);
  });

  test('is a problem that names the hosts, the identity and the cure, and when it is tried again', () => {
    expect(planFor(observe(), oneFailed, heldBoth).problems).toEqual([
      {
        reason: 'TokenUnavailable',
        subject: inOhio,
        note: `no token for ${inOhio} as the default AWS credentials: allow ecr:GetAuthorizationToken`,
        retryAt: now + minute,
        quietUntil: (midnight + 0.75 * twelveHours) * 1_000,
      },
    ]);
  });

  test('does not put off the look at the others: the earliest of due and retry counts', () => {
    const quarter = 15 * minute;
    const planned = planFor(observe(), states(fresh('a', 600), failed(quarter)), heldBoth);
    expect(planned.recheckAt).toBe(now + 5 * minute);
  });

  test('is tried again when it says so, where that comes before the others are due', () => {
    expect(planFor(observe(), oneFailed, heldBoth).recheckAt).toBe(now + minute);
    expect(planFor(observe(), states(fresh('a'), failed(-minute)), heldBoth).recheckAt).toBe(now + 1_000);
  });
});

describe('the old entries must be read', () => {
  const there = aSecret({}, { intent, settings });

  const pending: TokenState = { kind: 'pending' };

  test.each<[string, SecretView | undefined, readonly [TokenState, TokenState], boolean]>([
    ['not where every host has a token', there, [fresh('a'), fresh('b')], false],
    ['where one failed and the other is there', there, [fresh('a'), failed(minute)], true],
    [
      'where one failed and the other has an old token',
      there,
      [{ ...pending, ...old }, failed(minute)],
      true,
    ],
    ['not while the other is waited for, since nothing is written', there, [pending, failed(minute)], false],
    ['not where both failed, since nothing is written', there, [failed(minute), failed(minute)], false],
    ['not where the failed one has an old token', there, [fresh('a'), failed(minute, old)], false],
    ['not where there is no Secret', undefined, [fresh('a'), failed(minute)], false],
  ])('%s', (_, secret, [ireland, ohio], needed) => {
    expect(needsHeldAuths(observe({ secret }), states(ireland, ohio))).toBe(needed);
  });
});

describe('a problem with a token is quiet', () => {
  const loud = (midnight + 0.75 * twelveHours) * 1_000;
  const both = states(failed(10 * 60 * minute), failed(10 * 60 * minute));
  const quietUntil = (observed: ReturnType<typeof observe>) =>
    planFor(observed, both).problems.map((problem) => problem.quietUntil);

  test('until three quarters of the life of the token that the Secret holds, each host for itself', () => {
    const times = new Map<string, TokenTimes>([
      [irish, { issued: midnight, expires: midnight + twelveHours }],
      [ohioan, { issued: nowSeconds - 100, expires: nowSeconds + 300 }],
    ]);
    const observed = observe({ secret: aSecret({}, { intent, settings, times }) });
    expect(quietUntil(observed)).toEqual([loud, now + 200_000]);
  });

  test('and is looked at again at that moment, though no token is tried again by then', () => {
    expect(planFor(observe(), both).recheckAt).toBe(loud);
    expect(planFor(observe({ now: loud }), both).recheckAt).toBe(now + 10 * 60 * minute);
  });

  test.each<[string, Partial<Parameters<typeof observe>[0]>]>([
    ['from then on', { now: loud }],
    ['where there is no Secret', { secret: undefined }],
    [
      'where its record cannot be read',
      { secret: aSecret({ annotations: { tokens: '?' } }, { intent, settings }) },
    ],
    [
      'where the Secret never had the host',
      { secret: aSecret({ annotations: { tokens: '{}' } }, { intent, settings }) },
    ],
    [
      'where the life of its token had no length',
      {
        secret: aSecret(
          {},
          {
            intent,
            settings,
            times: new Map([irish, ohioan].map((key) => [key, { issued: 9, expires: 9 }])),
          },
        ),
      },
    ],
  ])('no more %s', (_, overrides) => {
    expect(quietUntil(observe(overrides))).toEqual([undefined, undefined]);
  });
});
