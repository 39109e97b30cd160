// One step for a namespace that is not to be served: gone, not selected, opted out, refused, or with somebody else's Secret
// in our place. Nothing is touched in the cluster, and AWS is not asked.
import { describe, expect, test } from 'vitest';
import type { NamespaceView, SecretView } from '../../src/domain/views.ts';
import { ReconcileWorld, halfLife } from '../support/reconcile-world.ts';
import { aNamespace, aServiceAccount, twelveHours, usualHost } from '../support/views.ts';

describe('a namespace that is not to be served', () => {
  test.each<[string, NamespaceView | undefined]>([
    ['is gone', undefined],
    ['did not opt in', aNamespace({ annotations: {} })],
    ['opted out, and there is nothing of ours', aNamespace({ annotations: { enabled: 'false' } })],
    ['is being deleted', aNamespace({ terminating: true })],
  ])('is settled, and nothing is touched: it %s', async (_, namespace) => {
    const world = new ReconcileWorld();
    world.cluster.namespaces.clear();
    if (namespace !== undefined) world.cluster.put(namespace);
    expect(await world.step()).toEqual({ kind: 'settled', done: [], problems: [] });
    expect(world.untouched).toBe(true);
  });

  test('is settled with a problem where it is excluded and annotated', async () => {
    const world = new ReconcileWorld();
    world.cluster.put(aNamespace({ name: 'kube-system' }));
    const outcome = await world.step('kube-system');
    expect(outcome).toMatchObject({ kind: 'settled', problems: [{ reason: 'NamespaceExcluded' }] });
    expect(world.untouched).toBe(true);
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['an unknown profile', { profile: 'nowhere' }, 'ProfileRefused'],
    [
      'a ServiceAccount that may not be touched',
      { enabled: 'true', 'attach-to': 'admin' },
      'ServiceAccountRefused',
    ],
    ['no readable host', { registries: 'example.com' }, 'NoRegistries'],
  ])(
    'is blocked where it names %s, and its last good Secret stays as it is',
    async (_, annotations, reason) => {
      const world = new ReconcileWorld();
      const seen = world.written([usualHost]);
      world.cluster.put(aNamespace({ annotations }));
      await world.clock.advance(twelveHours * 1_000);
      const outcome = await world.step();
      expect(outcome.kind).toBe('blocked');
      expect(outcome).not.toHaveProperty('at');
      expect(outcome.problems.map((problem) => problem.reason)).toContain(reason);
      expect(world.cluster.secret('team-a')).toEqual(seen);
      expect(world.untouched).toBe(true);
    },
  );

  test.each<[string, Partial<SecretView>]>([
    ['has not our label', { managedBy: 'helm' }],
    ['is of another installation', { annotations: { instance: 'other' } }],
    ['was not applied by us', { appliedByUs: false }],
  ])(
    'is blocked where a Secret of our name %s; it stays, and neither ServiceAccount nor AWS is asked',
    async (_, foreign) => {
      const world = new ReconcileWorld();
      const seen = world.written([usualHost], foreign);
      world.cluster.put(aServiceAccount());
      await world.clock.advance(halfLife);
      const outcome = await world.step();
      expect(outcome).toMatchObject({ kind: 'blocked', done: [], problems: [{ reason: 'SecretForeign' }] });
      expect(world.cluster.secret('team-a')).toEqual(seen);
      expect(world.pullSecrets()).toBeUndefined();
      expect(world.untouched).toBe(true);
    },
  );
});

describe('a namespace of which something may not be seen', () => {
  test.each([
    ['that it is there', 'namespaces'],
    ['its Secret', 'secrets'],
    ['its ServiceAccounts', 'serviceaccounts'],
  ])('is blocked with what is missing and the cure, and nothing is touched: %s', async (_, kind) => {
    const world = new ReconcileWorld();
    world.written([usualHost]);
    // As after a start: nothing is known of what may not be seen.
    if (kind === 'namespaces') world.cluster.namespaces.clear();
    world.cluster.hiddenKinds.set('team-a', [kind]);
    await world.clock.advance(twelveHours * 1_000);
    const outcome = await world.step();
    expect(outcome).toMatchObject({
      kind: 'blocked',
      problems: [{ reason: 'Forbidden', subject: 'team-a' }],
    });
    expect(outcome.problems[0]?.note).toContain(kind);
    expect(outcome.problems[0]?.note).toContain('Role');
    expect(world.untouched).toBe(true);
  });

  test('is served as soon as it may be seen', async () => {
    const world = new ReconcileWorld();
    world.cluster.hiddenKinds.set('team-a', ['secrets']);
    expect(await world.step()).toMatchObject({ kind: 'blocked' });
    world.cluster.hiddenKinds.clear();
    expect(await world.step()).toMatchObject({ kind: 'awaiting' });
  });
});
