// ECR Public can be pulled from without a login, but not with a bad one: so its entry, and no other, is taken out when it has
// expired and nothing new can be had. Values only. Other failures are tested in plan-failures.test.ts.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Observed } from '../../src/domain/checks.ts';
import { readDockerConfig } from '../../src/domain/docker-config.ts';
import { sourcesOf } from '../../src/domain/intent.ts';
import { type HeldAuths, type Plan, type TokenState, needsHeldAuths } from '../../src/domain/plan.ts';
import { SecretText, type TokenTimes } from '../../src/domain/token.ts';
import { planFor, settings, written } from '../support/two-regions.ts';
import { aSecret, aToken, anIntent, hostIn, midnight, twelveHours } from '../support/views.ts';

const ireland = hostIn('eu-west-1');
const open = 'public.ecr.aws';
const both = anIntent({ hosts: [ireland, open] });
const onlyOpen = anIntent({ hosts: [open] });
const [privateKey = '', publicKey = ''] = sourcesOf(both.wanted).keys();

const minute = 60_000;
const issued: TokenTimes = { issued: midnight, expires: midnight + twelveHours };
/** The moment at which the tokens of midnight expire, in ms. */
const expiry = issued.expires * 1_000;
const late = 24 * 60 * minute;

const heldAuth = (password: string) => ({ username: 'AWS', password: new SecretText(password) });
const held: HeldAuths = new Map([
  [ireland, heldAuth('held-ireland')],
  [open, heldAuth('held-open')],
]);

function observe({ intent = both, ...overrides }: Partial<Observed> = {}): Observed {
  return {
    intent,
    settings,
    secret: aSecret({}, { intent, settings }),
    knownAsOurs: false,
    contentChanged: false,
    serviceAccounts: [],
    former: [],
    now: expiry,
    ...overrides,
  };
}

const failed = (at: number, rest = {}): TokenState => ({ kind: 'failed', retryAt: at, why: 'cure', ...rest });
const fresh = (password: string, now = expiry): TokenState => ({
  kind: 'fresh',
  token: aToken({ password, issued: now / 1_000, expires: now / 1_000 + twelveHours }),
});
const pending: TokenState = { kind: 'pending' };
const still = { token: aToken({ password: 'old' }) };
const known = (priv: TokenState, pub: TokenState) =>
  new Map([
    [privateKey, priv],
    [publicKey, pub],
  ]);
const knownOpen = (pub: TokenState) => new Map([[publicKey, pub]]);

/** The Secret as it is once this plan was carried out. */
function afterwards(plan: Plan, observed: Observed): Observed {
  const write = plan.actions.find(({ kind }) => kind === 'write-secret');
  const times = write?.kind === 'write-secret' ? write.desired.times : new Map<string, TokenTimes>();
  return { ...observed, secret: aSecret({ resourceVersion: '2' }, { ...observed, times }) };
}

