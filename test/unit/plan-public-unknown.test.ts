// Entries of ECR Public of which little is known: the data is not ours any more, another identity had got them, or somebody
// removed the record of their times. Values only. The usual course is tested in plan-public.test.ts.
import { describe, expect, test } from 'vitest';
import type { Observed } from '../../src/domain/checks.ts';
import { type Intent, sourcesOf } from '../../src/domain/intent.ts';
import type { HeldAuths, TokenState } from '../../src/domain/plan.ts';
import { SecretText } from '../../src/domain/token.ts';
import { planFor, settings, written } from '../support/two-regions.ts';
import {
  aDefaultIdentity,
  aSecret,
  aToken,
  anIntent,
  hostIn,
  midnight,
  twelveHours,
} from '../support/views.ts';

const ireland = hostIn('eu-west-1');
const open = 'public.ecr.aws';
const expiry = (midnight + twelveHours) * 1_000;
const minute = 60_000;
const held: HeldAuths = new Map(
  [ireland, open].map((host) => [host, { username: 'AWS', password: new SecretText('held') }]),
);
const nothing: HeldAuths = new Map();

const as = (roleArn: string, hosts = [ireland, open]): Intent => {
  const { wanted, ...rest } = anIntent({ hosts });
  const identity = aDefaultIdentity({ roleArn });
  return { ...rest, wanted: wanted.map(({ registry }) => ({ registry, identity })) };
};
const now = as('arn:aws:iam::111122223333:role/new');
const before = as('arn:aws:iam::111122223333:role/old');

function observe(overrides: Partial<Observed> = {}): Observed {
  return {
    intent: now,
    settings,
    secret: aSecret({}, { intent: now, settings }),
    knownAsOurs: true,
    contentChanged: false,
    serviceAccounts: [],
    former: [],
    now: expiry,
    ...overrides,
  };
}

const failed: TokenState = { kind: 'failed', retryAt: expiry + minute, why: 'cure' };
const fresh: TokenState = { kind: 'fresh', token: aToken({ password: 'new', issued: expiry / 1_000 }) };
const states = (priv: TokenState, pub: TokenState, intent = now) => {
  const keys = [...sourcesOf(intent.wanted).keys()];
  return new Map(keys.map((key) => [key, key.includes('/public/') ? pub : priv]));
};

describe('where the data is not ours any more, so that nothing of it may be kept', () => {
  const taken = aSecret({ lostFields: ['f:data/f:.dockerconfigjson'] }, { intent: now, settings });

  test('what somebody wrote there by hand is not emptied for an expired entry', () => {
    const plan = planFor(observe({ secret: taken }), states(failed, failed), nothing);
    expect(written(plan)).toBeUndefined();
  });

  test('nor where ECR Public is the only host', () => {
    const intent = as('arn:aws:iam::111122223333:role/new', [open]);
    const secret = aSecret({ lostFields: ['f:data'] }, { intent, settings });
    const plan = planFor(observe({ intent, secret }), states(failed, failed, intent), nothing);
    expect(written(plan)).toBeUndefined();
  });
});

describe('where another identity had got the entry', () => {
  const secret = aSecret({}, { intent: before, settings });

  test('it goes when that has expired, though nothing else is written', () => {
    expect(written(planFor(observe({ secret }), states(failed, failed), held))).toEqual({
      [ireland]: 'held',
    });
  });

  test('it goes when the Secret is rewritten, and does not stay for ever without a time', () => {
    expect(written(planFor(observe({ secret }), states(fresh, failed), held))).toEqual({ [ireland]: 'new' });
  });

  test('it stays until then where nothing is rewritten', () => {
    const early = observe({ secret, now: expiry - minute });
    expect(written(planFor(early, states(failed, failed), held))).toBeUndefined();
  });
});

test('where somebody removed the record of its times, it goes with the next write; the private one stays', () => {
  const secret = aSecret({ annotations: { tokens: '?' } }, { intent: now, settings });
  const other = as('arn:aws:iam::111122223333:role/new', [ireland, hostIn('us-east-2'), open]);
  const regions = [...sourcesOf(other.wanted).keys()];
  const known = new Map(regions.map((key) => [key, key.includes('us-east-2') ? fresh : failed]));
  expect(written(planFor(observe({ secret, intent: other }), known, held))).toEqual({
    [ireland]: 'held',
    [hostIn('us-east-2')]: 'new',
  });
});
