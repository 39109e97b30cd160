// What the controller remembers of a Secret beyond what stands on it. Values only; what follows from it is tested in
// reconcile-drift.test.ts.
import { describe, expect, test } from 'vitest';
import { Provenance } from '../../src/controller/provenance.ts';
import { aSecret } from '../support/views.ts';

const seen = aSecret({ uid: 'u1', resourceVersion: '5' });
const later = { ...seen, resourceVersion: '6' };
const replaced = { ...later, uid: 'u2' };
const elsewhere = { ...seen, namespace: 'team-b' };

describe('a Secret is known as ours', () => {
  test('not before it was recognised or written, as after a start', () => {
    const provenance = new Provenance();
    expect([provenance.isOurs(seen), provenance.hadOne('team-a'), provenance.isContentKnown(seen)]).toEqual([
      false,
      false,
      false,
    ]);
  });

  test.each(['recognise', 'vouchFor'] as const)(
    'from then on, in any version, but no other object: %s',
    (learn) => {
      const provenance = new Provenance();
      provenance[learn](seen);
      expect([seen, later, replaced, elsewhere].map((secret) => provenance.isOurs(secret))).toEqual([
        true,
        true,
        false,
        false,
      ]);
      expect([provenance.hadOne('team-a'), provenance.hadOne('team-b')]).toEqual([true, false]);
    },
  );

  test('and the one that came after it instead, when that is ours', () => {
    const provenance = new Provenance();
    provenance.vouchFor(seen);
    provenance.recognise(replaced);
    expect([provenance.isOurs(seen), provenance.isOurs(replaced)]).toEqual([false, true]);
    expect(provenance.isContentKnown(replaced)).toBe(false);
  });
});

describe('the content of a Secret is known', () => {
  test('in the version that we wrote, and in no other', () => {
    const provenance = new Provenance();
    provenance.vouchFor(seen);
    expect([seen, later, replaced, elsewhere].map((secret) => provenance.isContentKnown(secret))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    provenance.vouchFor(later);
    expect([provenance.isContentKnown(seen), provenance.isContentKnown(later)]).toEqual([false, true]);
  });

  test('not for being recognised, which does not take it back either', () => {
    const provenance = new Provenance();
    provenance.recognise(seen);
    expect(provenance.isContentKnown(seen)).toBe(false);
    provenance.vouchFor(seen);
    provenance.recognise(seen);
    expect(provenance.isContentKnown(seen)).toBe(true);
  });
});

describe('a ServiceAccount is known as attached', () => {
  test('once it was seen so, also when it is not any more', () => {
    const provenance = new Provenance();
    expect(provenance.wasAttached('team-a', 'default')).toBe(false);
    provenance.seeAttached('team-a', ['default']);
    provenance.seeAttached('team-a', ['builder']);
    provenance.seeAttached('team-a', []);
    const known = ['default', 'builder', 'other'].map((name) => provenance.wasAttached('team-a', name));
    expect(known).toEqual([true, true, false]);
    expect(provenance.wasAttached('team-b', 'default')).toBe(false);
  });
});

test('what is forgotten is as if it had never been, and only that', () => {
  const provenance = new Provenance();
  for (const secret of [seen, elsewhere]) {
    provenance.vouchFor(secret);
    provenance.seeAttached(secret.namespace, ['default']);
  }
  provenance.forget('team-a');
  const knows = ({ namespace }: typeof seen) => [
    provenance.hadOne(namespace),
    provenance.wasAttached(namespace, 'default'),
  ];
  expect([knows(seen), knows(elsewhere)]).toEqual([
    [false, false],
    [true, true],
  ]);
  expect(provenance.isOurs(seen)).toBe(false);
});
