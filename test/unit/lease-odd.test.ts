// The lease in odd circumstances (src/kubernetes/lease): clocks that are set, machines that sleep, and a Lease that people have
// deleted, taken or filled with nonsense. Each replica has a clock of its own.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Fault, LeaseServer, type Spec, aReplica, times, two } from '../support/lease-scene.ts';
import { ManualClock } from '../support/manual-clock.ts';

const hour = 3_600_000;

/** A leader and one that waits, each on a clock of its own. */
async function onTwoClocks() {
  const server = new LeaseServer();
  const [one, other] = [new ManualClock(), new ManualClock({ now: 0 })];
  const first = aReplica(server, one, 'first');
  await one.settle();
  const second = aReplica(server, other, 'second');
  const pass = async (ms: number, asleep?: ManualClock) => {
    for (let passed = 0; passed < ms; passed += 250) {
      for (const clock of [one, other]) {
        if (clock === asleep) clock.jump(250);
        else await clock.advance(250);
      }
    }
  };
  await pass(5_000);
  const leading = () => [first.lease.mayWrite(), second.lease.mayWrite()];
  return { server, one, other, first, second, pass, leading };
}

describe('clocks and sleep', () => {
  test.each([hour, -hour, 20_000, -20_000])(
    'the clock of who waits is set by %d ms while the holder cannot renew: that keeps its lease',
    async (ms) => {
      const { other, first, second, pass, leading } = await onTwoClocks();
      first.fault = 'fail';
      await pass(2_500);
      other.jump(ms);
      await pass(4_000);
      first.fault = 'none';
      await pass(60_000);
      expect(leading()).toEqual([true, false]);
      expect(second.told).toEqual([]);
    },
  );

  test.each([hour, -hour])(
    'and when that other says nothing more, it is taken in 20 s all the same (%d ms)',
    async (ms) => {
      const { other, first, pass, leading } = await onTwoClocks();
      other.jump(ms);
      first.stop.abort();
      await pass(20_000);
      expect(leading()).toEqual([false, true]);
    },
  );

  test('the clock of the holder is set forward: it writes again when it has renewed', async () => {
    const { one, pass, leading } = await onTwoClocks();
    one.jump(hour);
    expect(leading()).toEqual([false, false]);
    await pass(2_500);
    expect(leading()).toEqual([true, false]);
  });

  test('a holder that slept for a minute with its machine: another leads, and it notices', async () => {
    const { one, first, pass, leading } = await onTwoClocks();
    await pass(60_000, one);
    expect(leading()).toEqual([false, true]);
    await pass(5_000);
    expect(leading()).toEqual([false, true]);
    expect(first.told).toEqual([true, false]);
  });

  test('one that waits and slept: the holder is heard again before anything is taken', async () => {
    const { other, pass, leading } = await onTwoClocks();
    await pass(60_000, other);
    expect(leading()).toEqual([true, false]);
    await pass(5_000);
    expect(leading()).toEqual([true, false]);
  });

  test('a request that hangs does not cost the holder its lease: there is time for another', async () => {
    const { clock, first, second } = await two();
    second.fault = 'fail';
    first.fault = 'hang';
    await clock.advance(3_000);
    first.fault = 'none';
    await clock.advance(60_000);
    expect(first.told).toEqual([true]);
  });

  test('and the other comes at once, so that the lease is not over before it is answered', async () => {
    const { clock, first, second, server } = await two();
    second.fault = 'fail';
    first.fault = 'hang';
    await clock.advance(3_000);
    first.fault = 'none';
    const before = server.requests.length;
    await clock.advance(4_500);
    expect(server.requests.length).toBeGreaterThan(before);
  });

  test('never is it held by two, whatever befalls clocks, machines and requests', async () => {
    const faults = fc.constantFrom<Fault>('none', 'none', 'none', 'fail', 'hang', 'lost');
    // Not both at once: a clock that is set back by as long as its machine slept hides that from everybody. What still stands
    // between us and harm then is that every write carries what it has seen.
    const befalls = fc.oneof(
      fc.record({ jump: fc.integer({ min: -hour, max: hour }), who: fc.constantFrom(0, 1) }),
      fc.record({ asleep: fc.constantFrom(0, 1) }),
      fc.constant({}),
    );
    const steps = fc.array(fc.tuple(faults, faults, befalls, fc.integer({ min: 250, max: 30_000 })), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const { one, other, first, second, pass, leading } = await onTwoClocks();
        const clocks = [one, other];
        const untilRenewed = async () => {
          [first.fault, second.fault] = ['none', 'none'];
          await pass(times.leaseDurationMs);
        };
        for (const [mine, yours, befalling, ms] of plan) {
          [first.fault, second.fault] = [mine, yours];
          const { jump = 0, who, asleep } = { who: 0, asleep: -1, ...befalling } as Record<string, number>;
          clocks[who ?? 0]?.jump(jump);
          for (let passed = 0; passed < ms; passed += 1_000) {
            await pass(1_000, clocks[asleep ?? -1]);
            expect(leading()).not.toEqual([true, true]);
          }
          // Time enough between two of them that each is met alone: the lease was renewed or lost since.
          if (asleep !== -1 || jump !== 0) await untilRenewed();
        }
        [first.fault, second.fault] = ['none', 'none'];
        await pass(45_000);
        expect(leading().filter(Boolean)).toHaveLength(1);
        first.stop.abort();
        second.stop.abort();
      }),
      { numRuns: 200 },
    );
  }, 120_000);
});

