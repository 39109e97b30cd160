// Two and three replicas of the real controller on a virtual clock, while machines vanish, freeze, sleep and have their clocks
// set, the network is bad and there are upgrades. Never do two write at a time, and the promises hold after every step.
import { expect, test } from 'vitest';
import { ReplicasWorld } from './replicas-world.ts';

/** Times of trouble, and weeks with a lease ten times as slow: renewing it is most of what there is to simulate. */
const rows = [
  { name: 'two replicas, two busy days', replicas: 2, days: 2, seed: 6, pace: 2, slowness: 1 },
  { name: 'three replicas, a busy day', replicas: 3, days: 1, seed: 7, pace: 2, slowness: 1 },
  { name: 'two replicas, three weeks', replicas: 2, days: 21, seed: 8, pace: 0.3, slowness: 10 },
];

test.each(rows)(
  '$name: never do two write at a time, and every promise holds',
  async ({ days, ...props }) => {
    const world = new ReplicasWorld(props);
    await world.run(days);
    const { fleet, tenants, counts, aws } = world;
    const { witness } = fleet;
    console.log(JSON.stringify({ ...counts, ...witness.counts, ...tenants.counts, calls: aws.calls }));

    expect([...witness.broken].slice(0, 10)).toEqual([]);
    expect([...tenants.broken, ...world.broken].slice(0, 10)).toEqual([]);
    expect(fleet.errors).toEqual([]);
    // It was no quiet time.
    const atLeast = { leaderCrashes: 20, takenOver: 15, stopped: 20, suspended: 20, leadersFrozen: 40 };
    for (const [what, least] of Object.entries({ ...atLeast, jumps: 40, badWeather: 40, upgrades: 40 }))
      expect([what, counts[what as keyof typeof counts]]).toEqual([
        what,
        expect.toSatisfy((n) => n >= least),
      ]);
    expect(witness.counts.changes).toBeGreaterThan(1_000);
    // Late ones did arrive, and met what others had written; but for the slow lease, which outlives them.
    expect(witness.counts.lateRefused).toBeGreaterThanOrEqual(props.slowness === 1 ? 20 : 0);
    // A token is due after 6 of its 12 hours: 4 a day for each source, and at most one more for each that takes over.
    const budget = aws.distinctSources * (days * 4 + witness.counts.taken + 1);
    expect(aws.calls.ok).toBeLessThanOrEqual(budget);
  },
);
