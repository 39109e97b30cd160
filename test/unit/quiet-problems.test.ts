// A token that could not be renewed is nobody's business while the old one is good for long: told from three quarters of its
// life, at that very moment, with an Event and a gauge. The real worker and queue around the steps of one namespace.
import { describe, expect, test } from 'vitest';
import { WorkQueue } from '../../src/controller/work-queue.ts';
import { Worker } from '../../src/controller/worker.ts';
import { RecordedEvents } from '../support/model-ports.ts';
import { ReconcileWorld, halfLife } from '../support/reconcile-world.ts';
import { aRegistry, hostIn, twelveHours, usualHost } from '../support/views.ts';

const loud = 0.75 * twelveHours * 1_000;
const minute = 60_000;
const virginia = hostIn('us-east-1');

/** The worker at work on `team-a`, whose Secret was written at midnight; AWS denies the tokens of these regions. */
async function atWork(
  failing: readonly string[],
  hosts: readonly string[] = [usualHost],
  written: readonly string[] = hosts,
) {
  const world = new ReconcileWorld({ registries: hosts.map(aRegistry) });
  if (written.length > 0) world.written(written);
  world.answering(failing);
  const { clock, log, metrics } = world;
  const events = new RecordedEvents();
  const queue = new WorkQueue({ clock, metrics });
  world.onWake = (key) => queue.wake(key);
  void new Worker({ queue, reconcile: (key) => world.step(key), clock, log, metrics, events }).run(1);
  queue.add('team-a', 'urgent');
  await clock.settle();
  const told = () => ({
    events: events.warnings.map(({ problem }) => problem.subject),
    gauge: metrics.problems.get('team-a'),
    counted: metrics.all['problem TokenUnavailable'] ?? 0,
    lines: log.count('problem'),
  });
  return { world, clock, events, told };
}

const nothing = { events: [], gauge: undefined, counted: 0, lines: 0 };

describe('a token that cannot be renewed', () => {
  test('is told at three quarters of its life, to the moment, and not before', async () => {
    const { clock, told } = await atWork(['eu-west-1']);
    await clock.advance(halfLife + 30 * minute);
    expect(told()).toEqual(nothing);
    await clock.advance(loud - halfLife - 30 * minute - 1);
    expect(told()).toEqual(nothing);
    await clock.advance(1);
    expect(told()).toEqual({ events: [usualHost], gauge: ['TokenUnavailable'], counted: 1, lines: 1 });
  });

  test('is tried again all the while, and is never told where that succeeds in time', async () => {
    const { world, clock, told } = await atWork(['eu-west-1']);
    await clock.advance(loud - 20 * minute);
    expect(world.fetcher.calls.length).toBeGreaterThan(5);
    world.answering();
    await clock.advance(twelveHours * 1_000);
    expect(told()).toEqual(nothing);
    expect(world.cluster.passwords('team-a')).toBeDefined();
  });

  test('stays told until it succeeds, and then is said to be solved', async () => {
    const { world, clock, told } = await atWork(['eu-west-1']);
    await clock.advance(loud + 60 * minute);
    expect(told()).toMatchObject({ gauge: ['TokenUnavailable'], lines: 1 });
    expect(told().events.length).toBeGreaterThan(1);
    world.answering();
    await clock.advance(20 * minute);
    expect(told().gauge).toBeUndefined();
    expect(world.log.count('problems are solved')).toBe(1);
  });

  test.each<[string, readonly string[]]>([
    ['there is no Secret at all', []],
    ['its host was never in the Secret', [virginia]],
  ])('is told at once where %s', async (_, written) => {
    const { clock, told } = await atWork(['eu-west-1'], [usualHost, virginia], written);
    await clock.advance(minute);
    expect(told()).toMatchObject({ gauge: ['TokenUnavailable'], lines: 1 });
    expect(new Set(told().events)).toEqual(new Set([usualHost]));
  });

  test('is told at once where three quarters of its life are over at the start', async () => {
    const world = new ReconcileWorld();
    world.written([usualHost]);
    world.answering(['eu-west-1']);
    await world.clock.advance(loud);
    const { problems } = await world.stepUntilDecided();
    expect(problems).toMatchObject([{ reason: 'TokenUnavailable', subject: usualHost }]);
    expect(problems[0]).not.toHaveProperty('quietUntil');
  });

  test('of one of two hosts is quiet as long, while the other is renewed; then that host is named', async () => {
    const { world, clock, told } = await atWork(['us-east-1'], [usualHost, virginia]);
    await clock.advance(halfLife + minute);
    expect(world.cluster.passwords('team-a')).toEqual({
      [usualHost]: 'eu-west-1-1',
      [virginia]: `old-${virginia}`,
    });
    await clock.advance(loud - halfLife - minute - 1);
    expect(told()).toEqual(nothing);
    await clock.advance(1);
    expect(told()).toMatchObject({ events: [virginia], gauge: ['TokenUnavailable'] });
  });

  test('is a failure of a pass, quiet or not: whoever asks now is told now', async () => {
    const world = new ReconcileWorld();
    world.written([usualHost]);
    world.answering(['eu-west-1']);
    await world.clock.advance(halfLife);
    const { problems } = await world.stepUntilDecided();
    expect(problems).toMatchObject([
      { reason: 'TokenUnavailable', quietUntil: world.clock.now() - halfLife + loud },
    ]);
  });
});