describe('people at the Lease', () => {
  test('deleted, with nobody else there: it is made again, and the holder goes on', async () => {
    const { server, clock, first, second } = await two();
    second.stop.abort();
    await second.running;
    server.write(undefined);
    await clock.advance(3_000);
    expect(server.spec?.holderIdentity).toBe('first');
    await clock.advance(60_000);
    expect(first.told).toEqual([true]);
  });

  test('deleted, and another was faster to make it: the former holder stops with its second attempt', async () => {
    const { server, clock, first } = await two();
    server.write({ holderIdentity: 'third', leaseDurationSeconds: 15 });
    await clock.advance(5_000);
    expect(first.told).toEqual([true, false]);
    expect(first.lease.mayWrite()).toBe(false);
  });

  test('taken by somebody unknown, who never renews it: it is left to them for the time they have written down', async () => {
    const { server, clock, first, second } = await two();
    server.write({ holderIdentity: 'third', leaseDurationSeconds: 60 });
    await clock.advance(59_000);
    expect([first.lease.mayWrite(), second.lease.mayWrite()]).toEqual([false, false]);
    await clock.advance(8_000);
    expect([first.lease.mayWrite(), second.lease.mayWrite()].filter(Boolean)).toHaveLength(1);
  });

  const nonsense: readonly (readonly [what: string, spec: Spec])[] = [
    ['a holder and nothing else', { holderIdentity: 'third' }],
    ['no duration', { holderIdentity: 'third', renewTime: '2026-01-01T00:00:00.000000Z' }],
    ['a duration of null', { holderIdentity: 'third', leaseDurationSeconds: null }],
    ['a duration of 0', { holderIdentity: 'third', leaseDurationSeconds: 0 }],
    ['a negative duration', { holderIdentity: 'third', leaseDurationSeconds: -5 }],
    ['no renewTime', { holderIdentity: 'third', leaseDurationSeconds: 15 }],
    [
      'a renewTime of long ago',
      { holderIdentity: 'third', leaseDurationSeconds: 15, renewTime: '1970-01-01T00:00:00.000000Z' },
    ],
  ];
  test.each(nonsense)(
    'held by somebody with %s: nobody takes it at once, one does in time',
    async (_, spec) => {
      const { server, clock, first, second } = await two();
      server.write(spec);
      // The holder notices at its second attempt.
      await clock.advance(5_000);
      for (let passed = 5_000; passed < 14_000; passed += 500) {
        expect([first.lease.mayWrite(), second.lease.mayWrite()]).toEqual([false, false]);
        await clock.advance(500);
      }
      await clock.advance(10_000);
      expect([first.lease.mayWrite(), second.lease.mayWrite()].filter(Boolean)).toHaveLength(1);
    },
  );

  const free: readonly (readonly [what: string, spec: Spec])[] = [
    ['nothing', {}],
    ['a holder of null', { holderIdentity: null, leaseDurationSeconds: 15 }],
    ['an empty holder', { holderIdentity: '', leaseDurationSeconds: 15 }],
  ];
  test.each(free)('held by nobody, with %s: one takes it, and only one', async (_, spec) => {
    const { server, clock, first, second } = await two();
    server.write(spec);
    await clock.advance(7_500);
    expect([first.lease.mayWrite(), second.lease.mayWrite()].filter(Boolean)).toHaveLength(1);
    expect(['first', 'second']).toContain(server.spec?.holderIdentity);
  });
});
