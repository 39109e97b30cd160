// The Secret that is written: its labels and annotations, and the hash that says what it was made from. The document's
// bytes are tested in docker-config.test.ts.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { desiredFields, desiredSecret, inputsHash } from '../../src/domain/desired-secret.ts';
import type { Intent } from '../../src/domain/intent.ts';
import type { Settings } from '../../src/domain/settings.ts';
import {
  aDefaultIdentity,
  aProfile,
  aRegistry,
  aRole,
  aSettings,
  aToken,
  anIntent,
  hostIn,
  midnight,
  usualHost,
} from '../support/views.ts';

const inOhio = hostIn('us-east-2');
const credentials = (password = 'a-password', expires = midnight + 43_200) => ({
  auths: new Map([[usualHost, aToken({ password })]]),
  times: new Map([['key-b', { issued: midnight, expires }]]),
});

describe('the Secret', () => {
  test('carries our label, and whose it is, when it expires, its tokens and its inputs', () => {
    const { labels, annotations, hosts } = desiredSecret(anIntent(), aSettings(), credentials());
    expect(labels).toEqual({ 'app.kubernetes.io/managed-by': 'ecr-pull-secrets' });
    expect(annotations).toEqual({
      'ecr-pull-secrets/instance': 'ecr-pull-secrets',
      'ecr-pull-secrets/expires-at': '2026-01-01T12:00:00Z',
      'ecr-pull-secrets/tokens': `{"key-b":{"issued":${midnight},"expires":${midnight + 43_200}}}`,
      'ecr-pull-secrets/inputs-hash': inputsHash(anIntent(), aSettings()),
    });
    expect(hosts).toEqual([usualHost]);
  });

  test('carries the configured labels and annotations', () => {
    const settings = aSettings({
      secretLabels: { team: 'infra' },
      secretAnnotations: { 'example.com/why': 'ECR' },
    });
    const { labels, annotations } = desiredSecret(anIntent(), settings, credentials());
    expect(labels).toEqual({ team: 'infra', 'app.kubernetes.io/managed-by': 'ecr-pull-secrets' });
    expect(annotations).toMatchObject({
      'example.com/why': 'ECR',
      'ecr-pull-secrets/instance': 'ecr-pull-secrets',
    });
    expect(Object.keys(annotations)).toHaveLength(5);
  });

  test('is labelled as ours whatever the configuration says', () => {
    const settings = aSettings({
      instance: 'blue',
      secretLabels: { 'app.kubernetes.io/managed-by': 'Helm' },
      secretAnnotations: { 'ecr-pull-secrets/instance': 'other' },
    });
    const { labels, annotations } = desiredSecret(anIntent(), settings, credentials());
    expect(labels['app.kubernetes.io/managed-by']).toBe('ecr-pull-secrets');
    expect(annotations['ecr-pull-secrets/instance']).toBe('blue');
  });

  test('says the earliest expiry of its tokens', () => {
    const times = new Map([
      ['a', { issued: midnight, expires: midnight + 43_200 }],
      ['b', { issued: midnight, expires: midnight + 3_600 }],
    ]);
    const { annotations } = desiredSecret(anIntent(), aSettings(), { ...credentials(), times });
    expect(annotations['ecr-pull-secrets/expires-at']).toBe('2026-01-01T01:00:00Z');
  });

  test('shows no password in its labels and annotations', () => {
    const desired = desiredSecret(anIntent(), aSettings(), credentials('hidden-password'));
    expect(JSON.stringify(desired)).not.toContain('hidden-password');
    expect(JSON.stringify(desired)).not.toContain(Buffer.from('AWS:hidden-password').toString('base64'));
    expect(desired.document.reveal()).toContain('hidden-password');
  });

  test('sets exactly the fields that are compared with managedFields', () => {
    const settings = aSettings({
      secretLabels: { team: 'infra' },
      secretAnnotations: { 'example.com/why': 'ECR' },
    });
    const { labels, annotations } = desiredSecret(anIntent(), settings, credentials());
    const set = [
      ...Object.keys(labels).map((key) => `f:metadata f:labels f:${key}`),
      ...Object.keys(annotations).map((key) => `f:metadata f:annotations f:${key}`),
      'f:data f:.dockerconfigjson',
    ];
    expect(
      desiredFields(settings)
        .map((path) => path.join(' '))
        .toSorted(),
    ).toEqual(set.toSorted());
  });
});

