// AWS fails just when tokens are due, in each of its ways, for ten namespaces a way: nothing that is there changes, AWS is asked
// once a back-off for all ten, and when it is over they are refreshed in place. Apart from failures.test.ts, since all ways go
// through one life of tokens side by side, each in a region of its own: one after another they would take seven lives.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Behaviour } from '../../rig/fake-aws/behaviour.ts';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { ecrCalls, firstDelay, longestDelay, mostCalls } from './aws-backoff.ts';
import {
  type ReadSecret,
  authsOf,
  documentOf,
  eventsOf,
  eventually,
  leak,
  readSecret,
  untilSecret,
} from './observe.ts';

interface Way {
  readonly region: string;
  readonly behaviour: Behaviour;
  /** The bound of the back-off's first delay, in ms. */
  readonly delay: number;
}

const passing = (region: string, behaviour: Behaviour): Way => ({
  region,
  behaviour,
  delay: firstDelay.passing,
});

/** The slowest to recover is the last. */
const ways: Readonly<Record<string, Way>> = {
  hangs: passing('eu-west-1', { hang: true }),
  'cuts the connection': passing('eu-west-2', { drop: true }),
  'answers without a token': passing('eu-west-3', { answer: 'no-token' }),
  'answers what is not JSON': passing('eu-north-1', { answer: 'not-json' }),
  throttles: passing('us-east-1', { fail: 'throttle' }),
  'answers 500': passing('us-east-2', { fail: 'internal' }),
  denies: { region: 'us-west-1', behaviour: { fail: 'deny' }, delay: firstDelay.denial },
};

const rows = Object.entries(ways);

/** s. Long beside the time until it is due, so that a denial, too, is over before it ends. */
const life = 150;
/** Of the life: due after 15 s, and 1.5 s more by the spread. */
const atFraction = 0.1;
/** For how long it fails, from the first failure on, in ms: at most four calls, or one denial. */
const failing = 7_000;
/** What a busy machine may add to a delay, in ms. */
const grace = 5_000;

let stage: Stage;
let controller: ControllerProcess;
/** The Secrets as they were before anything failed, by way. */
const before = new Map<string, readonly ReadSecret[]>();
/** The end of each failure, by way. */
const undo = new Map<string, () => void>();
/** ms since the epoch. */
let failingSince = Infinity;

const nameOf = ({ metadata }: ReadSecret): string => metadata.namespace ?? '';
const secretsOf = (what: string): readonly ReadSecret[] => before.get(what) ?? [];
const failedCalls = ({ region }: Way) =>
  ecrCalls(stage, region).filter(({ startedAt }) => startedAt >= failingSince);

/** Whether a pod could pull with it now: it has its one entry, and that is good. */
function isValid(secret: ReadSecret): boolean {
  const verdicts = Object.values(authsOf(secret)).map(({ password }) => stage.aws.verdict(password).verdict);
  return verdicts.join() === 'valid';
}

const wish = (region: string) => ({
  'ecr-pull-secrets/registries': `111122223333.dkr.ecr.${region}.amazonaws.com`,
});

/** Ten namespaces for each way, which wish for nothing yet. @returns their full names, by way */
async function makeNamespaces(): Promise<ReadonlyMap<string, readonly string[]>> {
  const made = new Map<string, readonly string[]>();
  for (const [index, [what]] of rows.entries()) {
    const names = Array.from({ length: 10 }, (_, place) => `way${index}x${place}`);
    made.set(what, await Promise.all(names.map((name) => stage.createNamespace(name))));
  }
  return made;
}

