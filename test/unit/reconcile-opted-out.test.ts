// One step for a namespace that said no (`enabled: "false"`): our entries and our Secrets go at once, the entries first, and
// nothing of anybody else's. A namespace that is merely not selected any more is in reconcile-unselected.test.ts.
import { describe, expect, test } from 'vitest';
import { Blocked, Retryable } from '../../src/domain/errors.ts';
import type { Settings } from '../../src/domain/settings.ts';
import type { SecretView } from '../../src/domain/views.ts';
import { ReconcileWorld } from '../support/reconcile-world.ts';
import { aNamespace, aServiceAccount, usualHost } from '../support/views.ts';

const busy = () => {
  throw new Retryable('server-error', 'the API server is busy', 3_000);
};
const forbidden = () => {
  throw new Blocked({
    reason: 'Forbidden',
    subject: 'default',
    note: 'the role does not allow patch: add it',
  });
};

/** A namespace that was served until now. */
function optedOut(overrides: Partial<Settings> = {}) {
  const world = new ReconcileWorld(overrides);
  world.written([usualHost]);
  world.cluster.put(aServiceAccount({ pullSecrets: ['theirs', 'ecr-pull-secret', 'more'] }));
  world.annotate({ enabled: 'false' });
  return world;
}

describe('a namespace that opts out', () => {
  test('loses the entry first, then the Secret, at once, and is settled; AWS and the namespace are not asked', async () => {
    const world = optedOut();
    const outcome = await world.step();
    expect(outcome).toEqual({
      kind: 'settled',
      done: [
        {
          kind: 'detach',
          description: 'remove ecr-pull-secret from the imagePullSecrets of ServiceAccount default',
        },
        { kind: 'delete-secret', description: 'delete Secret ecr-pull-secret' },
      ],
      problems: [],
    });
    expect(world.cluster.requests).toEqual(['detach team-a', 'delete team-a']);
    expect(world.pullSecrets()).toEqual(['theirs', 'more']);
    expect(world.cluster.secret('team-a')).toBeUndefined();
    expect(world.metrics.all).toEqual({ 'wrote detach opted-out': 1, 'wrote delete opted-out': 1 });
    expect(world.fetcher.calls).toEqual([]);
  });

  test('is left alone afterwards', async () => {
    const world = optedOut();
    await world.step();
    const asked = world.cluster.requests.length;
    expect(await world.step()).toEqual({ kind: 'settled', done: [], problems: [] });
    expect(world.cluster.requests).toHaveLength(asked);
  });

  test('gets a new Secret when it opts in again', async () => {
    const world = optedOut();
    await world.step();
    world.annotate({ enabled: 'true' });
    world.answering();
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'recheck', reason: 'missing' });
    expect(world.cluster.passwords('team-a')).toEqual({ [usualHost]: 'eu-west-1-1' });
    expect(world.pullSecrets()).toEqual(['theirs', 'more', 'ecr-pull-secret']);
  });

  test('is detached from every ServiceAccount that the configuration lets us touch', async () => {
    const world = optedOut({ attachTo: ['default', 'builder', 'absent'] });
    world.cluster.put(aServiceAccount({ name: 'builder', pullSecrets: ['ecr-pull-secret'] }));
    world.cluster.put(aServiceAccount({ name: 'untouchable', pullSecrets: ['ecr-pull-secret'] }));
    await world.step();
    expect(['default', 'builder', 'untouchable'].map((name) => world.pullSecrets(name))).toEqual([
      ['theirs', 'more'],
      [],
      ['ecr-pull-secret'],
    ]);
  });

  test('loses an entry that is left over from a Secret which somebody deleted', async () => {
    const world = optedOut();
    world.cluster.secrets.clear();
    expect(await world.step()).toMatchObject({ kind: 'settled', done: [{ kind: 'detach' }] });
    expect(world.pullSecrets()).toEqual(['theirs', 'more']);
  });

  test('loses the Secrets of former names too, with their entries', async () => {
    const world = optedOut({ formerSecretNames: ['old-1', 'old-2'] });
    world.formerlyWritten('old-1');
    world.formerlyWritten('old-2');
    expect(await world.step()).toMatchObject({ kind: 'settled', problems: [] });
    expect(world.pullSecrets()).toEqual(['theirs', 'more']);
    expect(world.cluster.secrets.size).toBe(0);
    const firstDelete = world.cluster.requests.findIndex((request) => request.startsWith('delete'));
    expect(world.cluster.requests.slice(0, firstDelete)).toHaveLength(3);
  });

  test('still hears of what else is wrong with its annotations', async () => {
    const world = optedOut();
    world.annotate({ enabled: 'false', enabeld: 'true' });
    expect(await world.step()).toMatchObject({
      kind: 'settled',
      problems: [{ reason: 'AnnotationUnknown' }],
    });
  });
});

