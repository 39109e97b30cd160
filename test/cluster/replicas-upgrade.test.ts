// A rolling upgrade as a Deployment with maxSurge 1 and maxUnavailable 0 makes it: a new replica is started, and when it is ready an
// old one is told to stop; meanwhile namespaces are annotated at a steady rate and Secrets become due. Each process has a door
// of its own to the API server, which says who wrote when.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { authsOf, eventually, readSecret } from './observe.ts';
import { ApiDoor } from './replicas-api-door.ts';

const hosts = ['eu-west-1', 'us-east-1'].map((region) => `111122223333.dkr.ecr.${region}.amazonaws.com`);
const enabled = { 'ecr-pull-secrets/enabled': 'true' };

/** Secrets are due every 20 to 24 s. */
const lifeSeconds = 40;

/** One namespace is annotated every so many ms. */
const rate = 400;

/** The retry period and a fifth, what ends at the old one and begins at the new one; and a busy machine. In ms. */
const limit = 8_000;

interface Replica {
  readonly controller: ControllerProcess;
  readonly door: ApiDoor;
}

let stage: Stage;
const replicas: Replica[] = [];
/** How long each namespace waited for its Secret, in ms. */
const waits: number[] = [];
/** What should not have been seen of Secrets. */
const bad: string[] = [];

async function start(): Promise<Replica> {
  const [controller, door] = await ApiDoor.start(stage);
  const replica = { controller, door };
  replicas.push(replica);
  return replica;
}

/** Annotates a namespace and waits for its Secret; then watches it until the end. */
async function follow(namespace: string, end: AbortSignal): Promise<void> {
  await stage.admin.annotate(namespace, enabled);
  const annotatedAt = performance.now();
  const first = await eventually(async () => {
    const secret = await readSecret(stage, namespace);
    if (secret === undefined) throw new Error(`no Secret in ${namespace} yet`);
    return secret;
  });
  waits.push(performance.now() - annotatedAt);
  while (!end.aborted) {
    const asked = Date.now();
    const secret = await readSecret(stage, namespace);
    const auths = secret === undefined ? {} : authsOf(secret);
    if (secret?.metadata.uid !== first.metadata.uid) bad.push(`${namespace}: another Secret, or none`);
    if (Object.keys(auths).join() !== hosts.join()) bad.push(`${namespace}: has lost a host`);
    for (const { password } of Object.values(auths)) {
      if (stage.aws.verdict(password, asked).verdict !== 'valid') bad.push(`${namespace}: expired`);
    }
    await sleep(500);
  }
}

/** Replaces every replica, the leader first. */
async function upgrade(): Promise<void> {
  const before = [...replicas];
  for (const old of before) {
    // The old one has its share of the time, with Secrets that become due.
    await sleep(12_000);
    await start();
    expect(await old.controller.stop()).toMatchObject({ code: 0 });
  }
  await sleep(12_000);
}

beforeAll(async () => {
  stage = await openStage({ plane: inject('plane'), name: 'upgrade', config: { registries: hosts } });
  stage.aws.behave({ service: 'ecr' }, { lifeSeconds });
});
afterAll(async () => {
  await stage.close();
  for (const { door } of replicas) await door.close();
});

test('never do two processes write at a time, and nobody waits for a Secret or loses one', async () => {
  const { controller } = await start();
  await eventually(async () => expect(await controller.metric('ecr_pull_secrets_leading')).toBe(1));
  await start();
  const end = new AbortController();
  const upgraded = upgrade().finally(() => end.abort());
  const following: Promise<void>[] = [];
  for (let index = 0; !end.signal.aborted; index += 1) {
    const namespace = await stage.createNamespace(`n${index}`);
    following.push(follow(namespace, end.signal));
    await sleep(rate);
  }
  await upgraded;
  await Promise.all(following);

  const turns = replicas
    .map(({ door: { changes } }, index) => ({
      process: index + 1,
      writes: changes.length,
      first: changes[0]?.at ?? 0,
      last: Math.max(...changes.map(({ answeredAt = Infinity }) => answeredAt)),
    }))
    .filter(({ writes }) => writes > 0)
    .toSorted((one, other) => one.first - other.first);
  console.log(JSON.stringify({ turns, namespaces: waits.length, longestWait: Math.max(...waits) }));
  // The first two and one of the new ones at least had their turn.
  expect(turns.length).toBeGreaterThanOrEqual(3);
  // When one begins, the one before has nothing more to say: not even an answer is outstanding.
  const overlaps = turns.filter(({ first }, index) => first <= (turns[index - 1]?.last ?? 0));
  expect(overlaps).toEqual([]);
  expect(waits.length).toBeGreaterThan(50);
  expect(Math.max(...waits)).toBeLessThan(limit);
  expect(bad).toEqual([]);
  const paths = replicas.flatMap(({ door }) => door.changes.filter(({ method }) => method === 'DELETE'));
  expect(paths).toEqual([]);
});
