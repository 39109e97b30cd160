// When a Secret is written: each check with what triggers it and what does not. Whose Secret it is, and whether to attach,
// is tested in checks-ownership.test.ts; what is then done in plan.test.ts.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Observed, type WriteReason, diagnose } from '../../src/domain/checks.ts';
import { writeTokenTimes } from '../../src/domain/token.ts';
import type { SecretView } from '../../src/domain/views.ts';
import {
  aDefaultIdentity,
  aRegistry,
  aRole,
  aSecret,
  aSettings,
  anIntent,
  hostIn,
  midnight,
  twelveHours,
  usualHost,
} from '../support/views.ts';

const inOhio = hostIn('us-east-2');
const minute = 60_000;

/** A minute after the Secret was written: nothing is due. */
function observe(overrides: Partial<Observed> = {}): Observed {
  return {
    intent: anIntent(),
    settings: aSettings(),
    secret: aSecret(),
    knownAsOurs: false,
    contentChanged: false,
    serviceAccounts: [],
    former: [],
    now: midnight * 1_000 + minute,
    ...overrides,
  };
}

function without(secret: SecretView, key: string): SecretView {
  const kept = Object.entries(secret.annotations).filter(([name]) => name !== key);
  return { ...secret, annotations: Object.fromEntries(kept) };
}

/** Our Secret as if its record of tokens were `tokens`. */
const recording = (tokens: string): SecretView => aSecret({ annotations: { tokens } });

const reasonOf = (overrides: Partial<Observed>): WriteReason | undefined =>
  diagnose(observe(overrides)).write;

const ofRole = anIntent({ wanted: [{ registry: aRegistry(), identity: aRole() }] });
const twoHosts = anIntent({ hosts: [usualHost, inOhio] });
const [usualKey = ''] = Object.keys(JSON.parse(aSecret().annotations['tokens'] ?? '{}') as object);
const record = (issued: number, expires: number) =>
  writeTokenTimes(new Map([[usualKey, { issued, expires }]]));
const now = midnight + 60;
const flat = aSettings({ refresh: { atFraction: 0.5, spread: 0, maxAge: null } });

interface CheckRow {
  readonly title: string;
  readonly observed: Partial<Observed>;
}

const triggers: Readonly<Record<WriteReason, readonly CheckRow[]>> = {
  missing: [{ title: 'there is no Secret', observed: { secret: undefined } }],
  unreadable: [
    { title: 'the record of tokens is gone', observed: { secret: without(aSecret(), 'tokens') } },
    { title: 'the record of tokens is empty', observed: { secret: recording('') } },
    { title: 'the record of tokens is no JSON', observed: { secret: recording('{"a":') } },
    { title: 'the record of tokens is a list', observed: { secret: recording('[]') } },
    { title: 'a time is a text', observed: { secret: recording('{"a":{"issued":"1","expires":2}}') } },
  ],
  'inputs-changed': [
    { title: 'a host was added', observed: { intent: twoHosts } },
    { title: 'a host was removed', observed: { secret: aSecret({}, { intent: twoHosts }) } },
    {
      title: 'a host was exchanged within its region',
      observed: { intent: anIntent({ hosts: [hostIn('eu-west-1', '999999999999')] }) },
    },
    { title: 'the identity is another', observed: { intent: ofRole } },
    { title: 'a label was configured', observed: { settings: aSettings({ secretLabels: { team: 'a' } }) } },
    {
      title: 'an annotation was configured',
      observed: { settings: aSettings({ secretAnnotations: { x: 'y' } }) },
    },
    { title: 'the hash was edited', observed: { secret: aSecret({ annotations: { 'inputs-hash': 'x' } }) } },
    { title: 'the hash is gone', observed: { secret: without(aSecret(), 'inputs-hash') } },
  ],
  incomplete: [
    { title: 'it holds no token at all', observed: { secret: recording('{}') } },
    {
      title: 'one of two hosts had no token',
      observed: {
        intent: twoHosts,
        secret: aSecret(
          { annotations: { tokens: record(midnight, midnight + twelveHours) } },
          { intent: twoHosts },
        ),
      },
    },
  ],
  due: [
    {
      title: 'the moment has come',
      observed: { settings: flat, secret: recording(record(now - 30, now + 30)) },
    },
    { title: 'the token has expired', observed: { secret: recording(record(now - 100, now - 50)) } },
    { title: 'the token has no life', observed: { secret: recording(record(now, now)) } },
    {
      title: 'the greatest age is reached',
      observed: { settings: aSettings({ refresh: { atFraction: 0.5, spread: 0, maxAge: 60 } }) },
    },
  ],
  'changed-by-others': [
    {
      title: 'another writer took a field',
      observed: { secret: aSecret({ lostFields: ['f:data/f:.dockerconfigjson'] }) },
    },
  ],
};

