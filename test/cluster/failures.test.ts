// While AWS gives no token, nothing that is there gets worse, AWS is asked once for all namespaces together, it gets loud only
// late in a token's life, and everything recovers by itself. Every way to fail when tokens are due: failures-when-due.test.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import type { Behaviour } from '../../rig/fake-aws/behaviour.ts';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { ecrCalls, firstDelay, mostCalls } from './aws-backoff.ts';
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

const host = (region: string): string => `111122223333.dkr.ecr.${region}.amazonaws.com`;
const failures: Readonly<Record<string, Behaviour>> = {
  'answers 500': { fail: 'internal' },
  throttles: { fail: 'throttle' },
  'cuts the connection': { drop: true },
  'answers without a token': { answer: 'no-token' },
  'answers with something else': { answer: 'not-json' },
  hangs: { hang: true },
};
let stage: Stage;
let controller: ControllerProcess;

beforeAll(async () => {
  stage = await openStage({ plane: inject('plane'), name: 'failures', config: { aws: { timeout: '3s' } } });
  controller = await stage.startController();
  // The program loads the SDK for its first call, which on a busy machine may take longer than the time-out.
  const registries = { 'ecr-pull-secrets/registries': host('eu-central-1') };
  await untilSecret(stage, await stage.createNamespace('warm', registries));
});
afterEach(() =>
  expect(leak.test(controller.output()), 'something like a credential is in the log').toBe(false),
);
afterAll(() => stage.close());

/** A region of its own for each row, so that no back-off of one is seen in another. */
const regions = ['eu-west-1', 'eu-west-2', 'eu-west-3', 'eu-north-1', 'eu-south-1', 'us-west-1'] as const;

const callsTo = (region: string): number => stage.aws.count({ service: 'ecr', region });

/** Makes it fail, until it is undone or the test has ended. */
function fail(region: string, behaviour: Behaviour): () => void {
  const undo = stage.aws.behave({ service: 'ecr', region }, behaviour);
  onTestFinished(undo);
  return undo;
}

describe('at the start, while AWS', () => {
  test.each(Object.entries(failures))(
    '%s: told, asked once for ten namespaces at a time, recovered by itself',
    async (what, behaviour) => {
      const index = Object.keys(failures).indexOf(what);
      const region = regions[index] ?? '';
      const undo = fail(region, behaviour);
      const annotations = { 'ecr-pull-secrets/registries': host(region) };
      const names = Array.from({ length: 10 }, (_, place) => `start${index}x${place}`);
      const namespaces = await Promise.all(names.map((name) => stage.createNamespace(name, annotations)));
      await eventually(async () => {
        for (const namespace of namespaces) {
          expect(await eventsOf(stage, namespace)).toEqual([
            expect.stringMatching(/^TokenUnavailable: no token for /),
          ]);
        }
      });
      // One call, and those of a back-off that doubles from one second on: for all ten together.
      const calls = ecrCalls(stage, region);
      expect(calls.length).toBeGreaterThan(0);
      expect(calls.length).toBeLessThanOrEqual(mostCalls(calls, firstDelay.passing));
      // What they have in common is told once more, where the administrator looks.
      await eventually(async () =>
        expect(await eventsOf(stage, 'failures-system')).toContainEqual(
          expect.stringContaining(`TokenUnavailable: in several namespaces: no token for ${host(region)}`),
        ),
      );
      undo();
      const secrets = await Promise.all(namespaces.map((namespace) => untilSecret(stage, namespace)));
      expect(secrets).toHaveLength(10);
    },
  );

  test('denies: told with the cure, asked once, and not soon again', async () => {
    fail('us-east-2', { fail: 'deny' });
    const annotations = { 'ecr-pull-secrets/registries': host('us-east-2') };
    for (const name of ['denied', 'denied-too']) {
      const namespace = await stage.createNamespace(name, annotations);
      await eventually(async () =>
        expect(await eventsOf(stage, namespace)).toEqual([
          expect.stringContaining('allow ecr:GetAuthorizationToken'),
        ]),
      );
    }
    await sleep(3_000);
    const calls = ecrCalls(stage, 'us-east-2');
    expect(calls.length).toBeGreaterThan(0);
    // One for a quarter of a minute.
    expect(calls.length).toBeLessThanOrEqual(mostCalls(calls, firstDelay.denial));
  });
});

/** When the one token of a Secret was issued and expires by its own record, in ms since the epoch. */
function timesOf({ metadata }: ReadSecret): { readonly issued: number; readonly expires: number } {
  const record = metadata.annotations?.['ecr-pull-secrets/tokens'] ?? '{}';
  const [times] = Object.values(JSON.parse(record) as Record<string, { issued: number; expires: number }>);
  if (times === undefined) throw new Error('the Secret has no record of its tokens');
  return { issued: times.issued * 1_000, expires: times.expires * 1_000 };
}

describe('when a token is due', () => {
  /** s; due after half of it, loud after three quarters. */
  const life = 24;

  test('and AWS fails: the Secret stays as it is to the byte, it gets loud at 75 % of the life, and recovers', async () => {
    const gauge = () =>
      controller.metric('ecr_pull_secrets_problem_namespaces', { reason: 'TokenUnavailable' });
    // Those of the rows above have all recovered.
    await eventually(async () => expect((await gauge()) ?? 0).toBe(0), 60);
    const region = 'ap-south-1';
    stage.aws.behave({ service: 'ecr', region }, { lifeSeconds: life });
    const namespace = await stage.createNamespace('due', { 'ecr-pull-secrets/registries': host(region) });
    const before = await untilSecret(stage, namespace);
    const undo = fail(region, { fail: 'internal' });
    const { issued, expires } = timesOf(before);
    const isLoud = async () => (await eventsOf(stage, namespace)).length > 0 || ((await gauge()) ?? 0) > 0;
    while (!(await isLoud())) await sleep(50);
    expect(Date.now()).toBeGreaterThanOrEqual(issued + 0.75 * (expires - issued));
    expect(Date.now()).toBeLessThan(expires);
    await eventually(async () => expect(await eventsOf(stage, namespace)).toHaveLength(1));
    await eventually(async () => expect(await gauge()).toBe(1));
    // The first one gave the token; it was due long ago.
    expect(callsTo(region)).toBeGreaterThan(2);
    const after = await readSecret(stage, namespace);
    expect(JSON.stringify(after) === JSON.stringify(before), 'as it was').toBe(true);
    undo();
    await eventually(async () => {
      const secret = await untilSecret(stage, namespace);
      expect(documentOf(secret) === documentOf(before), 'the old token').toBe(false);
    }, 60);
    await eventually(async () => expect(await gauge()).toBe(0));
  });

  test('and one of three hosts fails: the good ones are refreshed, the entry of the failed one is kept', async () => {
    const three = ['ap-east-1', 'ap-northeast-1', 'ap-northeast-2'] as const;
    for (const region of three) stage.aws.behave({ service: 'ecr', region }, { lifeSeconds: life });
    const namespace = await stage.createNamespace('partly', {
      'ecr-pull-secrets/registries': three.map(host).join(' '),
    });
    const before = authsOf(await untilSecret(stage, namespace));
    const undo = fail(three[1], { fail: 'throttle' });
    const changed = async () => {
      const after = authsOf(await untilSecret(stage, namespace));
      return three.map((region) => after[host(region)]?.password !== before[host(region)]?.password);
    };
    await eventually(async () => expect(await changed()).toEqual([true, false, true]));
    undo();
    await eventually(async () => expect(await changed()).toEqual([true, true, true]));
  });
});
