// One step for a namespace whose Secret has got another name by configuration: the new one is written and attached before the
// old one is detached and deleted, so that at no moment a pod is made that cannot pull.
import { describe, expect, test } from 'vitest';
import { Blocked, Retryable } from '../../src/domain/errors.ts';
import type { SecretView } from '../../src/domain/views.ts';
import { ReconcileWorld, halfLife } from '../support/reconcile-world.ts';
import { aServiceAccount, usualHost } from '../support/views.ts';

const good = { [usualHost]: 'eu-west-1-1' };

/** A namespace whose Secret was written as `old`, and is called otherwise now. */
function renamed(overrides: Partial<SecretView> = {}) {
  const world = new ReconcileWorld({ formerSecretNames: ['older', 'old'] });
  const old = world.formerlyWritten('old', overrides);
  return { world, old };
}

const refuse = (error: Error) => () => {
  throw error;
};
const busy = new Retryable('server-error', 'the API server is busy');
const forbidden = new Blocked({
  reason: 'Forbidden',
  subject: 'x',
  note: 'the role does not allow it: add it',
});

describe('renaming', () => {
  test('writes and attaches the new Secret first, then detaches and deletes the old one', async () => {
    const { world } = renamed();
    world.answering();
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'recheck', problems: [] });
    expect(world.cluster.requests).toEqual([
      'attach team-a',
      'create team-a',
      'detach team-a old',
      'delete team-a old',
    ]);
    expect([world.cluster.passwords('team-a'), world.pullSecrets()]).toEqual([good, ['ecr-pull-secret']]);
    expect(world.cluster.secret('team-a', 'old')).toBeUndefined();
    expect(world.metrics.all).toMatchObject({
      'wrote attach not-attached': 1,
      'wrote create missing': 1,
      'wrote detach renamed': 1,
      'wrote delete renamed': 1,
    });
    const asked = world.cluster.requests.length;
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [] });
    expect(world.cluster.requests).toHaveLength(asked);
  });

  test('leaves the old one while the token of the new one is under way', async () => {
    const { world, old } = renamed();
    expect(await world.step()).toMatchObject({ kind: 'awaiting', done: [{ kind: 'attach' }] });
    expect(world.cluster.secret('team-a', 'old')).toEqual(old);
    expect(world.pullSecrets()).toEqual(['old', 'ecr-pull-secret']);
  });

  test('leaves the old one, however long, while AWS gives no token for the new one', async () => {
    const { world, old } = renamed();
    world.answering(['eu-west-1']);
    for (let round = 0; round < 3; round += 1) {
      expect(await world.stepUntilDecided()).toMatchObject({ problems: [{ reason: 'TokenUnavailable' }] });
      await world.clock.advance(halfLife);
    }
    expect(world.cluster.secret('team-a', 'old')).toEqual(old);
    expect(world.pullSecrets()).toContain('old');
    world.answering();
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'recheck', problems: [] });
    expect(world.cluster.secret('team-a', 'old')).toBeUndefined();
  });

  test.each([
    ['written, for now', 'create', busy],
    ['written, for good', 'create', forbidden],
    ['attached, for now', 'attach', busy],
    ['attached, for good', 'attach', forbidden],
  ] as const)('leaves the old one and its entry while the new one cannot be %s', async (_, kind, error) => {
    const { world, old } = renamed();
    world.answering();
    if (kind === 'create') {
      await world.step();
      await world.clock.settle();
    } else {
      // The token is there already: attaching and writing are in one step.
      world.cluster.serviceAccounts.clear();
      world.cluster.meanwhile('create', refuse(busy));
      await world.stepUntilDecided();
      world.cluster.put(aServiceAccount({ pullSecrets: ['old'] }));
    }
    world.cluster.meanwhile(kind, refuse(error));
    await world.step();
    expect(world.cluster.secret('team-a', 'old')).toEqual(old);
    expect(world.pullSecrets()).toContain('old');
    expect(await world.step()).toMatchObject({ kind: 'recheck', problems: [] });
    expect([world.cluster.passwords('team-a'), world.pullSecrets()]).toEqual([good, ['ecr-pull-secret']]);
    expect(world.cluster.secret('team-a', 'old')).toBeUndefined();
  });

  test('leaves the old one where a foreign Secret stands in the place of the new one', async () => {
    const { world, old } = renamed();
    const pullSecrets = world.pullSecrets();
    const theirs = world.written([usualHost], { managedBy: 'helm' });
    world.cluster.put(aServiceAccount({ pullSecrets }));
    expect(await world.step()).toMatchObject({ kind: 'blocked', problems: [{ reason: 'SecretForeign' }] });
    expect([world.cluster.secret('team-a', 'old'), world.cluster.secret('team-a')]).toEqual([old, theirs]);
    expect([world.pullSecrets(), world.untouched]).toEqual([['old'], true]);
  });

  test('cleans up what is left over beside a new one that is good, without AWS, and counts why', async () => {
    const world = new ReconcileWorld({ formerSecretNames: ['older', 'old'] });
    const seen = world.written([usualHost]);
    world.formerlyWritten('old');
    world.formerlyWritten('older');
    expect(await world.step()).toMatchObject({ kind: 'recheck', problems: [] });
    expect([world.pullSecrets(), world.cluster.secrets.size]).toEqual([['ecr-pull-secret'], 1]);
    expect([world.cluster.secret('team-a'), world.fetcher.calls]).toEqual([seen, []]);
    expect(world.metrics.all).toEqual({ 'wrote detach renamed': 2, 'wrote delete renamed': 2 });
  });

  test('goes on with the next step where the old one could not be deleted', async () => {
    const { world } = renamed();
    world.answering();
    world.cluster.meanwhile('delete', refuse(busy));
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'retry' });
    expect(world.cluster.passwords('team-a')).toEqual(good);
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [{ kind: 'delete-secret' }] });
    expect(world.cluster.secret('team-a', 'old')).toBeUndefined();
  });

  test.each<[string, Partial<SecretView>]>([
    ['without our label', { managedBy: 'helm' }],
    ['of another installation', { annotations: { instance: 'other' } }],
    ['that was not applied by us', { appliedByUs: false }],
  ])('touches neither a Secret of the old name %s nor its entry', async (_, foreign) => {
    const { world, old } = renamed(foreign);
    world.answering();
    await world.stepUntilDecided();
    expect(world.cluster.secret('team-a', 'old')).toEqual(old);
    expect(world.pullSecrets()).toEqual(['old', 'ecr-pull-secret']);
  });

  test('does not delete an old one that was replaced between the look and the request', async () => {
    const { world } = renamed();
    world.answering();
    const theirs = { uid: 'theirs', managedBy: 'helm' };
    world.cluster.meanwhile('delete', () => void world.formerlyWritten('old', theirs));
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'retry', failure: { reason: 'conflict' } });
    expect(world.cluster.secret('team-a', 'old')).toMatchObject(theirs);
  });
});
