// While AWS gives no token, nothing that is there gets worse, AWS is asked once for all namespaces together, it gets loud only
// late in a token's life, and everything recovers by itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Behaviour } from '../../rig/fake-aws/behaviour.ts';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { authsOf, documentOf, eventsOf, eventually, leak, readSecret, untilSecret } from './observe.ts';

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
  stage = await openStage({ plane: inject('plane'), name: 'failures', config: { aws: { timeout: '1s' } } });
  controller = await stage.startController();
});
afterEach(() => expect(controller.output()).not.toMatch(leak));
afterAll(() => stage.close());

/** A region of its own for each row, so that no back-off of one is seen in another. */
const regions = ['eu-west-1', 'eu-west-2', 'eu-west-3', 'eu-north-1', 'eu-south-1', 'us-west-1'] as const;

const callsTo = (region: string): number => stage.aws.count({ service: 'ecr', region });

describe('at the start, while AWS', () => {
  test.each(Object.entries(failures))(
    '%s: told, asked once for ten namespaces at a time, recovered by itself',
    async (what, behaviour) => {
      const index = Object.keys(failures).indexOf(what);
      const region = regions[index] ?? '';
      const undo = stage.aws.behave({ service: 'ecr', region }, behaviour);
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
      expect(callsTo(region)).toBeGreaterThan(0);
      expect(callsTo(region)).toBeLessThanOrEqual(4);
      undo();
      const secrets = await Promise.all(namespaces.map((namespace) => untilSecret(stage, namespace)));
      expect(secrets).toHaveLength(10);
    },
  );

  test('denies: told with the cure, asked once, and not again for half a minute', async () => {
    const undo = stage.aws.behave({ service: 'ecr', region: 'us-east-2' }, { fail: 'deny' });
    const annotations = { 'ecr-pull-secrets/registries': host('us-east-2') };
    const namespace = await stage.createNamespace('denied', annotations);
    await eventually(async () =>
      expect(await eventsOf(stage, namespace)).toEqual([
        expect.stringContaining('allow ecr:GetAuthorizationToken'),
      ]),
    );
    await stage.createNamespace('denied-too', annotations);
    await sleep(3_000);
    expect(callsTo('us-east-2')).toBe(1);
    undo();
  });
});

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
    const issued = Date.now();
    const undo = stage.aws.behave({ service: 'ecr', region }, { fail: 'internal' });
    await sleep(issued + 0.66 * life * 1_000 - Date.now());
    expect(callsTo(region)).toBeGreaterThan(1);
    expect(await eventsOf(stage, namespace)).toEqual([]);
    expect((await gauge()) ?? 0).toBe(0);
    await eventually(async () => expect(await eventsOf(stage, namespace)).toHaveLength(1), 10);
    expect(Date.now() - issued).toBeGreaterThan(0.7 * life * 1_000);
    expect(Date.now() - issued).toBeLessThan(life * 1_000);
    expect(await gauge()).toBe(1);
    const after = await readSecret(stage, namespace);
    expect(after?.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    undo();
    await eventually(async () => {
      const secret = await untilSecret(stage, namespace);
      expect(documentOf(secret) === documentOf(before), 'a new token').toBe(false);
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
    const undo = stage.aws.behave({ service: 'ecr', region: three[1] }, { fail: 'throttle' });
    const changed = async () => {
      const after = authsOf(await untilSecret(stage, namespace));
      return three.map((region) => after[host(region)]?.password !== before[host(region)]?.password);
    };
    await eventually(async () => expect(await changed()).toEqual([true, false, true]));
    undo();
    await eventually(async () => expect(await changed()).toEqual([true, true, true]));
  });
});
