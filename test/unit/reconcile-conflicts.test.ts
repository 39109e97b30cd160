// One step for one namespace when somebody else writes between the look and the request, or the API server refuses: what
// is there stays, and nothing is lost for the next step. Failures of AWS are in reconcile-failures.test.ts.
import { describe, expect, test } from 'vitest';
import { Pass } from '../../src/controller/pass.ts';
import { Blocked, type Problem, Retryable } from '../../src/domain/errors.ts';
import { ReconcileWorld, dueNow } from '../support/reconcile-world.ts';
import { aSecret, aServiceAccount, hostIn, usualHost } from '../support/views.ts';

const ireland = usualHost;
const virginia = hostIn('us-east-1');
const forbidden: Problem = {
  reason: 'Forbidden',
  subject: 'default',
  note: 'the role does not allow patch: add it',
};
const refuse = (error: Error) => () => {
  throw error;
};

describe('when somebody else writes between the look and the request', () => {
  test('a Secret that appeared is not taken over; the next step finds it and leaves it alone', async () => {
    const world = new ReconcileWorld();
    world.answering();
    const foreign = aSecret({ managedBy: 'helm', uid: 'theirs' });
    world.cluster.meanwhile('create', () => world.cluster.putSecret(foreign));
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'retry', failure: { reason: 'conflict' } });
    expect(world.cluster.secret('team-a')).toEqual(foreign);
    expect(await world.step()).toMatchObject({ kind: 'blocked', problems: [{ reason: 'SecretForeign' }] });
    expect(world.cluster.secret('team-a')).toEqual(foreign);
  });

  test('an update of what was not seen is refused; the next step writes what the Secret needs', async () => {
    const { world } = await dueNow([ireland], []);
    const changed = { ...world.written([ireland]), resourceVersion: '50', lostFields: ['data'] };
    world.cluster.meanwhile('update', () => world.cluster.putSecret(changed));
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'retry', done: [] });
    expect(world.cluster.secret('team-a')).toEqual(changed);
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [{ kind: 'write-secret' }] });
    expect(world.cluster.passwords('team-a')).toEqual({ [ireland]: 'eu-west-1-1' });
    expect(world.fetcher.calls).toHaveLength(1);
  });

  test('a Secret that was deleted is made anew by the next step', async () => {
    const { world } = await dueNow([ireland], []);
    world.cluster.meanwhile('update', () => world.cluster.secrets.clear());
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'retry' });
    expect(await world.step()).toMatchObject({ kind: 'recheck', reason: 'missing' });
    expect(world.cluster.passwords('team-a')).toEqual({ [ireland]: 'eu-west-1-1' });
  });

  test('a Secret that was replaced gives no old entries, and is not written either', async () => {
    const { world } = await dueNow([ireland, virginia], ['us-east-1']);
    const theirs = aSecret({ managedBy: 'helm', uid: 'theirs' });
    world.cluster.meanwhile('read', () => world.cluster.putSecret(theirs));
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'retry', failure: { reason: 'conflict' } });
    expect(world.cluster.secret('team-a')).toEqual(theirs);
  });

  test('no entry in a list of pull secrets is lost', async () => {
    const world = new ReconcileWorld();
    world.answering();
    world.cluster.meanwhile('attach', () =>
      world.cluster.put(aServiceAccount({ pullSecrets: ['theirs'], resourceVersion: '2' })),
    );
    expect(await world.step()).toMatchObject({ kind: 'retry', done: [] });
    expect(world.pullSecrets()).toEqual(['theirs']);
    await world.clock.settle();
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'recheck' });
    expect(world.pullSecrets()).toEqual(['theirs', 'ecr-pull-secret']);
    expect(world.cluster.passwords('team-a')).toEqual({ [ireland]: 'eu-west-1-1' });
  });

  test('what was done before the conflict is told, and not done twice', async () => {
    const world = new ReconcileWorld();
    world.answering();
    await world.step();
    await world.clock.settle();
    world.cluster.put(aServiceAccount({ resourceVersion: '7' }));
    world.cluster.meanwhile('create', refuse(new Retryable('server-error', '503', 3_000)));
    const outcome = await world.step();
    expect(outcome).toMatchObject({ kind: 'retry', done: [{ kind: 'attach' }], failure: { afterMs: 3_000 } });
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [{ kind: 'write-secret' }] });
    expect(world.pullSecrets()).toEqual(['ecr-pull-secret']);
  });
});

describe('when the API server refuses', () => {
  test('to attach for good, the Secret is written all the same', async () => {
    const { world } = await dueNow([ireland], []);
    world.cluster.put(aServiceAccount());
    for (let step = 0; step < 2; step += 1) world.cluster.meanwhile('attach', refuse(new Blocked(forbidden)));
    await world.step();
    await world.clock.settle();
    expect(await world.step()).toMatchObject({
      kind: 'blocked',
      problems: [forbidden],
      done: [{ kind: 'write-secret' }],
    });
    expect(world.cluster.passwords('team-a')).toEqual({ [ireland]: 'eu-west-1-1' });
  });

  test('to attach for good, a pass is not over before the Secret is written', async () => {
    const world = new ReconcileWorld();
    world.answering();
    const pass = new Pass(() => world.clock.monotonic());
    pass.begin(['team-a']);
    const passwords = pass.whenOver().then(() => world.cluster.passwords('team-a'));
    for (let step = 0; step < 3; step += 1) {
      world.cluster.meanwhile('attach', refuse(new Blocked(forbidden)));
      pass.note('team-a', await world.step());
      await world.clock.settle();
    }
    expect(await passwords).toEqual({ [ireland]: 'eu-west-1-1' });
    expect(pass.results()).toMatchObject([{ namespace: 'team-a', problems: [forbidden] }]);
  });

  test('the write for good, it is told with the cure, and the Secret stays as it is', async () => {
    const { world, seen } = await dueNow([ireland], []);
    const rejected: Problem = {
      reason: 'SecretRejected',
      subject: 'policy',
      note: 'policy p denies it: allow it',
    };
    world.cluster.meanwhile('update', refuse(new Blocked(rejected)));
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'blocked', done: [], problems: [rejected] });
    expect(world.cluster.secret('team-a')).toEqual(seen);
  });

  test('a look at the Secret for now, nothing is written and the look is tried again', async () => {
    const { world, seen } = await dueNow([ireland, virginia], ['us-east-1']);
    world.cluster.meanwhile('read', refuse(new Retryable('network', 'connection reset')));
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'retry', failure: { reason: 'network' } });
    expect(world.cluster.secret('team-a')).toEqual(seen);
  });

  test.each(['attach', 'create'] as const)(
    'since the namespace is gone by now (%s), that is settled',
    async (kind) => {
      const world = new ReconcileWorld();
      world.answering();
      world.cluster.meanwhile(kind, () => world.cluster.namespaces.clear());
      expect(await world.stepUntilDecided()).toMatchObject({ kind: 'settled', problems: [] });
      expect(world.cluster.passwords('team-a')).toBeUndefined();
    },
  );

  test('in a way that nobody foresaw, the step throws that', async () => {
    const world = new ReconcileWorld();
    world.cluster.meanwhile('attach', refuse(new TypeError('a bug')));
    await expect(world.step()).rejects.toThrow('a bug');
  });
});