beforeAll(async () => {
  const config = { aws: { timeout: '3s' }, refresh: { atFraction } };
  stage = await openStage({ plane: inject('plane'), name: 'due', config });
  const namespaces = await makeNamespaces();
  controller = await stage.startController();
  // The program loads the SDK for its first call, which on a busy machine may take longer than the time-out.
  await untilSecret(stage, await stage.createNamespace('warm', wish('ap-south-1')));
  stage.aws.behave({ service: 'ecr' }, { lifeSeconds: life });
  const due = Date.now() + atFraction * life * 1_000;
  for (const [what, { region }] of rows)
    for (const namespace of namespaces.get(what) ?? []) await stage.admin.annotate(namespace, wish(region));
  // One way after another: AWS is played by this process, which must have time to answer.
  for (const [what] of rows) {
    const secrets = (namespaces.get(what) ?? []).map((namespace) => untilSecret(stage, namespace));
    before.set(what, await Promise.all(secrets));
  }
  // What is issued when it is over is not due again while this file runs.
  stage.aws.behave({ service: 'ecr' }, { lifeSeconds: 12 * 3_600 });
  failingSince = Date.now();
  for (const [what, { region, behaviour }] of rows)
    undo.set(what, stage.aws.behave({ service: 'ecr', region }, behaviour));
  if (Date.now() >= due) throw new Error('too slow a machine: tokens were due before anything could fail');
  await eventually(async () => {
    for (const [, way] of rows) expect(failedCalls(way).length).toBeGreaterThan(0);
  }, 60);
  await sleep(failing);
});
afterEach(async () => {
  expect(leak.test(controller.output()), 'something like a credential is in the log').toBe(false);
  expect((await controller.metric('ecr_pull_secrets_bugs_total')) ?? 0).toBe(0);
});
afterAll(() => stage.close());

describe('while a token is due and AWS', () => {
  test.each(rows)(
    '%s: ten Secrets stay as they are to the byte, nobody is told yet, AWS is asked once a back-off for all',
    async (what, way) => {
      const old = secretsOf(what);
      const now = await Promise.all(old.map((secret) => readSecret(stage, nameOf(secret))));
      const changed = old.filter((secret, index) => JSON.stringify(now[index]) !== JSON.stringify(secret));
      expect(changed.map(nameOf)).toEqual([]);
      expect([old.length, old.filter(isValid).length]).toEqual([10, 10]);
      const events = await Promise.all(old.map((secret) => eventsOf(stage, nameOf(secret))));
      expect(events.flat()).toEqual([]);
      const failed = failedCalls(way);
      expect(failed.length).toBeLessThanOrEqual(mostCalls(failed, way.delay));
      // What passes by itself is tried again soon.
      expect(failed.length).toBeGreaterThanOrEqual(way.delay < failing ? 2 : 1);
    },
  );
});

describe('when it is over and AWS no longer', () => {
  let overAt: number;
  const failures = new Map<string, number>();

  beforeAll(() => {
    overAt = Date.now();
    for (const [what, way] of rows) {
      failures.set(what, failedCalls(way).length);
      undo.get(what)?.();
    }
  });

  test.each(rows)(
    '%s: all ten are refreshed in place, by one call, within one back-off',
    async (what, way) => {
      const old = secretsOf(what);
      const count = failures.get(what) ?? 0;
      // The minute is for a program that fails far more often than it may: the test shall not wait for ever.
      const limit = Math.min(longestDelay(count, way.delay), 60_000) + grace;
      const refreshed = await eventually(async () => {
        const now = await Promise.all(old.map((secret) => untilSecret(stage, nameOf(secret))));
        const same = now.filter((secret, index) => documentOf(secret) === documentOf(old[index] ?? secret));
        expect(same.map(nameOf)).toEqual([]);
        return now;
      }, limit / 1_000);
      expect(refreshed.map(({ metadata }) => metadata.uid)).toEqual(old.map(({ metadata }) => metadata.uid));
      expect([refreshed.length, refreshed.filter(isValid).length]).toEqual([10, 10]);
      expect(new Set(refreshed.map(documentOf)).size).toBe(1);
      const calls = failedCalls(way);
      // None, where a call was hanging and went on.
      expect(calls.length - count).toBeLessThanOrEqual(1);
      expect((calls.at(-1)?.startedAt ?? Infinity) - overAt).toBeLessThanOrEqual(limit);
    },
  );
});
