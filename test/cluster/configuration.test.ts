// A changed configuration rewrites exactly the Secrets whose inputs changed; and nothing that the program writes, whatever
// happens to it, holds a credential.
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { type ControllerProcess, runToEnd } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import {
  type ReadSecret,
  authsOf,
  eventsOf,
  eventually,
  leak,
  untilSecret,
  untilSettled,
} from './observe.ts';

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const virginia = '111122223333.dkr.ecr.us-east-1.amazonaws.com';
let stage: Stage;

beforeAll(async () => {
  stage = await openStage({ plane: inject('plane'), name: 'change', config: { registries: [ireland] } });
});
afterAll(() => stage.close());

/** A controller that ends with the test, if not before: it must not meet the one of the next test. */
async function start(): Promise<ControllerProcess> {
  const controller = await stage.startController();
  onTestFinished(async () => void (await controller.stop()));
  return controller;
}

test('a new default registry rewrites the namespaces that have it, and no other', async () => {
  const wishes = {
    defaults: { 'ecr-pull-secrets/enabled': 'true' },
    own: { 'ecr-pull-secrets/registries': ireland },
  };
  const namespaces = await Promise.all(
    Object.entries(wishes).map(([name, annotations]) => stage.createNamespace(name, annotations)),
  );
  const first = await start();
  const before = await Promise.all(namespaces.map((namespace) => untilSecret(stage, namespace)));
  await first.stop();
  await stage.installation.upgrade(stage.values({ registries: [ireland, virginia] }));
  const second = await start();
  await eventually(async () => {
    const [defaults] = await Promise.all(namespaces.map((namespace) => untilSecret(stage, namespace)));
    expect(Object.keys(authsOf(defaults as ReadSecret))).toEqual([ireland, virginia]);
  });
  await untilSettled(second, namespaces);
  const after = await Promise.all(namespaces.map((namespace) => untilSecret(stage, namespace)));
  const same = after.map(
    ({ metadata }, index) => metadata.resourceVersion === before[index]?.metadata.resourceVersion,
  );
  expect(same).toEqual([false, true]);
  expect(after.map(({ metadata }) => metadata.uid)).toEqual(before.map(({ metadata }) => metadata.uid));
});

test('new labels rewrite every Secret, in place', async () => {
  const namespace = await stage.createNamespace('labels', { 'ecr-pull-secrets/enabled': 'true' });
  const first = await start();
  const before = await untilSecret(stage, namespace);
  await first.stop();
  await stage.installation.upgrade(stage.values({ secretLabels: { owner: 'platform' } }));
  await start();
  await eventually(async () => {
    const { metadata } = await untilSecret(stage, namespace);
    expect(metadata.labels).toMatchObject({ owner: 'platform' });
    expect(metadata.uid).toBe(before.metadata.uid);
  });
});

test('nothing that the program writes holds a token, a password or a JWT, also when everything fails', async () => {
  const { installation, awsAccess: aws } = stage;
  const undo = stage.aws.behave(
    { service: 'ecr' },
    { fail: { status: 400, code: `X${'eyJhbGciOi.eyJzdWIi.c2ln'.repeat(9)}`, message: 'p'.repeat(999) } },
  );
  onTestFinished(undo);
  const controller = await start();
  const registries = '111122223333.dkr.ecr.ap-south-1.amazonaws.com';
  const namespace = await stage.createNamespace('leaky', { 'ecr-pull-secrets/registries': registries });
  await eventually(async () => expect(await eventsOf(stage, namespace)).toHaveLength(1));
  const passes = await Promise.all([
    runToEnd({ installation, aws, args: ['once', '--log-level', 'debug'] }),
    runToEnd({ installation, aws, args: ['once', '--dry-run', '--output', 'json', '--log-level', 'debug'] }),
  ]);
  undo();
  // To the program that was a denial, which is tried again half a minute later at the latest.
  await eventually(() => untilSecret(stage, namespace), 60);
  const written = [
    controller.output(),
    await controller.metrics(),
    ...(await eventsOf(stage, namespace)),
    ...passes.flatMap(({ stdout, stderr }) => [stdout, stderr]),
  ];
  expect(passes.map(({ code }) => code)).toEqual([1, 1]);
  expect(written.map((text) => leak.test(text))).toEqual(written.map(() => false));
});
