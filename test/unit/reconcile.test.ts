// One step for a namespace that is served, where nothing fails: what is written and what is left alone.
// The cluster is in memory, the token cache is real. Failures are in
// reconcile-failures.test.ts and reconcile-conflicts.test.ts.
import { describe, expect, test } from 'vitest';
import type { SecretView } from '../../src/domain/views.ts';
import { ReconcileWorld, halfLife } from '../support/reconcile-world.ts';
import { aNamespace, aRegistry, aServiceAccount, hostIn, midnight, usualHost } from '../support/views.ts';

const midnightMs = midnight * 1_000;

describe('a namespace without a Secret', () => {
  test('is attached before the token arrives, and the step does not wait for AWS', async () => {
    const world = new ReconcileWorld();
    const outcome = await world.step();
    expect(outcome).toMatchObject({
      kind: 'awaiting',
      done: [{ kind: 'attach' }],
      problems: [],
      reason: 'missing',
    });
    expect(world.pullSecrets()).toEqual(['ecr-pull-secret']);
    expect([world.fetcher.inFlight, world.cluster.passwords('team-a')]).toEqual([1, undefined]);
  });

  test('gets it when the token has come, and is looked at again at half of its life', async () => {
    const world = new ReconcileWorld();
    world.answering();
    await world.step();
    await world.clock.settle();
    expect(world.woken).toEqual(['team-a']);
    const outcome = await world.step();
    expect(outcome).toMatchObject({
      kind: 'recheck',
      at: midnightMs + halfLife,
      problems: [],
      reason: 'missing',
    });
    expect(outcome.done.map(({ kind }) => kind)).toEqual(['write-secret']);
    expect(world.cluster.passwords('team-a')).toEqual({ [usualHost]: 'eu-west-1-1' });
    expect(world.cluster.requests).toEqual(['attach team-a', 'create team-a']);
    expect(world.metrics.all).toMatchObject({ 'wrote attach not-attached': 1, 'wrote create missing': 1 });
  });

  test('gets it in one step where another namespace had the token fetched: one call for both', async () => {
    const world = new ReconcileWorld();
    world.answering();
    await world.stepUntilDecided();
    const name = 'team-b';
    world.cluster.put(aNamespace({ name }), aServiceAccount({ namespace: name, pullSecrets: ['own'] }));
    expect(await world.step(name)).toMatchObject({ kind: 'recheck' });
    expect(world.cluster.passwords(name)).toEqual({ [usualHost]: 'eu-west-1-1' });
    expect(world.cluster.serviceAccount(name, 'default')?.pullSecrets).toEqual(['own', 'ecr-pull-secret']);
    expect(world.fetcher.calls).toHaveLength(1);
  });

  test('is written only when every token has come', async () => {
    const world = new ReconcileWorld({ registries: [usualHost, hostIn('us-east-1')].map(aRegistry) });
    const outcome = await world.step();
    expect(outcome.kind === 'awaiting' && outcome.tokens).toHaveLength(2);
    await world.answerCall(0);
    expect(await world.step()).toMatchObject({ kind: 'awaiting', done: [] });
    expect(world.cluster.passwords('team-a')).toBeUndefined();
    await world.answerCall(1);
    expect(await world.step()).toMatchObject({ kind: 'recheck' });
    expect(Object.keys(world.cluster.passwords('team-a') ?? {})).toEqual([usualHost, hostIn('us-east-1')]);
  });

  test.each<[string, string, readonly string[] | undefined]>([
    ['no ServiceAccount where it says none', 'none', undefined],
    ['the one that it names', 'builder', ['ecr-pull-secret']],
  ])('attaches to %s', async (_, attach, expected) => {
    const world = new ReconcileWorld({ attachTo: ['default', 'builder'] });
    world.cluster.put(aNamespace({ annotations: { enabled: 'true', 'attach-to': attach } }));
    world.cluster.put(aServiceAccount({ name: 'builder' }));
    world.answering();
    await world.stepUntilDecided();
    expect([world.pullSecrets('builder'), world.pullSecrets()]).toEqual([expected, undefined]);
    expect(world.cluster.passwords('team-a')).toBeDefined();
  });

  test('is served where a ServiceAccount does not exist yet, and that is attached when it does', async () => {
    const world = new ReconcileWorld();
    world.cluster.serviceAccounts.clear();
    world.answering();
    await world.stepUntilDecided();
    expect(world.cluster.passwords('team-a')).toBeDefined();
    world.cluster.put(aServiceAccount());
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [{ kind: 'attach' }] });
    expect(world.pullSecrets()).toEqual(['ecr-pull-secret']);
  });

  test('gets none where the opt-in cannot be read', async () => {
    const world = new ReconcileWorld();
    world.cluster.put(aNamespace({ annotations: { enabled: 'yes please' } }));
    const outcome = await world.step();
    expect(outcome).toMatchObject({
      kind: 'recheck',
      at: Infinity,
      problems: [{ reason: 'AnnotationInvalid' }],
    });
    expect([world.untouched, world.pullSecrets()]).toEqual([true, undefined]);
  });
});

