// While AWS hangs for some identities, everybody else is served as on an idle controller. Two controllers take turns, one whose
// AWS hangs and an idle one, so that whatever else the machine does slows both. The times are printed as a ratio; what is
// asserted leaves room for a noisy machine, not for waiting.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Stage, openStage, partnerRole } from '../../rig/stage.ts';
import { eventually, readSecret, untilSecret } from './observe.ts';

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const hangSeconds = 30;
const samples = 20;
/** More than AWS calls may be in flight at once. */
const partners = Array.from({ length: 10 }, (_, index) => `slow-${index}`);
let stage: Stage;
let idleStage: Stage;

beforeAll(async () => {
  const profiles = Object.fromEntries(
    partners.map((name) => [name, { registries: [ireland], namespaces: ['*'], roleArn: partnerRole(name) }]),
  );
  const config = { registries: [ireland], profiles, aws: { timeout: '60s' } };
  stage = await openStage({ plane: inject('plane'), name: 'isolation', partners, config });
  idleStage = await openStage({ plane: inject('plane'), name: 'idle', partners, config });
});
afterAll(async () => {
  await stage.close();
  await idleStage.close();
});

/** From annotation to Secret, in ms. */
async function timeIn(where: Stage, name: string): Promise<number> {
  const namespace = await where.createNamespace(name);
  const startedAt = performance.now();
  await where.admin.annotate(namespace, { 'ecr-pull-secrets/enabled': 'true' });
  while ((await readSecret(where, namespace)) === undefined);
  return performance.now() - startedAt;
}

interface Times {
  readonly idle: readonly number[];
  readonly hanging: readonly number[];
}

/** One namespace after another, in turns. */
async function measure(label: string): Promise<Times> {
  const times: Record<keyof Times, number[]> = { idle: [], hanging: [] };
  for (let index = 0; index < samples; index += 1) {
    times.idle.push(await timeIn(idleStage, `${label}${index}`));
    times.hanging.push(await timeIn(stage, `${label}${index}`));
  }
  return times;
}

const median = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Infinity;

function show(when: string, { idle, hanging }: Times): void {
  const [usual, beside] = [idle, hanging].map(
    (times) => `${median(times).toFixed(1)} ms (max ${Math.max(...times).toFixed(0)})`,
  );
  const ratio = (median(hanging) / median(idle)).toFixed(2);
  console.log(`median from annotation to Secret ${when}: idle ${usual}, hanging ${beside}, ratio ${ratio}`);
}

test(`while one identity's AWS hangs for ${hangSeconds} s, a namespace with a warm one is served as on an idle controller`, async () => {
  for (const each of [stage, idleStage]) {
    await each.startController();
    await untilSecret(each, await each.createNamespace('warm', { 'ecr-pull-secrets/enabled': 'true' }));
  }
  const release = stage.aws.behave({ service: 'sts', action: 'AssumeRole' }, { hang: true });
  const hangingSince = performance.now();
  const hanging = await Promise.all(
    partners.map((name) => stage.createNamespace(name, { 'ecr-pull-secrets/profile': name })),
  );
  await eventually(async () => expect(stage.aws.count({ action: 'AssumeRole' })).toBe(8));
  const first = await measure('first');
  const elapsed = performance.now() - hangingSince;
  await sleep(Math.max(0, hangSeconds * 1_000 - elapsed));
  const late = await measure('late');

  show('at first', first);
  show(`after ${hangSeconds} s`, late);
  for (const times of [first, late]) {
    expect(median(times.hanging)).toBeLessThan(3 * median(times.idle) + 20);
    expect(Math.max(...times.hanging)).toBeLessThan((hangSeconds * 1_000) / 6);
  }
  const secrets = await Promise.all(hanging.map((namespace) => readSecret(stage, namespace)));
  expect(secrets.filter((secret) => secret !== undefined)).toHaveLength(0);

  release();
  await Promise.all(hanging.map((namespace) => untilSecret(stage, namespace)));
});
