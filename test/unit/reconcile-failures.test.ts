// One step for one namespace where something fails: AWS for some or all hosts, the API server, another writer, an
// administrator's policy. What is good stays, and nothing is lost for the next step.
import { describe, expect, test } from 'vitest';
import { Pass } from '../../src/controller/pass.ts';
import { Blocked, FetchFailure, type Problem, Retryable } from '../../src/domain/errors.ts';
import { ReconcileWorld, halfLife } from '../support/reconcile-world.ts';
import {
  aNamespace,
  aRegistry,
  aSecret,
  aServiceAccount,
  hostIn,
  twelveHours,
  usualHost,
} from '../support/views.ts';

const ireland = usualHost;
const ohio = hostIn('us-east-2');
const virginia = hostIn('us-east-1');
const forbidden: Problem = {
  reason: 'Forbidden',
  subject: 'default',
  note: 'the role does not allow patch: add it',
};
const refuse = (error: Error) => () => {
  throw error;
};

/** A Secret of midnight for these hosts, which is due now; AWS answers but for the regions of `failing`. */
async function due(hosts: readonly string[], failing: readonly string[]) {
  const world = new ReconcileWorld({ registries: hosts.map(aRegistry) });
  const seen = world.written(hosts);
  await world.clock.advance(halfLife);
  world.answering();
  const reply = world.fetcher.reply;
  world.fetcher.reply = (source) => {
    if (reply === undefined || failing.includes(source.region)) {
      throw new FetchFailure('denied', 'ecr: AccessDenied', 'allow ecr:GetAuthorizationToken');
    }
    return reply(source);
  };
  return { world, seen };
}

