// Whose the Secret of our name is, and which ServiceAccounts lack it. When it is written is tested in checks.test.ts.
import { describe, expect, test } from 'vitest';
import { type Observed, diagnose, isOurs } from '../../src/domain/checks.ts';
import type { SecretView } from '../../src/domain/views.ts';
import { aSecret, aServiceAccount, aSettings, anIntent, midnight, twelveHours } from '../support/views.ts';

/** A minute after the Secret was written: nothing is due. */
function observe(overrides: Partial<Observed> = {}): Observed {
  const now = midnight * 1_000 + 60_000;
  return {
    intent: anIntent(),
    settings: aSettings(),
    secret: aSecret(),
    knownAsOurs: false,
    contentChanged: false,
    serviceAccounts: [],
    former: [],
    now,
    ...overrides,
  };
}

function without(secret: SecretView, key: string): SecretView {
  const kept = Object.entries(secret.annotations).filter(([name]) => name !== key);
  return { ...secret, annotations: Object.fromEntries(kept) };
}

describe('a Secret of our name', () => {
  const label = { managedBy: 'ecr-pull-secrets' };
  const rows: readonly { title: string; secret: SecretView; ours: boolean }[] = [
    { title: 'with label, instance and manager', secret: aSecret(), ours: true },
    {
      title: 'with the label alone',
      secret: { ...without(aSecret(label), 'instance'), appliedByUs: false },
      ours: false,
    },
    {
      title: 'with the instance alone',
      secret: aSecret({ managedBy: undefined, appliedByUs: false }),
      ours: false,
    },
    {
      title: 'with the manager alone',
      secret: without(aSecret({ managedBy: undefined }), 'instance'),
      ours: false,
    },
    { title: 'without the label', secret: aSecret({ managedBy: undefined }), ours: false },
    { title: 'with the label of Helm', secret: aSecret({ managedBy: 'Helm' }), ours: false },
    { title: 'without the instance', secret: without(aSecret(), 'instance'), ours: false },
    { title: 'without the manager', secret: aSecret({ appliedByUs: false }), ours: false },
    {
      title: 'of another installation',
      secret: aSecret({ annotations: { instance: 'other' } }),
      ours: false,
    },
    {
      title: 'of an installation whose name begins as ours',
      secret: aSecret({ annotations: { instance: 'ecr-pull-secrets-2' } }),
      ours: false,
    },
  ];

  test.each(rows)('$title is ours: $ours', ({ secret, ours }) => {
    expect(isOurs(secret, aSettings())).toBe(ours);
    expect(diagnose(observe({ secret })).foreign).toBe(!ours);
  });

  test.each(rows.filter(({ ours }) => !ours))(
    '$title is neither written nor attached, however due it looks',
    ({ secret }) => {
      const observed = observe({
        secret: { ...secret, lostFields: ['f:data'] },
        serviceAccounts: [aServiceAccount()],
        now: (midnight + 2 * twelveHours) * 1_000,
      });
      expect(diagnose(observed)).toEqual({ write: undefined, foreign: true, attach: [] });
    },
  );

  test.each(rows.filter(({ ours }) => !ours))(
    '$title is repaired in place where we know the very object as ours',
    ({ secret }) => {
      const observed = observe({ secret: { ...secret, lostFields: ['f:metadata'] }, knownAsOurs: true });
      expect(diagnose(observed)).toEqual({ write: 'changed-by-others', foreign: false, attach: [] });
    },
  );

  test('belongs to the instance that is configured, not to the one by default', () => {
    const settings = aSettings({ instance: 'blue' });
    expect(isOurs(aSecret(), settings)).toBe(false);
    expect(isOurs(aSecret({}, { settings }), settings)).toBe(true);
  });
});

describe('a ServiceAccount', () => {
  const attached = (pullSecrets: readonly string[] | undefined, overrides: Partial<Observed> = {}) =>
    diagnose(observe({ serviceAccounts: [aServiceAccount({ pullSecrets })], ...overrides })).attach.length >
    0;

  test.each([
    ['without a list', undefined],
    ['with an empty list', []],
    ['with the Secrets of others', ['registry-creds', 'ecr-pull-secret-2']],
  ])('%s is attached to', (_, pullSecrets) => {
    expect(attached(pullSecrets)).toBe(true);
  });

  test.each([
    ['that has our Secret', ['ecr-pull-secret']],
    ['that has it among others', ['registry-creds', 'ecr-pull-secret', 'more']],
  ])('%s is left alone', (_, pullSecrets) => {
    expect(attached(pullSecrets)).toBe(false);
  });

  test('is attached to before the Secret exists', () => {
    expect(attached(undefined, { secret: undefined })).toBe(true);
  });

  test('is not attached to where there is no Secret and none is made', () => {
    expect(attached(undefined, { secret: undefined, intent: anIntent({ onlyExisting: true }) })).toBe(false);
  });

  test('is attached to where an existing Secret is kept fresh', () => {
    expect(attached(undefined, { intent: anIntent({ onlyExisting: true }) })).toBe(true);
  });

  test('that the namespace did not choose is left alone', () => {
    expect(attached(undefined, { intent: anIntent({ attachTo: [] }) })).toBe(false);
    expect(attached(undefined, { intent: anIntent({ attachTo: ['builder'] }) })).toBe(false);
  });

  test('is looked at by the configured name of the Secret', () => {
    const settings = aSettings({ secretName: 'renamed' });
    expect(attached(['ecr-pull-secret'], { settings })).toBe(true);
    expect(attached(['renamed'], { settings })).toBe(false);
  });

  test('that lacks it is named, one that has it is not', () => {
    const intent = anIntent({ attachTo: ['default', 'builder'] });
    const serviceAccounts = [
      aServiceAccount({ name: 'default', pullSecrets: ['ecr-pull-secret'] }),
      aServiceAccount({ name: 'builder' }),
    ];
    expect(diagnose(observe({ serviceAccounts, intent })).attach.map(({ name }) => name)).toEqual([
      'builder',
    ]);
  });
});
