// While AWS hangs for one identity, everybody else is served as on an idle controller. The times are printed as a ratio;
// what is asserted leaves room for a noisy machine, not for waiting.
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Stage, openStage, partnerRole } from '../../rig/stage.ts';
import { eventually, readSecret, untilSecret } from './observe.ts';

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const hangSeconds = 30;
const samples = 20;
/** More than AWS calls may be in flight at once. */
const partners = Array.from({ length: 10 }, (_, index) => `slow-${index}`);
let stage: Stage;

beforeAll(async () => {
  const profiles = Object.fromEntries(
    partners.map((name) => [name, { registries: [ireland], namespaces: ['*'], roleArn: partnerRole(name) }]),
  );
  stage = await openStage({
    plane: inject('plane'),
    name: 'isolation',
    partners,
    config: { registries: [ireland], profiles, aws: { timeout: '60s' } },
  });
});
afterAll(() => stage.close());

/** From annotation to Secret, in ms, one namespace after another. */
async function timesOf(label: string): Promise<readonly number[]> {
  const times: number[] = [];
  for (let index = 0; index < samples; index += 1) {
    const namespace = await stage.createNamespace(`${label}${index}`);
    const startedAt = performance.now();
    await stage.admin.annotate(namespace, { 'ecr-pull-secrets/enabled': 'true' });
    while ((await readSecret(stage, namespace)) === undefined);
    times.push(performance.now() - startedAt);
  }
  return times.toSorted((a, b) => a - b);
}

test(`while one identity's AWS hangs for ${hangSeconds} s, a namespace with a warm one is served as on an idle controller`, async () => {
  await stage.startController();
  await untilSecret(stage, await stage.createNamespace('warm', { 'ecr-pull-secrets/enabled': 'true' }));
  const idle = await timesOf('idle');

  const release = stage.aws.behave({ service: 'sts', action: 'AssumeRole' }, { hang: true });
  const hangingSince = performance.now();
  const hanging = await Promise.all(
    partners.map((name) => stage.createNamespace(name, { 'ecr-pull-secrets/profile': name })),
  );
  await eventually(async () => expect(stage.aws.count({ action: 'AssumeRole' })).toBe(8));
  const busy = await timesOf('busy');
  const elapsed = performance.now() - hangingSince;
  await new Promise((resolve) => void setTimeout(resolve, Math.max(0, hangSeconds * 1_000 - elapsed)));
  const stillBusy = await timesOf('late');

  const median = (times: readonly number[]) => times[Math.floor(times.length / 2)] ?? Infinity;
  const shown = [idle, busy, stillBusy].map(
    (times) => `${median(times).toFixed(1)} ms (max ${times.at(-1)?.toFixed(0)})`,
  );
  console.log(
    `median from annotation to Secret: idle ${shown[0]}, hanging ${shown[1]}, after ${hangSeconds} s ${shown[2]}`,
  );
  console.log(`ratio hanging : idle ${(median(busy) / median(idle)).toFixed(2)}`);
  for (const times of [busy, stillBusy]) expect(median(times)).toBeLessThan(3 * median(idle) + 20);
  expect(Math.max(...busy, ...stillBusy)).toBeLessThan((hangSeconds * 1_000) / 6);
  expect(await Promise.all(hanging.map((namespace) => readSecret(stage, namespace)))).toEqual(
    partners.map(() => undefined),
  );

  release();
  await Promise.all(hanging.map((namespace) => untilSecret(stage, namespace)));
});
