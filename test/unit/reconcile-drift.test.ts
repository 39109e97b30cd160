// One step for a namespace whose Secret somebody else has changed: it is repaired in place, with one look at the content where
// only that can tell, and without AWS where the token is still good. What is done again and again is in
// reconcile-contest.test.ts.
import { describe, expect, test } from 'vitest';
import { SecretText } from '../../src/domain/token.ts';
import type { SecretView } from '../../src/domain/views.ts';
import { Retryable } from '../../src/domain/errors.ts';
import { ReconcileWorld, halfLife, served } from '../support/reconcile-world.ts';
import { aServiceAccount, usualHost } from '../support/views.ts';

const good = { [usualHost]: 'eu-west-1-1' };
const emptied = new SecretText('{"auths":{}}');
const label = 'f:metadata/f:labels/f:app.kubernetes.io/managed-by';
const instance = 'f:metadata/f:annotations/f:ecr-pull-secrets/instance';
const data = 'f:data/f:.dockerconfigjson';

/** What somebody may do to what stands on our Secret: each leaves it unrecognisable. */
const disguises: readonly (readonly [string, (seen: SecretView) => Partial<SecretView>])[] = [
  ['our label is removed', () => ({ managedBy: undefined, lostFields: [label] })],
  ['our label is changed', () => ({ managedBy: 'helm', lostFields: [label] })],
  [
    'our instance is changed',
    ({ annotations }) => ({ annotations: { ...annotations, instance: 'other' }, lostFields: [instance] }),
  ],
  [
    'it is replaced by a full PUT',
    ({ annotations }) => ({ appliedByUs: false, annotations, lostFields: [label, instance, data] }),
  ],
];

describe('a Secret that somebody changes while we run', () => {
  test.each(disguises)('is repaired in place, without AWS, where %s', async (_, change) => {
    const world = await served();
    const before = world.cluster.secret('team-a');
    const seen = world.cluster.edit('team-a', {});
    world.cluster.edit('team-a', change(seen), emptied);
    expect(await world.step()).toMatchObject({
      kind: 'recheck',
      at: world.clock.now() + halfLife,
      reason: 'changed-by-others',
      done: [{ kind: 'write-secret' }],
      problems: [],
    });
    expect(world.cluster.secret('team-a')).toMatchObject({ ...before, resourceVersion: expect.any(String) });
    expect(world.cluster.passwords('team-a')).toEqual(good);
    expect([world.cluster.requests, world.fetcher.calls.length]).toEqual([['update team-a'], 1]);
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [] });
    expect(world.cluster.requests).toHaveLength(1);
  });

  test.each(disguises)('is foreign after a restart, with advice, where %s', async (_, change) => {
    const world = await served();
    const seen = world.cluster.edit('team-a', change(world.cluster.edit('team-a', {})), emptied);
    world.restart();
    const outcome = await world.step();
    expect(outcome).toMatchObject({ kind: 'blocked', done: [], problems: [{ reason: 'SecretForeign' }] });
    expect(outcome.problems[0]?.note).toContain('To hand it over, delete it');
    expect([world.cluster.secret('team-a'), world.cluster.requests]).toEqual([seen, []]);
  });

  test('is known after a restart by what stands on it, and from then on by what it is', async () => {
    const world = await served();
    world.restart();
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [] });
    world.cluster.edit('team-a', { managedBy: undefined, lostFields: [label] });
    expect(await world.stepUntilDecided()).toMatchObject({ done: [{ kind: 'write-secret' }] });
    expect(world.cluster.secret('team-a')?.managedBy).toBe('ecr-pull-secrets');
  });

  test('is foreign where it is another object that has taken the name of ours', async () => {
    const world = await served();
    const theirs = world.cluster.edit('team-a', { uid: 'theirs', managedBy: undefined });
    expect(await world.step()).toMatchObject({ kind: 'blocked', problems: [{ reason: 'SecretForeign' }] });
    expect([world.cluster.secret('team-a'), world.cluster.requests]).toEqual([theirs, []]);
  });

  test('is made anew, without AWS, where it was deleted', async () => {
    const world = await served();
    world.cluster.secrets.clear();
    expect(await world.step()).toMatchObject({ kind: 'recheck', reason: 'missing', problems: [] });
    expect(world.cluster.passwords('team-a')).toEqual(good);
    expect([world.cluster.requests, world.fetcher.calls.length]).toEqual([['create team-a'], 1]);
  });
});

