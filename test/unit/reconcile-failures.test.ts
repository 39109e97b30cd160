// One step for one namespace while AWS gives no token for some or all hosts, or never answers: what is good stays, nothing
// shrinks, nobody waits. Failures of the cluster are in reconcile-conflicts.test.ts.
import { describe, expect, test } from 'vitest';
import { ReconcileWorld, dueNow } from '../support/reconcile-world.ts';
import { aNamespace, aRegistry, hostIn, twelveHours, usualHost } from '../support/views.ts';

const ireland = usualHost;
const ohio = hostIn('us-east-2');
const virginia = hostIn('us-east-1');

describe('while AWS gives no token', () => {
  test('for one host, its old entry is kept and the others are written, with one look at the Secret', async () => {
    const { world, seen } = await dueNow([ireland, virginia, ohio], ['us-east-1']);
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
    const { world } = await dueNow([ireland, virginia, ohio], ['us-east-1', 'eu-west-1']);
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
    const { world } = await dueNow([ireland, virginia], ['us-east-1']);
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
    const { world, seen } = await dueNow([ireland, virginia], ['eu-west-1', 'us-east-1']);
    const outcome = await world.stepUntilDecided();
    expect(world.cluster.secret('team-a')).toEqual(seen);
    expect(world.cluster.requests).toEqual([]);
    expect(outcome.problems.map(({ reason }) => reason)).toEqual(['TokenUnavailable', 'TokenUnavailable']);
    const retries = outcome.problems.map(({ retryAt }) => retryAt ?? 0);
    expect(outcome).toMatchObject({ kind: 'recheck', at: Math.min(...retries) });
  });

  test('and there is no Secret yet, it is made with the hosts that have one', async () => {
    const { world } = await dueNow([ireland, virginia], ['us-east-1']);
    world.cluster.secrets.clear();
    expect(await world.stepUntilDecided()).toMatchObject({ problems: [{ reason: 'TokenUnavailable' }] });
    expect(world.cluster.passwords('team-a')).toEqual({ [ireland]: 'eu-west-1-1' });
    expect(world.cluster.requests).toEqual(['create team-a']);
  });

  test('also after it expired, the old Secret stays as it is', async () => {
    const { world, seen } = await dueNow([ireland], ['eu-west-1']);
    await world.clock.advance(2 * twelveHours * 1_000);
    await world.stepUntilDecided();
    expect(world.cluster.secret('team-a')).toEqual(seen);
  });

  test('the missing host is written when its token comes at last', async () => {
    const { world } = await dueNow([ireland, virginia], ['us-east-1']);
    await world.stepUntilDecided();
    world.answering();
    await world.clock.advance(20 * 60_000);
    expect(await world.stepUntilDecided()).toMatchObject({ kind: 'recheck', problems: [] });
    expect(world.cluster.passwords('team-a')?.[virginia]).toBe('us-east-1-1');
  });

  test('no text of a password is in an outcome, a line or a metric', async () => {
    const { world } = await dueNow([ireland, virginia], ['us-east-1']);
    const outcome = await world.stepUntilDecided();
    const all = world.log.text + JSON.stringify([outcome, world.metrics.all]);
    for (const password of Object.values(world.cluster.passwords('team-a') ?? {})) {
      expect(all).not.toContain(password);
    }
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