describe('an expired entry of ECR Public goes where nothing new can be had', () => {
  test('while a private host is renewed', () => {
    const plan = planFor(observe(), known(fresh('a'), failed(expiry + minute)), held);
    expect(written(plan)).toEqual({ [ireland]: 'a' });
  });

  test('while no token can be had at all: the private host keeps its old entry', () => {
    const plan = planFor(observe(), known(failed(expiry + minute), failed(expiry + minute)), held);
    expect(written(plan)).toEqual({ [ireland]: 'held-ireland' });
  });

  test('where it is the only host: the Secret stays, without any', () => {
    const plan = planFor(observe({ intent: onlyOpen }), knownOpen(failed(expiry + minute)), held);
    expect(written(plan)).toEqual({});
    const [write] = plan.actions;
    expect(write?.kind === 'write-secret' && write.desired.annotations).toMatchObject({
      'ecr-pull-secrets/expires-at': 'never',
      'ecr-pull-secrets/tokens': '{}',
    });
  });

  test('from both of its hosts, which share the token', () => {
    const intent = anIntent({ hosts: [open, 'ecr-public.aws.com'] });
    const two: HeldAuths = new Map([...held, ['ecr-public.aws.com', heldAuth('held-six')]]);
    expect(written(planFor(observe({ intent }), knownOpen(failed(expiry + minute)), two))).toEqual({});
  });

  test.each<[string, Observed, ReadonlyMap<string, TokenState>]>([
    ['of two', observe(), known(failed(expiry + minute), failed(expiry + minute))],
    ['of one', observe({ intent: onlyOpen }), knownOpen(failed(expiry + minute))],
  ])('once: the Secret is not written again for it: %s', (_, observed, states) => {
    const next = afterwards(planFor(observed, states, held), observed);
    const rest: HeldAuths = new Map([...held].filter(([host]) => host !== open));
    const again = planFor({ ...next, now: expiry + late }, states, rest);
    expect(again.actions).toEqual([]);
    expect(again.problems.length).toBeGreaterThan(0);
  });

  test('until there is a token again', () => {
    const observed = observe();
    const plan = planFor(observed, known(fresh('a'), failed(expiry + minute)), held);
    const next = { ...afterwards(plan, observed), now: expiry + minute };
    expect(written(planFor(next, known(fresh('a'), fresh('b')), held))).toEqual({
      [ireland]: 'a',
      [open]: 'b',
    });
  });
});

describe('it stays', () => {
  test.each<[string, number, TokenState]>([
    ['until the second in which it expires', expiry - 1, failed(expiry + minute)],
    ['while its token is under way', expiry, pending],
    ['where an older token is good', expiry, failed(expiry + minute, still)],
  ])('%s', (_, now, pub) => {
    const plan = planFor(observe({ now, intent: onlyOpen }), knownOpen(pub), held);
    expect(written(plan) ?? { [open]: 'untouched' }).toHaveProperty([open]);
    const beside = planFor(observe({ now }), known(fresh('a', now), pub), held);
    expect(written(beside) ?? { [open]: 'untouched' }).toHaveProperty([open]);
  });

  test('where it is not wanted any more it goes like every other', () => {
    const fewer = observe({ intent: anIntent({ hosts: [ireland] }) });
    expect(written(planFor(fewer, new Map([[privateKey, fresh('a')]]), held))).toEqual({ [ireland]: 'a' });
  });
});

describe('an expired private entry never goes', () => {
  test.each<[string, TokenState, Readonly<Record<string, string>> | undefined]>([
    ['while ECR Public is renewed', fresh('b'), { [ireland]: 'held-ireland', [open]: 'b' }],
    ['while the token of ECR Public is under way', pending, undefined],
    ['while ECR Public loses its own', failed(expiry + late), { [ireland]: 'held-ireland' }],
  ])('%s', (_, pub, expected) => {
    for (const now of [expiry, expiry + late, expiry + 100 * late]) {
      const plan = planFor(observe({ now }), known(failed(now + minute), pub), held);
      expect(written(plan)).toEqual(expected);
    }
  });
});

describe('the next look', () => {
  test('is at the expiry of its entry, though no token is tried again by then; the problem says so', () => {
    const now = expiry - 60 * minute;
    const plan = planFor(observe({ now, intent: onlyOpen }), knownOpen(failed(expiry + late)), held);
    expect(plan).toMatchObject({ actions: [], recheckAt: expiry });
    expect(plan.problems).toMatchObject([{ retryAt: expiry }]);
  });

  test('is at the retry where that comes first, and once it has gone', () => {
    const before = observe({ now: expiry - 60 * minute, intent: onlyOpen });
    expect(planFor(before, knownOpen(failed(expiry - minute)), held).recheckAt).toBe(expiry - minute);
    const observed = observe({ intent: onlyOpen });
    const next = afterwards(planFor(observed, knownOpen(failed(expiry + late)), held), observed);
    expect(planFor(next, knownOpen(failed(expiry + late)), new Map()).recheckAt).toBe(expiry + late);
  });

  test('is at the retry in the step that takes it out, however long ago it expired', () => {
    for (const now of [expiry, expiry + late]) {
      const plan = planFor(observe({ now }), known(failed(now + late), failed(now + minute)), held);
      expect(plan.recheckAt).toBe(now + minute);
      expect(plan.problems.map(({ retryAt }) => retryAt)).toEqual([now + late, now + minute]);
    }
  });

  test('does not heed the expiry of a private entry, at which nothing happens', () => {
    const intent = anIntent({ hosts: [ireland] });
    const observed = observe({ intent, now: expiry - 10 * minute });
    const plan = planFor(observed, new Map([[privateKey, failed(expiry + late)]]), held);
    expect(plan.recheckAt).toBe(expiry + late);
  });
});