describe('a Secret that is ours', () => {
  test('and good is not written, and AWS is not asked, as after a restart', async () => {
    const world = new ReconcileWorld();
    world.written([usualHost]);
    await world.clock.advance(halfLife - 1_000);
    expect(await world.step()).toEqual({
      kind: 'recheck',
      at: midnightMs + halfLife,
      done: [],
      problems: [],
      reason: undefined,
    });
    expect(world.untouched).toBe(true);
  });

  test('and due is not written while its token is under way', async () => {
    const world = new ReconcileWorld();
    const seen = world.written([usualHost]);
    await world.clock.advance(halfLife);
    expect(await world.step()).toMatchObject({ kind: 'awaiting', done: [], reason: 'due' });
    expect(world.cluster.secret('team-a')).toEqual(seen);
    expect([world.cluster.requests, world.fetcher.inFlight]).toEqual([[], 1]);
  });

  test('and due is written in place, once, when the token has come', async () => {
    const world = new ReconcileWorld();
    const seen = world.written([usualHost]);
    await world.clock.advance(halfLife);
    world.answering();
    const outcome = await world.stepUntilDecided();
    expect(outcome).toMatchObject({ kind: 'recheck', at: midnightMs + 2 * halfLife, reason: 'due' });
    expect(world.cluster.passwords('team-a')).toEqual({ [usualHost]: 'eu-west-1-1' });
    expect(world.cluster.secret('team-a')?.uid).toBe(seen.uid);
    expect(world.metrics.all).toMatchObject({ 'wrote update due': 1 });
    expect(outcome.done[0]?.description).toBe(`update Secret ecr-pull-secret for ${usualHost}`);
    expect(world.cluster.requests).toEqual(['update team-a']);
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [] });
    expect([world.cluster.requests.length, world.fetcher.calls.length]).toEqual([1, 1]);
  });

  test('goes on being refreshed where the opt-in can no longer be read', async () => {
    const world = new ReconcileWorld();
    world.written([usualHost]);
    world.cluster.put(aNamespace({ annotations: { enabled: 'ture' } }));
    await world.clock.advance(halfLife);
    world.answering();
    const outcome = await world.stepUntilDecided();
    expect(outcome).toMatchObject({ kind: 'recheck', problems: [{ reason: 'AnnotationInvalid' }] });
    expect(world.cluster.passwords('team-a')).toEqual({ [usualHost]: 'eu-west-1-1' });
  });

  test.each<[string, string, Partial<SecretView>, readonly string[]]>([
    ['of which somebody took a field', 'changed-by-others', { lostFields: ['data'] }, [usualHost]],
    ['whose record was edited', 'unreadable', { annotations: { tokens: '?' } }, [usualHost]],
    ['made for other hosts', 'inputs-changed', {}, [hostIn('us-east-1')]],
  ])('%s is repaired at once', async (_, reason, change, hosts) => {
    const world = new ReconcileWorld();
    const seen = world.written(hosts, change);
    world.answering();
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'recheck', reason });
    expect(world.cluster.passwords('team-a')).toEqual({ [usualHost]: 'eu-west-1-1' });
    expect(world.cluster.secret('team-a')?.uid).toBe(seen.uid);
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [] });
  });

  test('is attached again where somebody took it off, without asking AWS', async () => {
    const world = new ReconcileWorld();
    world.written([usualHost]);
    world.cluster.put(aServiceAccount({ pullSecrets: ['own'] }));
    expect(await world.step()).toMatchObject({
      kind: 'recheck',
      at: midnightMs + halfLife,
      done: [{ kind: 'attach' }],
    });
    expect(world.pullSecrets()).toEqual(['own', 'ecr-pull-secret']);
    expect([world.cluster.requests, world.fetcher.calls]).toEqual([['attach team-a'], []]);
  });
});
