// One step for a namespace that is merely not selected any more (an annotation gone, a pattern or a selector changed): what is
// ours stays until its last token has expired and a live look has confirmed it. Opting out is in reconcile-opted-out.test.ts.
import { describe, expect, test } from 'vitest';
import { Blocked, Retryable } from '../../src/domain/errors.ts';
import type { Settings } from '../../src/domain/settings.ts';
import type { SecretView } from '../../src/domain/views.ts';
import { ReconcileWorld } from '../support/reconcile-world.ts';
import { aNamespace, aSettings, hostIn, midnight, twelveHours, usualHost } from '../support/views.ts';

const expiry = (midnight + twelveHours) * 1_000;
const life = twelveHours * 1_000;

/** A namespace that was served until now and has lost its annotations. */
function unselected(overrides: Partial<Settings> = {}) {
  const world = new ReconcileWorld(overrides);
  const seen = world.written([usualHost]);
  world.annotate({});
  return { world, seen };
}

describe('a namespace that is no longer selected', () => {
  test('keeps Secret and entry, without a request, until the token has expired', async () => {
    const { world, seen } = unselected();
    const waiting = { kind: 'recheck', at: expiry, leaving: true, done: [], problems: [] };
    expect(await world.step()).toEqual(waiting);
    await world.clock.advance(life - 1);
    expect(await world.step()).toEqual(waiting);
    expect([world.cluster.secret('team-a'), world.pullSecrets()]).toEqual([seen, ['ecr-pull-secret']]);
    expect(world.untouched).toBe(true);
  });

  test('loses them then, after a live look, the entry first', async () => {
    const { world } = unselected();
    await world.clock.advance(life);
    const outcome = await world.step();
    expect(outcome).toMatchObject({ kind: 'settled', problems: [] });
    expect(outcome.done.map(({ kind }) => kind)).toEqual(['detach', 'delete-secret']);
    expect(world.cluster.requests).toEqual(['look team-a', 'detach team-a', 'delete team-a']);
    expect([world.cluster.secret('team-a'), world.pullSecrets()]).toEqual([undefined, []]);
    expect(world.metrics.all).toEqual({ 'wrote detach unselected': 1, 'wrote delete unselected': 1 });
    expect(await world.step()).toEqual({ kind: 'settled', done: [], problems: [] });
  });

  test('is served as if nothing had been when it is selected again in time', async () => {
    const { world, seen } = unselected();
    await world.step();
    world.annotate({ enabled: 'true' });
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [], problems: [] });
    expect(world.cluster.secret('team-a')).toEqual(seen);
    expect(world.untouched).toBe(true);
  });

  test('loses them at once when it then says no', async () => {
    const { world } = unselected();
    await world.step();
    world.annotate({ enabled: 'false' });
    expect(await world.step()).toMatchObject({ kind: 'settled' });
    expect(world.cluster.requests).toEqual(['detach team-a', 'delete team-a']);
  });

  test('waits for the last token of several, and of Secrets of former names', async () => {
    const { world } = unselected({ formerSecretNames: ['old'] });
    const tokens = { a: { issued: midnight, expires: midnight + 10 }, b: { issued: 1, expires: 2 ** 31 } };
    world.formerlyWritten('old', { annotations: { tokens: JSON.stringify(tokens) } });
    expect(await world.step()).toMatchObject({ kind: 'recheck', at: 2 ** 31 * 1_000, leaving: true });
  });

  test('loses Secrets of former names too', async () => {
    const { world } = unselected({ formerSecretNames: ['old', 'never-there'] });
    world.formerlyWritten('old');
    await world.clock.advance(life);
    expect(await world.step()).toMatchObject({ kind: 'settled' });
    expect([world.cluster.secrets.size, world.pullSecrets()]).toEqual([0, []]);
  });

  test.each<[string, string]>([
    ['cannot be read', '?'],
    ['is empty, which none of ours is', '{}'],
  ])('keeps a Secret whose record %s: nobody knows what it is worth', async (_, tokens) => {
    const { world } = unselected();
    const seen = world.written([usualHost], { annotations: { tokens } });
    await world.clock.advance(100 * life);
    expect(await world.step()).toMatchObject({ kind: 'recheck', at: Infinity, leaving: true });
    expect([world.cluster.secret('team-a'), world.untouched]).toEqual([seen, true]);
  });

  const excluding = { namespaces: { ...aSettings().namespaces, exclude: ['team-*'] } };

  test.each<[string, Partial<Settings>, (world: ReconcileWorld) => void]>([
    ['the selector does not match it any more', {}, ({ cluster }) => cluster.unmatched.add('team-a')],
    ['its name is excluded by now', excluding, () => {}],
    ['it has only annotations that do not select it', {}, (world) => world.annotate({ 'attach-to': 'none' })],
  ])('is treated so where %s', async (_, overrides, deselect) => {
    const { world } = unselected(overrides);
    world.annotate({ enabled: 'true' });
    deselect(world);
    expect(await world.step()).toMatchObject({ kind: 'recheck', at: expiry, leaving: true });
    expect(world.untouched).toBe(true);
    await world.clock.advance(life);
    expect(await world.step()).toMatchObject({ kind: 'settled' });
    expect([world.cluster.secret('team-a'), world.pullSecrets()]).toEqual([undefined, []]);
  });
});