describe('the old entries must be read', () => {
  const bad = failed(expiry + minute);

  test.each<[string, Observed, ReadonlyMap<string, TokenState>, boolean]>([
    ['where it goes and nothing else is written', observe(), known(bad, bad), true],
    ['not before it has expired', observe({ now: expiry - 1 }), known(bad, bad), false],
    ['not while the other is waited for', observe(), known(pending, bad), false],
    ['not where there is no Secret', observe({ secret: undefined }), known(bad, bad), false],
    [
      'not where it has gone already',
      afterwards(planFor(observe(), known(bad, bad), held), observe()),
      known(bad, bad),
      false,
    ],
  ])('%s', (_, observed, states, needed) => {
    expect(needsHeldAuths(observed, states)).toBe(needed);
  });
});

test('whatever is known of the tokens at whatever moment, only an expired entry of ECR Public is ever lost', () => {
  const kinds = ['fresh', 'pending', 'pending with an old one', 'failed', 'failed with an old one'] as const;
  const moments = fc.integer({ min: midnight * 1_000, max: expiry + 3 * late });
  let lost = 0;
  fc.assert(
    fc.property(moments, fc.constantFrom(...kinds), fc.constantFrom(...kinds), (now, priv, pub) => {
      const old = now < expiry ? still : {};
      const stateOf = (kind: (typeof kinds)[number]): TokenState => {
        if (kind === 'fresh') return fresh('new', Math.floor(now / 1_000) * 1_000);
        const token = kind.endsWith('old one') ? old : {};
        return kind.startsWith('pending') ? { kind: 'pending', ...token } : failed(now + minute, token);
      };
      const plan = planFor(observe({ now }), known(stateOf(priv), stateOf(pub)), held);
      const write = plan.actions.find(({ kind }) => kind === 'write-secret');
      if (write?.kind !== 'write-secret') return;
      const hosts = [...readDockerConfig(write.desired.document).keys()];
      if (!hosts.includes(open)) lost += 1;
      const mayGo = now >= expiry && pub.startsWith('failed');
      expect(hosts).toEqual(mayGo ? [ireland] : [ireland, open]);
    }),
    { numRuns: 1_000 },
  );
  expect(lost).toBeGreaterThan(10);
});

describe('the note of many hosts', () => {
  const accounts = Array.from({ length: 50 }, (_, index) => `${100_000_000_000 + index}`);
  const hosts = accounts.map((account) => `${account}.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn`);
  const many = anIntent({ hosts });
  const [key = ''] = sourcesOf(many.wanted).keys();

  test('fits into an Event with the advice at its end, names three of them, and is one', () => {
    const why = `${'advice '.repeat(80)}cure`;
    const plan = planFor(observe({ intent: many }), new Map([[key, failed(expiry + minute, { why })]]));
    expect(plan.problems).toHaveLength(1);
    const { note, subject } = plan.problems[0] ?? { note: '', subject: '' };
    expect(note).toBe(
      `no token for ${hosts.slice(0, 3).join(', ')} and others as the default AWS credentials: ${why}`,
    );
    expect(subject).toBe(`${hosts.slice(0, 3).join(', ')} and others`);
    // What the Event recorder leaves of a note.
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(900);
  });

  test.each([1, 2, 3])('names each of %i', (count) => {
    const few = anIntent({ hosts: hosts.slice(0, count) });
    const plan = planFor(observe({ intent: few }), new Map([[key, failed(expiry + minute)]]));
    expect(plan.problems[0]?.subject).toBe(hosts.slice(0, count).join(', '));
  });
});
