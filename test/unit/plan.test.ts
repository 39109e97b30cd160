// What is done about a diagnosis: when it writes, what it attaches, when it looks again. Values only; performing the
// actions is the controller's. For failures see plan-failures.test.ts, for random states plan-properties.test.ts.
import { describe, expect, test } from 'vitest';
import type { Observed } from '../../src/domain/checks.ts';
import type { Plan, TokenState } from '../../src/domain/plan.ts';
import { secretDueAt } from '../../src/domain/refresh.ts';
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
import {
  aSecret,
  aServiceAccount,
  aSettings,
  anIntent,
  hostIn,
  midnight,
  twelveHours,
} from '../support/views.ts';

describe('with a token for every host', () => {
  test.each([
    ['that is missing', undefined],
    ['that is due', aSecret({}, { intent, settings })],
    ['that was made from other hosts', aSecret({}, { intent: anIntent(), settings })],
    ['whose record is unreadable', aSecret({ annotations: { tokens: '?' } }, { intent, settings })],
  ])('a Secret %s is written with all of them', (_, secret) => {
    const planned = planFor(observe({ secret }), states(fresh('a'), fresh('b')));
    expect(written(planned)).toEqual({ [inIreland]: 'a', [inOhio]: 'b' });
    expect(planned).toMatchObject({ problems: [], awaiting: [] });
  });

  test('the next look is when the earliest is due: lives of twelve hours and one hour', () => {
    const planned = planFor(observe(), states(fresh('a'), fresh('b', 3_600)));
    expect(recorded(planned)?.get(ohioan)).toEqual({ issued: nowSeconds, expires: nowSeconds + 3_600 });
    expect(planned.recheckAt).toBe(now + 30 * minute);
  });

  test('the next look is spread by namespace', () => {
    const spread = aSettings();
    const planned = planFor(observe({ settings: spread, secret: undefined }), states(fresh('a'), fresh('b')));
    expect(planned.recheckAt).toBe(secretDueAt([newToken('a')], spread.refresh, 'team-a'));
    expect(planned.recheckAt).toBeGreaterThan(now + 6 * 60 * minute);
  });

  test.each([
    ['a second from now where the tokens live for a second', 1],
    ['a second from now where the tokens are dead', 0],
    ['a second from now where the tokens expired before they were issued', -60],
  ])('the next look is %s', (_, life) => {
    expect(planFor(observe(), states(fresh('a', life), fresh('b', life))).recheckAt).toBe(now + 1_000);
  });

  test('two hosts of one region share the token', () => {
    const neighbours = anIntent({ hosts: [inIreland, hostIn('eu-west-1', '999999999999')] });
    const planned = planFor(
      observe({ intent: neighbours, secret: undefined }),
      new Map([[irish, fresh('a')]]),
    );
    expect(Object.values(written(planned) ?? {})).toEqual(['a', 'a']);
  });
});

describe('the Secret is written again with the tokens that it holds', () => {
  const same = states({ kind: 'fresh', ...old }, { kind: 'fresh', ...old });

  test('where another writer took a field', () => {
    const secret = aSecret({ lostFields: ['f:data/f:.dockerconfigjson'] }, { intent, settings });
    expect(written(planFor(observe({ secret }), same))).toEqual({ [inIreland]: 'old', [inOhio]: 'old' });
  });

  test.each([
    ['issue', { issued: midnight - 1, expires: midnight + twelveHours }],
    ['expiry', { issued: midnight, expires: midnight + twelveHours - 1 }],
  ])('where its record has another %s', (_, times) => {
    const record = new Map([
      [irish, times],
      [ohioan, times],
    ]);
    const secret = aSecret({}, { intent, settings, times: record });
    expect(written(planFor(observe({ secret }), same))).toEqual({ [inIreland]: 'old', [inOhio]: 'old' });
  });
});

describe('nothing is written', () => {
  test('where the diagnosis asks for nothing; the next look is when it is due', () => {
    const early = observe({ now: midnight * 1_000 });
    expect(planFor(early, new Map())).toEqual({ actions: [], problems: [], awaiting: [], recheckAt: now });
  });

  test('where there is no Secret and only an existing one is kept fresh', () => {
    const observed = observe({
      secret: undefined,
      intent: { ...intent, onlyExisting: true },
      serviceAccounts: [aServiceAccount()],
    });
    expect(planFor(observed, new Map())).toEqual({
      actions: [],
      problems: [],
      awaiting: [],
      recheckAt: Infinity,
    });
  });

  test('where the tokens are those that it holds; the next look respects the floor', () => {
    const planned = planFor(observe(), states({ kind: 'fresh', ...old }, { kind: 'fresh', ...old }));
    expect(planned).toEqual({ actions: [], problems: [], awaiting: [], recheckAt: now + 1_000 });
  });

  test('where a host is still waited for, though the other is there', () => {
    const planned = planFor(observe(), states(fresh('a'), { kind: 'pending' }));
    expect(written(planned)).toBeUndefined();
    expect(planned.awaiting).toEqual([ohioan]);
  });

  test('where no host has a token, and the problem says when it is tried again', () => {
    const planned = planFor(observe(), states(failed(5 * minute), failed(minute)), heldBoth);
    expect(written(planned)).toBeUndefined();
    expect(planned.problems).toHaveLength(2);
    expect(planned.recheckAt).toBe(now + minute);
  });

  test('where the first token of a new namespace is under way', () => {
    const planned = planFor(observe({ secret: undefined }), states({ kind: 'pending' }, { kind: 'pending' }));
    expect(planned).toMatchObject({ actions: [], problems: [], awaiting: [irish, ohioan] });
  });
});