describe('the live look', () => {
  test.each<[string, Parameters<typeof aNamespace>[0]]>([
    ['is selected', { annotations: { enabled: 'true' } }],
    ['asks for something that is refused', { annotations: { profile: 'nowhere' } }],
    ['cannot be understood', { annotations: { enabled: 'ja' } }],
    ['is being deleted', { annotations: {}, terminating: true }],
  ])('finds that the namespace %s: nothing is lost, and it is looked at anew', async (_, live) => {
    const { world, seen } = unselected();
    await world.clock.advance(life);
    world.cluster.meanwhile('look', () => world.cluster.put(aNamespace(live)));
    expect(await world.step()).toMatchObject({ kind: 'retry', done: [], failure: { reason: 'conflict' } });
    expect(world.cluster.requests).toEqual(['look team-a']);
    expect([world.cluster.secret('team-a'), world.pullSecrets()]).toEqual([seen, ['ecr-pull-secret']]);
  });

  test('finds it selected after all: the next step refreshes its Secret in place', async () => {
    const { world, seen } = unselected();
    await world.clock.advance(life);
    world.cluster.meanwhile('look', () => world.annotate({ enabled: 'true' }));
    await world.step();
    world.answering();
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'recheck', reason: 'due' });
    expect(world.cluster.secret('team-a')?.uid).toBe(seen.uid);
    expect(world.cluster.passwords('team-a')).toEqual({ [usualHost]: 'eu-west-1-1' });
  });

  test('finds that it said no meanwhile: what is ours goes', async () => {
    const { world } = unselected();
    await world.clock.advance(life);
    world.cluster.meanwhile('look', () => world.annotate({ enabled: 'false' }));
    expect(await world.step()).toMatchObject({ kind: 'settled', done: [{}, { kind: 'delete-secret' }] });
  });

  test.each([
    ['fails for now', new Retryable('network', 'connection reset'), 'retry'],
    ['is forbidden', new Blocked({ reason: 'Forbidden', subject: 'x', note: 'allow it' }), 'blocked'],
  ])('%s: nothing is lost', async (_, error, kind) => {
    const { world, seen } = unselected();
    await world.clock.advance(life);
    world.cluster.meanwhile('look', () => {
      throw error;
    });
    expect(await world.step()).toMatchObject({ kind, done: [] });
    expect([world.cluster.secret('team-a'), world.pullSecrets()]).toEqual([seen, ['ecr-pull-secret']]);
    expect(await world.step()).toMatchObject({ kind: 'settled' });
  });
});

describe('of a namespace that is not selected, nothing is touched that is not ours', () => {
  test.each<[string, Partial<SecretView>]>([
    ['without our label', { managedBy: undefined }],
    ['of another installation', { annotations: { instance: 'other' } }],
    ['that was not applied by us', { appliedByUs: false }],
  ])('neither a Secret %s nor the entry that names it, however old', async (_, foreign) => {
    const world = new ReconcileWorld();
    const seen = world.written([usualHost, hostIn('us-east-1')], foreign);
    world.annotate({});
    await world.clock.advance(10 * life);
    expect(await world.step()).toEqual({ kind: 'settled', done: [], problems: [] });
    expect([world.cluster.secret('team-a'), world.pullSecrets()]).toEqual([seen, ['ecr-pull-secret']]);
    expect(world.untouched).toBe(true);
  });

  test('while it is being deleted', async () => {
    const { world, seen } = unselected();
    world.cluster.put(aNamespace({ annotations: {}, terminating: true }));
    await world.clock.advance(life);
    expect(await world.step()).toEqual({ kind: 'settled', done: [], problems: [] });
    expect([world.cluster.secret('team-a'), world.untouched]).toEqual([seen, true]);
  });

  test('a Secret that took the place of ours between the look and the request', async () => {
    const { world } = unselected();
    await world.clock.advance(life);
    const theirs = { uid: 'theirs', managedBy: 'helm' };
    world.cluster.meanwhile('delete', () => world.written([usualHost], theirs));
    expect(await world.step()).toMatchObject({ kind: 'retry', failure: { reason: 'conflict' } });
    expect(world.cluster.secret('team-a')).toMatchObject(theirs);
  });

  test('half-way: the Secret stays as long as an entry could not be removed, and both go with the next step', async () => {
    const { world } = unselected();
    await world.clock.advance(life);
    world.cluster.meanwhile('detach', () => {
      throw new Retryable('throttled', 'slow down');
    });
    expect(await world.step()).toMatchObject({ kind: 'retry', done: [] });
    expect(world.cluster.secret('team-a')).toBeDefined();
    expect(await world.step()).toMatchObject({ kind: 'settled', done: [{ kind: 'detach' }, {}] });
    expect([world.cluster.secret('team-a'), world.pullSecrets()]).toEqual([undefined, []]);
  });
});
