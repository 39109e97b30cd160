// The real controller for 30 days on a virtual clock: namespaces come and go, people delete Secrets and detach them, AWS
// fails one call in ten and now and then for two hours, watches break, the controller restarts. The promises hold after
// every step.
import { expect, test } from 'vitest';
import { World } from './world.ts';

const days = 30;

test('in 30 days no namespace ever holds an expired token, no Secret changes its UID, and AWS is asked rarely', async () => {
  const world = new World(20_261_125);
  await world.run(days);
  const { aws, tenants, errors } = world;
  const { broken } = tenants;
  const counts = { ...world.counts, ...tenants.counts };
  console.log(
    JSON.stringify({ ...counts, calls: aws.calls, requests: Object.fromEntries(world.cluster.requests) }),
  );

  expect([...broken]).toEqual([]);
  expect(errors).toEqual([]);
  // It was no quiet month.
  expect(counts.created).toBeGreaterThan(100);
  expect(counts.secretsDeleted).toBeGreaterThan(50);
  expect(counts.restarts).toBeGreaterThan(5);
  expect(counts.outages).toBeGreaterThan(3);
  expect(aws.distinctSources).toBe(3);
  // A token is due after 6 of its 12 hours: 4 a day for each source, and at most one more after each restart.
  const budget = aws.distinctSources * (days * 4 + counts.restarts + 1);
  expect(aws.calls.ok).toBeLessThanOrEqual(budget);
  expect(aws.calls.ok).toBeGreaterThan(aws.distinctSources * days * 3);
  // One call in ten fails; in an outage of two hours the back-off allows some 40 calls for each source.
  expect(aws.calls.failed).toBeLessThanOrEqual(
    aws.calls.ok * 0.3 + counts.outages * aws.distinctSources * 60,
  );
});