describe.each(Object.entries(triggers))('the Secret is written as %s', (reason, rows) => {
  test.each(rows)('when $title', ({ observed }) => {
    expect(reasonOf(observed)).toBe(reason);
    expect(diagnose(observe(observed)).foreign).toBe(false);
  });
});

describe('the Secret is left alone', () => {
  test.each<CheckRow>([
    { title: 'when it is complete and fresh', observed: {} },
    {
      title: 'when there is none and only an existing one is kept fresh',
      observed: { secret: undefined, intent: anIntent({ onlyExisting: true }) },
    },
    {
      title: 'when it exists, is fresh and only existing ones are kept so',
      observed: { intent: anIntent({ onlyExisting: true }) },
    },
    {
      title: 'a millisecond before it is due',
      observed: { settings: flat, now: (midnight + twelveHours / 2) * 1_000 - 1 },
    },
    {
      title: 'when it is due for others, by the spread, and not for this namespace',
      observed: { now: (midnight + twelveHours / 2) * 1_000 },
    },
    {
      title: 'when labels are the same in another order',
      observed: {
        settings: aSettings({ secretLabels: { a: '1', b: '2' } }),
        secret: aSecret({}, { settings: aSettings({ secretLabels: { b: '2', a: '1' } }) }),
      },
    },
    {
      title: 'when it holds one more token than is wanted',
      observed: {
        secret: recording(
          `${record(midnight, midnight + twelveHours).slice(0, -1)},"another":{"issued":${midnight},"expires":${midnight + twelveHours}}}`,
        ),
      },
    },
    {
      title: 'when the moment of expiry for people was edited alone',
      observed: { secret: aSecret({ annotations: { 'expires-at': 'never' } }) },
    },
  ])('$title', ({ observed }) => {
    expect(diagnose(observe(observed))).toEqual({ write: undefined, foreign: false, attach: [] });
  });

  test('also an existing Secret that is due is refreshed where only existing ones are', () => {
    expect(
      reasonOf({ intent: anIntent({ onlyExisting: true }), secret: recording(record(now - 9, now)) }),
    ).toBe('due');
  });
});

test('whatever stands on the Secret, a diagnosis is made', () => {
  const key = fc.constantFrom('instance', 'tokens', 'inputs-hash', 'expires-at');
  const text = fc.oneof(fc.string(), fc.json(), fc.constant('ecr-pull-secrets'));
  fc.assert(
    fc.property(fc.dictionary(key, text), fc.boolean(), (annotations, appliedByUs) => {
      const { write, foreign } = diagnose(observe({ secret: aSecret({ annotations, appliedByUs }) }));
      expect(foreign && write !== undefined).toBe(false);
      expect(foreign).toBe(
        !appliedByUs || (annotations['instance'] ?? 'ecr-pull-secrets') !== 'ecr-pull-secrets',
      );
    }),
  );
});

test('the default identity of the settings is the one that the builders use', () => {
  expect(aSettings().defaultIdentity).toEqual(aDefaultIdentity());
});