describe('the hash of the inputs', () => {
  const intent = anIntent({ hosts: [usualHost, inOhio] });
  const settings = aSettings({ secretLabels: { a: '1', b: '2' }, secretAnnotations: { c: '3', d: '4' } });
  const usual = inputsHash(intent, settings);

  test('is written down, since another one rewrites every Secret of every installation', () => {
    expect(inputsHash(anIntent(), aSettings())).toMatchInlineSnapshot(`"2becdf21ef07c656"`);
  });

  const one = { registry: aRegistry(), identity: aDefaultIdentity() };
  test.each<[string, Partial<Intent>, Partial<Settings>]>([
    ['a host is removed', anIntent({ hosts: [usualHost] }), {}],
    ['a host is added', anIntent({ hosts: [usualHost, inOhio, hostIn('eu-west-3')] }), {}],
    [
      'a host is another account of the region',
      anIntent({ hosts: [hostIn('eu-west-1', '999999999999'), inOhio] }),
      {},
    ],
    [
      'a host gets another identity',
      {
        wanted: intent.wanted.map((entry, index) => (index === 0 ? { ...entry, identity: aRole() } : entry)),
      },
      {},
    ],
    [
      'the other host gets that identity',
      {
        wanted: intent.wanted.map((entry, index) => (index === 1 ? { ...entry, identity: aRole() } : entry)),
      },
      {},
    ],
    [
      'the default identity assumes a role',
      {
        wanted: intent.wanted.map((entry) => ({
          ...entry,
          identity: aDefaultIdentity({ roleArn: 'arn:aws:iam::111122223333:role/x' }),
        })),
      },
      {},
    ],
    ['there is no host', { wanted: [] }, {}],
    ['there is one host', { wanted: [one] }, {}],
    ['a label is added', {}, { secretLabels: { a: '1', b: '2', e: '5' } }],
    ['a label is removed', {}, { secretLabels: { a: '1' } }],
    ['a label has another value', {}, { secretLabels: { a: '1', b: '3' } }],
    ['labels have each other’s values', {}, { secretLabels: { a: '2', b: '1' } }],
    ['an annotation is added', {}, { secretAnnotations: { c: '3', d: '4', e: '5' } }],
    ['an annotation has another value', {}, { secretAnnotations: { c: '3', d: '' } }],
    [
      'labels and annotations are exchanged',
      {},
      { secretLabels: { c: '3', d: '4' }, secretAnnotations: { a: '1', b: '2' } },
    ],
  ])('is another one when %s', (_, otherIntent, otherSettings) => {
    expect(inputsHash({ ...intent, ...otherIntent }, { ...settings, ...otherSettings })).not.toBe(usual);
  });

  test.each<[string, Partial<Intent>, Partial<Settings>]>([
    ['labels come in another order', {}, { secretLabels: { b: '2', a: '1' } }],
    ['annotations come in another order', {}, { secretAnnotations: { d: '4', c: '3' } }],
    [
      'identities are equal and not the same',
      { wanted: intent.wanted.map((entry) => ({ ...entry, identity: aDefaultIdentity() })) },
      {},
    ],
    ['the namespace is another', { namespace: 'team-b' }, {}],
    ['ServiceAccounts are others', { attachTo: [] }, { attachTo: [] }],
    ['only an existing Secret is kept fresh', { onlyExisting: true }, {}],
    [
      'refresh, limits, workers and AWS are set otherwise',
      {},
      {
        refresh: { atFraction: 0.2, spread: 0, maxAge: 9 },
        limits: { registriesPerNamespace: 1 },
        workers: 1,
        aws: { concurrency: 1, timeoutMs: 1 },
      },
    ],
    [
      'profiles are there that the namespace does not use',
      {},
      { profiles: { other: aProfile() }, registries: [] },
    ],
  ])('is the same when %s', (_, otherIntent, otherSettings) => {
    expect(inputsHash({ ...intent, ...otherIntent }, { ...settings, ...otherSettings })).toBe(usual);
  });

  test('never depends on tokens', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 4_000_000_000 }), (password, expires) => {
        const { annotations } = desiredSecret(intent, settings, credentials(password, expires));
        expect(annotations['ecr-pull-secrets/inputs-hash']).toBe(usual);
      }),
    );
  });

  test('differs for any two different sets of labels and annotations', () => {
    const records = fc.dictionary(fc.stringMatching(/^[a-d]{1,2}$/), fc.stringMatching(/^[",:\][x]{0,3}$/), {
      maxKeys: 3,
    });
    const sorted = (record: Record<string, string>) =>
      JSON.stringify(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    fc.assert(
      fc.property(records, records, records, records, (labels, notes, otherLabels, otherNotes) => {
        const same = sorted(labels) === sorted(otherLabels) && sorted(notes) === sorted(otherNotes);
        const first = inputsHash(intent, aSettings({ secretLabels: labels, secretAnnotations: notes }));
        const second = inputsHash(
          intent,
          aSettings({ secretLabels: otherLabels, secretAnnotations: otherNotes }),
        );
        expect(first === second).toBe(same);
      }),
      { numRuns: 300 },
    );
  });
});
