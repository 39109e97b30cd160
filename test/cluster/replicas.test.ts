// Several replicas: one writes, the others wait with everything at hand. What happens when the one is killed, frozen, or
// replaced; the audit log says who wrote when, by the name of the Lease's holder at that time.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { type AuditEntry, AuditLog } from '../../rig/control-plane/audit.ts';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { eventually, readSecret, untilSecret, writes } from './observe.ts';

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const enabled = { 'ecr-pull-secrets/enabled': 'true' };
let stage: Stage;
let audit: AuditLog;
let running: ControllerProcess[] = [];

beforeAll(async () => {
  stage = await openStage({ plane: inject('plane'), name: 'replicas', config: { registries: [ireland] } });
  audit = new AuditLog(stage.plane, stage.admin);
});
afterEach(async () => {
  for (const controller of running.splice(0)) await controller.kill();
});
afterAll(() => stage.close());

async function start(): Promise<ControllerProcess> {
  const controller = await stage.startController();
  running.push(controller);
  return controller;
}

const isLeading = async (controller: ControllerProcess): Promise<boolean> =>
  (await controller.metric('ecr_pull_secrets_leading')) === 1;

async function untilLeading(controller: ControllerProcess): Promise<void> {
  await eventually(async () => expect(await isLeading(controller)).toBe(true));
}

/** A leader, and one that waits. */
async function startTwo(): Promise<readonly [leader: ControllerProcess, standby: ControllerProcess]> {
  const leader = await start();
  await untilLeading(leader);
  const standby = await start();
  return [leader, standby];
}

const served = async (name: string): Promise<void> => {
  await untilSecret(stage, await stage.createNamespace(name, enabled));
};

test('only one of two writes; the other is ready, and asks AWS for nothing', async () => {
  const [leader, standby] = await startTwo();
  const before = stage.aws.calls.length;
  await served('one');
  expect(stage.aws.calls.length - before).toBe(2);
  expect(await standby.ready()).toBe(true);
  expect([await isLeading(leader), await isLeading(standby)]).toEqual([true, false]);
  expect(await standby.metric('ecr_pull_secrets_secret_writes_total')).toBeUndefined();
});

test('a leader that is stopped gives the lease up: the other goes on at once, without an AWS call for what is fresh', async () => {
  const [leader, standby] = await startTwo();
  await served('before-stop');
  const namespace = await stage.createNamespace('while-stopped');
  expect(await leader.stop()).toMatchObject({ code: 0 });
  const stoppedAt = performance.now();
  await stage.admin.annotate(namespace, enabled);
  await untilSecret(stage, namespace);
  // The retry period and a fifth, and time for the work.
  expect(performance.now() - stoppedAt).toBeLessThan(8_000);
  expect(await isLeading(standby)).toBe(true);
});

test('a leader that is killed without goodbye: the other writes within 20 s, and no Secret is lost', async () => {
  const [leader, standby] = await startTwo();
  await served('before-kill');
  const secret = await untilSecret(stage, 'replicas-before-kill');
  await leader.kill();
  const killedAt = performance.now();
  await served('after-kill');
  expect(performance.now() - killedAt).toBeLessThan(20_000);
  expect(await isLeading(standby)).toBe(true);
  const after = await readSecret(stage, 'replicas-before-kill');
  expect(after?.metadata.resourceVersion).toBe(secret.metadata.resourceVersion);
});

test(
  'a leader that is frozen for 60 s, and thawed, starts no write and leads no more',
  { timeout: 180_000 },
  async () => {
    const [leader, standby] = await startTwo();
    await served('before-freeze');
    process.kill(leader.pid, 'SIGSTOP');
    const frozenAt = performance.now();
    await served('while-frozen');
    expect(await isLeading(standby)).toBe(true);
    // Work for the frozen one, which it finds when it wakes up.
    for (let index = 0; index < 20; index += 1) await stage.createNamespace(`waiting-${index}`, enabled);
    for (let index = 0; index < 20; index += 1) await untilSecret(stage, `replicas-waiting-${index}`);
    await sleep(Math.max(0, frozenAt + 60_000 - performance.now()));
    const mark = await audit.mark();
    const thawedAt = Date.now();
    process.kill(leader.pid, 'SIGCONT');
    await sleep(5_000);
    const since: readonly AuditEntry[] = writes(await audit.since(mark, { user: stage.installation.user }));
    expect(since.filter(({ at }) => at >= thawedAt)).toEqual([]);
    expect([await isLeading(leader), await isLeading(standby)]).toEqual([false, true]);
    // And it can take over again.
    await standby.stop();
    await served('after-thaw');
    expect(await isLeading(leader)).toBe(true);
  },
);
