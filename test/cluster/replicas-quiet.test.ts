// What replicas cost when nothing happens: the one that waits reads, and renews nothing; and when all are killed at once, those that
// come after them find fresh Secrets and write nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { eventually, readSecret, untilSecret, untilSettled } from './observe.ts';
import { ApiDoor } from './replicas-api-door.ts';

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const enabled = { 'ecr-pull-secrets/enabled': 'true' };
const watched = 30_000;

let stage: Stage;
const doors: ApiDoor[] = [];
let running: ControllerProcess[] = [];
let namespaces: readonly string[] = [];

async function start() {
  const [controller, door] = await ApiDoor.start(stage);
  doors.push(door);
  running.push(controller);
  return { controller, door };
}

const untilLeading = (controllers: readonly ControllerProcess[]) =>
  eventually(async () => {
    for (const controller of controllers)
      if ((await controller.metric('ecr_pull_secrets_leading')) === 1) return controller;
    throw new Error('nobody leads yet');
  }, 60);

beforeAll(async () => {
  stage = await openStage({ plane: inject('plane'), name: 'quiet', config: { registries: [ireland] } });
  namespaces = await Promise.all(
    Array.from({ length: 10 }, (_, index) => stage.createNamespace(`n${index}`, enabled)),
  );
});
afterEach(async () => {
  for (const controller of running.splice(0)) await controller.kill();
});
afterAll(async () => {
  await stage.close();
  for (const door of doors) await door.close();
});

test('the one that waits asks AWS for nothing, changes nothing, and looks at the lease every two seconds', async () => {
  const leader = await start();
  await untilLeading([leader.controller]);
  await untilSettled(leader.controller, namespaces);
  const calls = stage.aws.count();
  const standby = await start();
  await sleep(watched);
  const counts = new Map<string, number>();
  for (const { method, path } of standby.door.passages)
    counts.set(`${method} ${path}`, (counts.get(`${method} ${path}`) ?? 0) + 1);
  console.log(JSON.stringify(Object.fromEntries(counts)));
  expect(stage.aws.count()).toBe(calls);
  expect(standby.door.passages.filter(({ method }) => method !== 'GET')).toEqual([]);
  const { installation } = stage;
  const lease = `GET /apis/coordination.k8s.io/v1/namespaces/${installation.namespace}/leases/quiet`;
  expect([...counts.keys()].toSorted()).toEqual([
    'GET /api/v1/namespaces',
    'GET /api/v1/secrets',
    'GET /api/v1/serviceaccounts',
    lease,
  ]);
  // Every 2 to 2.4 s, and a busy machine is later.
  expect(counts.get(lease)).toBeLessThanOrEqual(1 + watched / 2_000);
  counts.delete(lease);
  // A list and a watch of each.
  expect([...counts.values()]).toEqual([2, 2, 2]);
});

test('both killed at once and started again: no AWS call, and no write where Secrets are fresh', async () => {
  const both = [await start(), await start()];
  const before = await Promise.all(namespaces.map((namespace) => untilSecret(stage, namespace)));
  await untilLeading(both.map(({ controller }) => controller));
  await Promise.all(both.map(({ controller }) => controller.kill()));
  const calls = stage.aws.count();
  const again = [await start(), await start()];
  const controllers = again.map(({ controller }) => controller);
  await untilSettled(await untilLeading(controllers), namespaces);
  expect(stage.aws.count()).toBe(calls);
  expect(again.flatMap(({ door }) => door.changes)).toEqual([]);
  const after = await Promise.all(namespaces.map((namespace) => readSecret(stage, namespace)));
  expect(after.map((secret) => secret?.metadata.resourceVersion)).toEqual(
    before.map(({ metadata }) => metadata.resourceVersion),
  );
});