describe('an old token that has not expired', () => {
  test('is as good as a new one while that is under way: a missing Secret is written', () => {
    const planned = planFor(observe({ secret: undefined }), states({ kind: 'pending', ...old }, fresh('b')));
    expect(written(planned)).toEqual({ [inIreland]: 'old', [inOhio]: 'b' });
    expect(planned.awaiting).toEqual([irish]);
  });

  test('does not cause a write of what is there', () => {
    const planned = planFor(observe(), states({ kind: 'pending', ...old }, { kind: 'pending', ...old }));
    expect(planned).toMatchObject({ actions: [], awaiting: [irish, ohioan] });
  });

  test('is kept, with a problem, where the new one could not be had', () => {
    const planned = planFor(observe({ secret: undefined }), states(failed(minute, old), fresh('b')));
    expect(written(planned)).toEqual({ [inIreland]: 'old', [inOhio]: 'b' });
    expect(planned.problems.map(({ subject }) => subject)).toEqual([inIreland]);
  });
});

describe('a ServiceAccount is attached to', () => {
  const serviceAccounts = [aServiceAccount({ name: 'default' }), aServiceAccount({ name: 'builder' })];
  const both = { ...intent, attachTo: ['default', 'builder'] };
  const attached = ({ actions }: Plan) =>
    actions.flatMap((action) => (action.kind === 'attach' ? [action.serviceAccount] : []));

  test('before the first token arrives', () => {
    const observed = observe({ secret: undefined, serviceAccounts, intent: both });
    const planned = planFor(observed, states({ kind: 'pending' }, { kind: 'pending' }));
    expect(attached(planned)).toEqual(['default', 'builder']);
  });

  test('before the Secret is written, in the same step', () => {
    const planned = planFor(
      observe({ secret: undefined, serviceAccounts, intent: both }),
      states(fresh('a'), fresh('b')),
    );
    expect(planned.actions.map(({ kind }) => kind)).toEqual(['attach', 'attach', 'write-secret']);
  });

  test('also while no token can be had', () => {
    expect(
      attached(planFor(observe({ serviceAccounts, intent: both }), states(failed(1), failed(1)))),
    ).toHaveLength(2);
  });

  test('also while nothing is to be written', () => {
    const early = observe({ now: midnight * 1_000, serviceAccounts, intent: both });
    expect(attached(planFor(early, new Map()))).toEqual(['default', 'builder']);
  });
});

describe('a Secret of a former name', () => {
  const former = aSecret({ name: 'old', uid: 'uid-old' }, { intent, settings });
  const serviceAccounts = [aServiceAccount({ pullSecrets: ['old', settings.secretName] })];
  const left = { former: [former], serviceAccounts };
  const kinds = ({ actions }: Plan) => actions.map(({ kind }) => kind);

  test.each<[string, Partial<Observed>, ReadonlyMap<string, TokenState>, readonly string[]]>([
    [
      'goes after the new one is written',
      { secret: undefined },
      states(fresh('a'), fresh('b')),
      ['write-secret'],
    ],
    ['goes where the new one is there and good', { now: midnight * 1_000 }, new Map(), []],
    [
      'goes where the new one is there and waits for its tokens',
      {},
      states({ kind: 'pending' }, { kind: 'pending' }),
      [],
    ],
  ])('%s', (_, overrides, known, before) => {
    expect(kinds(planFor(observe({ ...left, ...overrides }), known))).toEqual([
      ...before,
      'detach',
      'delete-secret',
    ]);
  });

  test.each<[string, Partial<Observed>, ReadonlyMap<string, TokenState>]>([
    ['while the tokens of the new one are under way', {}, states({ kind: 'pending' }, { kind: 'pending' })],
    ['while no token can be had for it', {}, states(failed(1), failed(1))],
    ['where no new one is made', { intent: { ...intent, onlyExisting: true } }, new Map()],
  ])('stays %s', (_, overrides, known) => {
    expect(planFor(observe({ ...left, secret: undefined, ...overrides }), known).actions).toEqual([]);
  });

  test('loses its entries in all ServiceAccounts, also those that the namespace does not choose any more', () => {
    const builder = aServiceAccount({ name: 'builder', pullSecrets: ['old'] });
    const observed = observe({ former: [former], serviceAccounts: [builder], now: midnight * 1_000 });
    expect(planFor(observed, new Map()).actions).toEqual([
      { kind: 'detach', serviceAccount: 'builder', secretName: 'old' },
      { kind: 'delete-secret', secret: former },
    ]);
  });
});
