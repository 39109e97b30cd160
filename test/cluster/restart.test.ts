// A restart with fresh Secrets costs nothing: no call to AWS, no write of any kind, counted at the API server.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { AuditLog } from '../../rig/control-plane/audit.ts';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { eventsOf, eventually, readSecret, untilSecret, untilSettled, writes } from './observe.ts';

const count = 20;
let stage: Stage;

beforeAll(async () => {
  const registries = [
    '111122223333.dkr.ecr.eu-west-1.amazonaws.com',
    '111122223333.dkr.ecr.us-east-1.amazonaws.com',
  ];
  stage = await openStage({ plane: inject('plane'), name: 'restart', config: { registries } });
});
afterAll(() => stage.close());

/** A controller that ends with the test, if not before: it must not meet the one of the next test. */
async function start(): Promise<ControllerProcess> {
  const controller = await stage.startController();
  onTestFinished(async () => void (await controller.stop()));
  return controller;
}

test('a restart with fresh Secrets: no AWS call; no write to Secrets, ServiceAccounts or Events', async () => {
  const names = Array.from({ length: count }, (_, index) => `n${index}`);
  const namespaces = await Promise.all(
    names.map((name) => stage.createNamespace(name, { 'ecr-pull-secrets/enabled': 'true' })),
  );
  const first = await start();
  const before = await Promise.all(namespaces.map((namespace) => untilSecret(stage, namespace)));
  await untilSettled(first, namespaces);
  const { code, ms } = await first.stop();
  expect(code).toBe(0);
  expect(ms).toBeLessThan(10_000);
  const calls = stage.aws.count();
  expect(calls).toBe(3);

  const audit = new AuditLog(stage.plane, stage.admin);
  const mark = await audit.mark();
  const second = await start();
  await untilSettled(second, namespaces);
  // The API server writes an entry a moment after it has answered.
  const made = await eventually(async () => {
    const entries = await audit.since(mark, { user: stage.installation.user });
    // It did read the log of the right user: three lists and three watches.
    const looks = entries.filter(({ resource }) => resource !== 'leases');
    expect(looks.map(({ verb, resource }) => `${verb} ${resource}`).toSorted()).toEqual(
      ['list', 'watch'].flatMap((verb) =>
        ['namespaces', 'secrets', 'serviceaccounts'].map((kind) => `${verb} ${kind}`),
      ),
    );
    return entries;
  });
  expect(writes(made)).toEqual([]);
  expect(stage.aws.count()).toBe(calls);
  const after = await Promise.all(namespaces.map((namespace) => readSecret(stage, namespace)));
  expect(after.map((secret) => secret?.metadata.resourceVersion)).toEqual(
    before.map((secret) => secret.metadata.resourceVersion),
  );
  expect((await Promise.all(namespaces.map((namespace) => eventsOf(stage, namespace)))).flat()).toEqual([]);
});

test('killed in the middle of a first fill, the next start completes it', async () => {
  const names = Array.from({ length: 150 }, (_, index) => `k${index}`);
  const annotations = { 'ecr-pull-secrets/enabled': 'true' };
  const namespaces = await Promise.all(names.map((name) => stage.createNamespace(name, annotations)));
  const made = async () => {
    const secrets = await Promise.all(namespaces.map((namespace) => readSecret(stage, namespace)));
    return secrets.filter((secret) => secret !== undefined).length;
  };
  // Slow enough to be caught in the act: with one worker at a time.
  await stage.installation.upgrade(stage.values({ workers: 1 }));
  const killed = await start();
  while (!killed.output().includes('create Secret')) await sleep(2);
  await killed.kill();
  const done = await made();
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThan(150);
  await stage.startController();
  await eventually(async () => expect(await made()).toBe(150));
});