describe('what is not ours stays when a namespace opts out', () => {
  test.each<[string, Partial<SecretView>]>([
    ['has not our label', { managedBy: 'helm' }],
    ['is of another installation', { annotations: { instance: 'other' } }],
    ['was not applied by us', { appliedByUs: false }],
  ])('a Secret of our name that %s, and the entry which names it', async (_, foreign) => {
    const world = new ReconcileWorld();
    const seen = world.written([usualHost], foreign);
    world.annotate({ enabled: 'false' });
    expect(await world.step()).toEqual({ kind: 'settled', done: [], problems: [] });
    expect([world.cluster.secret('team-a'), world.pullSecrets()]).toEqual([seen, ['ecr-pull-secret']]);
    expect(world.untouched).toBe(true);
  });

  test('a foreign Secret of our present name, while ours of a former name goes', async () => {
    const world = new ReconcileWorld({ formerSecretNames: ['old'] });
    const theirs = world.written([usualHost], { managedBy: 'helm' });
    world.formerlyWritten('old');
    world.annotate({ enabled: 'false' });
    expect(await world.step()).toMatchObject({ kind: 'settled' });
    expect(world.cluster.secret('team-a', 'old')).toBeUndefined();
    expect([world.cluster.secret('team-a'), world.pullSecrets()]).toEqual([theirs, ['ecr-pull-secret']]);
  });

  test('a Secret that was replaced between the look and the request', async () => {
    const world = optedOut();
    const theirs = { managedBy: 'helm', uid: 'theirs' };
    world.cluster.meanwhile('delete', () => world.written([usualHost], theirs));
    expect(await world.step()).toMatchObject({ kind: 'retry', failure: { reason: 'conflict' } });
    expect(world.cluster.secret('team-a')).toMatchObject(theirs);
    expect(await world.step()).toMatchObject({ kind: 'settled', done: [] });
    expect(world.cluster.secret('team-a')).toMatchObject(theirs);
  });

  test('a Secret that was written anew between the look and the request, until the next look', async () => {
    const world = optedOut();
    world.cluster.meanwhile('delete', () => world.cluster.edit('team-a', {}));
    expect(await world.step()).toMatchObject({ kind: 'retry', done: [{ kind: 'detach' }] });
    expect(world.cluster.secret('team-a')).toBeDefined();
    expect(await world.step()).toMatchObject({ kind: 'settled', done: [{ kind: 'delete-secret' }] });
  });

  test('everything, where the namespace is being deleted', async () => {
    const world = optedOut();
    world.cluster.put(aNamespace({ annotations: { enabled: 'false' }, terminating: true }));
    expect(await world.step()).toEqual({ kind: 'settled', done: [], problems: [] });
    expect(world.untouched).toBe(true);
  });
});

describe('when a namespace opts out and something fails half-way', () => {
  test('the Secret stays as long as an entry is there, and the next step does the rest', async () => {
    const world = optedOut({ attachTo: ['default', 'builder'] });
    world.cluster.put(aServiceAccount({ name: 'builder', pullSecrets: ['ecr-pull-secret'] }));
    world.cluster.meanwhile('detach', busy);
    expect(await world.step()).toMatchObject({ kind: 'retry', failure: { afterMs: 3_000 } });
    expect(world.cluster.secret('team-a')).toBeDefined();
    expect(await world.step()).toMatchObject({ kind: 'settled', problems: [] });
    expect([world.pullSecrets(), world.pullSecrets('builder')]).toEqual([['theirs', 'more'], []]);
    expect(world.cluster.secret('team-a')).toBeUndefined();
  });

  test('after the entry is gone, the next step deletes the Secret', async () => {
    const world = optedOut();
    world.cluster.meanwhile('delete', busy);
    expect(await world.step()).toMatchObject({ kind: 'retry', done: [{ kind: 'detach' }] });
    expect(await world.step()).toMatchObject({ kind: 'settled', done: [{ kind: 'delete-secret' }] });
    expect(world.cluster.requests).toEqual(['detach team-a', 'delete team-a', 'delete team-a']);
  });

  test('for good, it is told with the cure, the others are detached, and the Secret stays', async () => {
    const world = optedOut({ attachTo: ['default', 'builder'] });
    world.cluster.put(aServiceAccount({ name: 'builder', pullSecrets: ['ecr-pull-secret'] }));
    world.cluster.meanwhile('detach', forbidden);
    expect(await world.step()).toMatchObject({ kind: 'blocked', problems: [{ reason: 'Forbidden' }] });
    expect([world.pullSecrets('builder'), world.cluster.requests.includes('delete team-a')]).toEqual([
      [],
      false,
    ]);
    expect(await world.step()).toMatchObject({ kind: 'settled' });
    expect(world.cluster.secret('team-a')).toBeUndefined();
  });

  test('since the namespace is gone by now, that is settled', async () => {
    const world = optedOut();
    world.cluster.meanwhile('detach', () => world.cluster.namespaces.clear());
    expect(await world.step()).toMatchObject({ kind: 'settled', problems: [] });
  });

  test('no entry of others is lost', async () => {
    const world = optedOut();
    const theirs = ['theirs', 'new', 'ecr-pull-secret'];
    world.cluster.meanwhile('detach', () =>
      world.cluster.put(aServiceAccount({ pullSecrets: theirs, resourceVersion: '9' })),
    );
    expect(await world.step()).toMatchObject({ kind: 'retry', done: [] });
    expect(world.pullSecrets()).toEqual(theirs);
    expect(await world.step()).toMatchObject({ kind: 'settled' });
    expect(world.pullSecrets()).toEqual(['theirs', 'new']);
  });
});
