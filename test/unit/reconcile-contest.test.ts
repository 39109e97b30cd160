// Somebody undoes what we do, again and again: a few repairs at once, then one in two minutes, and people are told. The Secret
// and its entries in ServiceAccounts have a limit each. Single repairs are in reconcile-drift.test.ts.
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/controller/outcome.ts';
import { type ReconcileWorld, halfLife, served } from '../support/reconcile-world.ts';
import { aNamespace, aServiceAccount, usualHost } from '../support/views.ts';

const minute = 60_000;
const good = { [usualHost]: 'eu-west-1-1' };
const data = 'f:data/f:.dockerconfigjson';
const attached = ['ecr-pull-secret'];

type Deed = (world: ReconcileWorld) => void;
const edit: Deed = ({ cluster }) => void cluster.edit('team-a', { lostFields: [data] });
const remove: Deed = ({ cluster }) => cluster.secrets.clear();
let patches = 500;
const detach: Deed = ({ cluster }) => {
  patches += 1;
  cluster.put(aServiceAccount({ pullSecrets: [], resourceVersion: String(patches) }));
};
/** Puts the annotations of an older state back, as a backup or a copying tool does. */
const forge =
  (change: Readonly<Record<string, string>>): Deed =>
  ({ cluster }) => {
    const annotations = { ...cluster.secret('team-a')?.annotations, ...change };
    const lostFields = Object.keys(change).map((key) => `f:metadata/f:annotations/f:ecr-pull-secrets/${key}`);
    cluster.edit('team-a', { annotations, lostFields });
  };

/** Does it and lets us answer, so many times; what came of the last step. */
async function fight(world: ReconcileWorld, deed: Deed, rounds: number): Promise<Outcome> {
  let outcome = await world.step();
  for (let round = 0; round < rounds; round += 1) {
    deed(world);
    outcome = await world.stepUntilDecided();
  }
  return outcome;
}

const writesOf = (world: ReconcileWorld) =>
  world.cluster.requests.filter((request) => /^(create|update|attach)/.test(request)).length;

const deeds: readonly (readonly [string, Deed])[] = [
  ['edited', edit],
  ['deleted', remove],
  ['given a record that cannot be read', forge({ tokens: '?' })],
  ['given an old record', forge({ tokens: '{"x":{"issued":1,"expires":2}}' })],
  ['given the inputs of another', forge({ 'inputs-hash': 'other' })],
];

describe('a Secret that is undone again and again', () => {
  test.each(deeds)('is repaired five times, then that is told and it is left: it is %s', async (_, deed) => {
    const world = await served();
    expect(await fight(world, deed, 5)).toMatchObject({ kind: 'recheck', problems: [] });
    expect([world.cluster.passwords('team-a'), writesOf(world)]).toEqual([good, 5]);
    deed(world);
    const outcome = await world.stepUntilDecided();
    expect(outcome).toMatchObject({ kind: 'blocked', done: [], problems: [{ reason: 'Contested' }] });
    expect(outcome.problems[0]?.retryAt).toBe(world.clock.now() + 2 * minute);
    expect(outcome.kind === 'blocked' && outcome.at).toBe(world.clock.now() + 2 * minute);
    await fight(world, deed, 100);
    expect([writesOf(world), world.fetcher.calls.length]).toEqual([5, 1]);
  });

  test.each(deeds)('is repaired once in two minutes afterwards: it is %s', async (_, deed) => {
    const world = await served();
    await fight(world, deed, 6);
    for (let round = 1; round <= 5; round += 1) {
      await world.clock.advance(2 * minute);
      expect(await world.stepUntilDecided()).toMatchObject({ kind: 'recheck', problems: [] });
      expect([world.cluster.passwords('team-a'), writesOf(world)]).toEqual([good, 5 + round]);
      deed(world);
      expect(await world.stepUntilDecided()).toMatchObject({ problems: [{ reason: 'Contested' }] });
    }
  });

  test('is told with what is done to it, and how to find who does it; always in the same words', async () => {
    const world = await served();
    const [first, second] = [await fight(world, edit, 6), await fight(world, edit, 1)];
    const [{ subject, note } = { subject: '', note: '' }] = first.problems;
    expect(subject).toBe('ecr-pull-secret');
    expect(note).toContain('changing or deleting Secret ecr-pull-secret');
    expect(note).toContain('kubectl get secret ecr-pull-secret -n team-a -o yaml --show-managed-fields');
    expect(second.problems[0]?.note).toBe(note);
  });

  test('leaves the ServiceAccount to be attached all the same', async () => {
    const world = await served();
    await fight(world, remove, 6);
    detach(world);
    expect(await world.step()).toMatchObject({
      kind: 'blocked',
      done: [{ kind: 'attach' }],
      problems: [{ reason: 'Contested' }],
    });
    expect([world.pullSecrets(), world.cluster.secret('team-a')]).toEqual([attached, undefined]);
  });

  test('does not limit another namespace', async () => {
    const world = await served();
    await fight(world, edit, 6);
    const name = 'team-b';
    world.cluster.put(aNamespace({ name }), aServiceAccount({ namespace: name }));
    expect(await world.step(name)).toMatchObject({ kind: 'recheck', problems: [] });
    world.cluster.secrets.delete('team-b/ecr-pull-secret');
    expect(await world.step(name)).toMatchObject({ kind: 'recheck', reason: 'missing' });
    expect(world.cluster.passwords(name)).toEqual(good);
  });
});