describe('a Secret whose content somebody changes in our name', () => {
  test('is found by one look, and repaired in place', async () => {
    const world = await served();
    const { uid } = world.cluster.edit('team-a', {}, emptied);
    expect(await world.step()).toMatchObject({
      kind: 'recheck',
      reason: 'changed-by-others',
      done: [{ kind: 'write-secret' }],
    });
    expect(world.cluster.requests).toEqual(['read team-a', 'update team-a']);
    expect(world.cluster.passwords('team-a')).toEqual(good);
    expect(world.cluster.secret('team-a')?.uid).toBe(uid);
    await world.step();
    expect([world.cluster.requests.length, world.fetcher.calls.length]).toEqual([2, 1]);
  });

  test('is left as it is where the content is the same after all: one look for each version', async () => {
    const world = await served();
    const seen = world.cluster.edit('team-a', {});
    for (let step = 0; step < 3; step += 1) {
      expect(await world.step()).toMatchObject({ kind: 'recheck', done: [], problems: [] });
    }
    expect([world.cluster.requests, world.cluster.secret('team-a')]).toEqual([['read team-a'], seen]);
    world.cluster.edit('team-a', {});
    await world.step();
    expect(world.cluster.requests).toEqual(['read team-a', 'read team-a']);
  });

  test('is not looked at in a version that we wrote ourselves', async () => {
    const world = await served();
    for (let step = 0; step < 3; step += 1) await world.step();
    await world.clock.advance(halfLife);
    await world.stepUntilDecided();
    await world.step();
    expect(world.cluster.requests).toEqual(['update team-a']);
  });

  test('is not looked at where we do not hold its tokens, and AWS is not asked for that', async () => {
    const world = await served();
    world.restart();
    const seen = world.cluster.edit('team-a', {}, emptied);
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [], problems: [] });
    expect([world.cluster.requests, world.fetcher.calls.length]).toEqual([[], 1]);
    expect(world.cluster.secret('team-a')).toEqual(seen);
  });

  test('is not looked at where we hold another token than it records, as after one for others came early', async () => {
    const world = await served();
    const { annotations } = world.cluster.edit('team-a', {});
    const times = Object.entries(
      JSON.parse(annotations['tokens'] ?? '') as Record<string, { issued: number }>,
    );
    const older = times.map(([key, one]) => [key, { ...one, issued: one.issued - 1 }]);
    const tokens = JSON.stringify(Object.fromEntries(older));
    world.cluster.edit('team-a', { annotations: { ...annotations, tokens } }, emptied);
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [] });
    expect(world.cluster.requests).toEqual([]);
  });

  test('that was deleted before the look is made anew by the next step', async () => {
    const world = await served();
    world.cluster.edit('team-a', {}, emptied);
    world.cluster.meanwhile('read', () => world.cluster.secrets.clear());
    expect(await world.step()).toMatchObject({ kind: 'retry', failure: { reason: 'conflict' } });
    expect(await world.step()).toMatchObject({ kind: 'recheck', reason: 'missing' });
    expect(world.cluster.passwords('team-a')).toEqual(good);
  });

  test('that was replaced before the look is not written', async () => {
    const world = await served();
    world.cluster.edit('team-a', {}, emptied);
    const theirs = { uid: 'theirs', managedBy: 'helm' };
    world.cluster.meanwhile('read', () => world.cluster.edit('team-a', theirs));
    expect(await world.step()).toMatchObject({ kind: 'retry', failure: { reason: 'conflict' } });
    expect(world.cluster.secret('team-a')).toMatchObject(theirs);
    expect(await world.step()).toMatchObject({ kind: 'blocked', problems: [{ reason: 'SecretForeign' }] });
  });

  test('stays as it is while it cannot be looked at', async () => {
    const world = await served();
    const seen = world.cluster.edit('team-a', {}, emptied);
    world.cluster.meanwhile('read', () => {
      throw new Retryable('throttled', 'slow down', 2_000);
    });
    expect(await world.step()).toMatchObject({ kind: 'retry', failure: { afterMs: 2_000 }, done: [] });
    expect(world.cluster.secret('team-a')).toEqual(seen);
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [{ kind: 'write-secret' }] });
  });
});

test('a Secret that is ours and an entry taken away are both repaired in one step, without AWS', async () => {
  const world = await served();
  world.cluster.put(aServiceAccount({ pullSecrets: ['theirs'], resourceVersion: '70' }));
  world.cluster.edit('team-a', { lostFields: [data] }, emptied);
  expect(await world.step()).toMatchObject({ done: [{ kind: 'attach' }, { kind: 'write-secret' }] });
  expect(world.pullSecrets()).toEqual(['theirs', 'ecr-pull-secret']);
  expect([world.cluster.passwords('team-a'), world.fetcher.calls.length]).toEqual([good, 1]);
});

test('what is known of a Secret is forgotten with its namespace', async () => {
  const world = new ReconcileWorld();
  world.answering();
  await world.stepUntilDecided();
  const namespace = world.cluster.namespace('team-a');
  const held = new Map(world.cluster.secrets);
  world.cluster.namespaces.clear();
  world.cluster.secrets.clear();
  expect(await world.step()).toMatchObject({ kind: 'settled' });
  if (namespace !== undefined) world.cluster.put(namespace);
  for (const [key, secret] of held) world.cluster.secrets.set(key, secret);
  world.cluster.edit('team-a', { managedBy: undefined });
  expect(await world.step()).toMatchObject({ kind: 'blocked', problems: [{ reason: 'SecretForeign' }] });
});