describe('while AWS gives no token', () => {
  test('for one host, its old entry is kept and the others are written, with one look at the Secret', async () => {
    const { world, seen } = await due([ireland, virginia, ohio], ['us-east-1']);
    const outcome = await world.stepUntilDecided();
    expect(world.cluster.passwords('team-a')).toEqual({
      [ireland]: 'eu-west-1-1',
      [virginia]: `old-${virginia}`,
      [ohio]: 'us-east-2-1',
    });
    expect(world.cluster.secret('team-a')?.uid).toBe(seen.uid);
    expect(world.cluster.requests).toEqual(['read team-a', 'update team-a']);
    expect(outcome).toMatchObject({
      kind: 'recheck',
      problems: [{ reason: 'TokenUnavailable', subject: virginia }],
    });
    expect(outcome.kind === 'recheck' && outcome.at).toBe(outcome.problems[0]?.retryAt);
  });

  test('for two of three, both old entries are kept, with one look at the Secret', async () => {
    const { world } = await due([ireland, virginia, ohio], ['us-east-1', 'eu-west-1']);
    const outcome = await world.stepUntilDecided();
    expect(world.cluster.passwords('team-a')).toMatchObject({
      [ireland]: `old-${ireland}`,
      [virginia]: `old-${virginia}`,
      [ohio]: 'us-east-2-1',
    });
    expect(world.cluster.requests).toEqual(['read team-a', 'update team-a']);
    expect(outcome.problems).toHaveLength(2);
  });

  test('for one host, the Secret is not written again and again while nothing changes', async () => {
    const { world } = await due([ireland, virginia], ['us-east-1']);
    await world.stepUntilDecided();
    const written = world.cluster.secret('team-a');
    for (let tried = 0; tried < 5; tried += 1) {
      await world.clock.advance(20 * 60_000);
      expect(await world.stepUntilDecided()).toMatchObject({ problems: [{ reason: 'TokenUnavailable' }] });
    }
    expect(world.cluster.secret('team-a')).toEqual(written);
    expect(world.cluster.requests.filter((request) => request === 'update team-a')).toHaveLength(1);
  });

  test('for any host, nothing is written and nothing is read', async () => {
    const { world, seen } = await due([ireland, virginia], ['eu-west-1', 'us-east-1']);
    const outcome = await world.stepUntilDecided();
    expect(world.cluster.secret('team-a')).toEqual(seen);
    expect(world.cluster.requests).toEqual([]);
    expect(outcome.problems.map(({ reason }) => reason)).toEqual(['TokenUnavailable', 'TokenUnavailable']);
    const retries = outcome.problems.map(({ retryAt }) => retryAt ?? 0);
    expect(outcome).toMatchObject({ kind: 'recheck', at: Math.min(...retries) });
  });

  test('and there is no Secret yet, it is made with the hosts that have one', async () => {
    const { world } = await due([ireland, virginia], ['us-east-1']);
    world.cluster.secrets.clear();
    expect(await world.stepUntilDecided()).toMatchObject({ problems: [{ reason: 'TokenUnavailable' }] });
    expect(world.cluster.passwords('team-a')).toEqual({ [ireland]: 'eu-west-1-1' });
    expect(world.cluster.requests).toEqual(['create team-a']);
  });

  test('also after it expired, the old Secret stays as it is', async () => {
    const { world, seen } = await due([ireland], ['eu-west-1']);
    await world.clock.advance(2 * twelveHours * 1_000);
    await world.stepUntilDecided();
    expect(world.cluster.secret('team-a')).toEqual(seen);
  });

  test('the missing host is written when its token comes at last', async () => {
    const { world } = await due([ireland, virginia], ['us-east-1']);
    await world.stepUntilDecided();
    world.answering();
    await world.clock.advance(20 * 60_000);
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'recheck', problems: [] });
    expect(world.cluster.passwords('team-a')?.[virginia]).toBe('us-east-1-1');
  });

  test('no text of a password is in an outcome, a line or a metric', async () => {
    const { world } = await due([ireland, virginia], ['us-east-1']);
    const outcome = await world.stepUntilDecided();
    const all = world.log.text + JSON.stringify([outcome, world.metrics.all]);
    for (const password of Object.values(world.cluster.passwords('team-a') ?? {})) {
      expect(all).not.toContain(password);
    }
  });
});

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
    const { world } = await due([ireland], []);
    const changed = { ...world.written([ireland]), resourceVersion: '50', lostFields: ['data'] };
    world.cluster.meanwhile('update', () => world.cluster.putSecret(changed));
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'retry', done: [] });
    expect(world.cluster.secret('team-a')).toEqual(changed);
    expect(await world.step()).toMatchObject({ kind: 'recheck', done: [{ kind: 'write-secret' }] });
    expect(world.cluster.passwords('team-a')).toEqual({ [ireland]: 'eu-west-1-1' });
    expect(world.fetcher.calls).toHaveLength(1);
  });

  test('a Secret that was deleted is made anew by the next step', async () => {
    const { world } = await due([ireland], []);
    world.cluster.meanwhile('update', () => world.cluster.secrets.clear());
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'retry' });
    expect(await world.step()).toMatchObject({ kind: 'recheck', reason: 'missing' });
    expect(world.cluster.passwords('team-a')).toEqual({ [ireland]: 'eu-west-1-1' });
  });

  test('a Secret that was replaced gives no old entries, and is not written either', async () => {
    const { world } = await due([ireland, virginia], ['us-east-1']);
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
    const { world } = await due([ireland], []);
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
    const pass = new Pass();
    pass.begin(['team-a']);
    let over = false;
    void pass.whenOver().then(() => (over = true));
    for (let step = 0; step < 3 && !over; step += 1) {
      world.cluster.meanwhile('attach', refuse(new Blocked(forbidden)));
      pass.note('team-a', await world.step());
      await world.clock.settle();
    }
    expect(over).toBe(true);
    expect(world.cluster.passwords('team-a')).toEqual({ [ireland]: 'eu-west-1-1' });
    expect(pass.results()).toMatchObject([{ namespace: 'team-a', problems: [forbidden] }]);
  });

  test('the write for good, it is told with the cure, and the Secret stays as it is', async () => {
    const { world, seen } = await due([ireland], []);
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
    const { world, seen } = await due([ireland, virginia], ['us-east-1']);
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

test('while AWS never answers, every step ends, others are served, and an unreadable host is told', async () => {
  const world = new ReconcileWorld({ registries: [ireland].map(aRegistry) });
  world.cluster.put(aNamespace({ name: 'team-b', annotations: { registries: `${virginia} nonsense` } }));
  for (let step = 0; step < 20; step += 1) expect((await world.step()).kind).toBe('awaiting');
  expect(world.fetcher.calls).toHaveLength(1);
  world.answering();
  expect(await world.stepUntilDecided('team-b')).toMatchObject({
    problems: [{ reason: 'AnnotationInvalid' }],
  });
  expect(world.cluster.passwords('team-b')).toEqual({ [virginia]: 'us-east-1-1' });
  expect((await world.step()).kind).toBe('awaiting');
});