describe('what we do without being provoked is no repair', () => {
  test('many refreshes in a row are not limited', async () => {
    const world = await served();
    for (let round = 0; round < 20; round += 1) {
      await world.clock.advance(halfLife);
      expect(await world.stepUntilDecided()).toMatchObject({ reason: 'due', problems: [] });
    }
    await fight(world, edit, 5);
    expect(writesOf(world)).toBe(25);
  });

  test('a namespace that asks for something else again and again is not limited', async () => {
    const world = await served();
    for (let account = 0; account < 10; account += 1) {
      world.annotate({ registries: `11111111111${account}.dkr.ecr.eu-west-1.amazonaws.com` });
      expect(await world.step()).toMatchObject({ kind: 'recheck', reason: 'inputs-changed', problems: [] });
    }
    expect(world.fetcher.calls).toHaveLength(1);
  });

  test('a namespace that comes back after it was gone begins anew', async () => {
    const world = await served();
    await fight(world, remove, 6);
    world.cluster.namespaces.clear();
    await world.step();
    world.annotate({ enabled: 'true' });
    expect(await world.step()).toMatchObject({ kind: 'recheck', reason: 'missing', problems: [] });
    expect(await fight(world, remove, 5)).toMatchObject({ kind: 'recheck', problems: [] });
  });
});

describe('an entry that is taken out of a ServiceAccount again and again', () => {
  test('is put back five times, then that is told and it is left for two minutes', async () => {
    const world = await served();
    expect(await fight(world, detach, 5)).toMatchObject({ kind: 'recheck', problems: [] });
    expect(world.pullSecrets()).toEqual(attached);
    const outcome = await fight(world, detach, 10);
    expect(outcome).toMatchObject({ kind: 'blocked', done: [], problems: [{ reason: 'Contested' }] });
    expect(outcome.problems[0]?.note).toContain('taking ecr-pull-secret out of the imagePullSecrets');
    expect([world.pullSecrets(), writesOf(world)]).toEqual([[], 5]);
    await world.clock.advance(2 * minute);
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [{ kind: 'attach' }], problems: [] });
    expect(world.pullSecrets()).toEqual(attached);
  });

  test('leaves the Secret to be refreshed and repaired all the same', async () => {
    const world = await served();
    await fight(world, detach, 6);
    edit(world);
    expect(await world.step()).toMatchObject({
      kind: 'blocked',
      done: [{ kind: 'write-secret' }],
      problems: [{ reason: 'Contested' }],
    });
    await world.clock.advance(halfLife);
    detach(world);
    await fight(world, detach, 6);
    expect(world.cluster.passwords('team-a')).toEqual({ [usualHost]: 'eu-west-1-2' });
  });

  test('leaves another ServiceAccount to be attached for the first time', async () => {
    const world = await served({ attachTo: ['default', 'builder'] });
    await fight(world, detach, 6);
    world.cluster.put(aServiceAccount({ name: 'builder' }));
    expect(await world.step()).toMatchObject({ problems: [{ reason: 'Contested' }] });
    expect([world.pullSecrets('builder'), world.pullSecrets()]).toEqual([attached, []]);
  });

  test('beside a Secret that is undone as often is told as two problems', async () => {
    const world = await served();
    const both: Deed = () => [detach, remove].forEach((deed) => deed(world));
    const { problems } = await fight(world, both, 8);
    expect(problems.map(({ reason }) => reason)).toEqual(['Contested', 'Contested']);
    expect(new Set(problems.map(({ note }) => note)).size).toBe(2);
  });
});
