// What identities cost: one for all is one exchange and one token; a hundred of the namespaces' own are a hundred of each, never
// more at once than configured, and an STS that lets few calls through is hardly run into.
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { type Stage, openStage } from '../../rig/stage.ts';
import { eventually, readSecret } from './observe.ts';

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const count = 100;
const concurrency = 8;
let stage: Stage;

beforeAll(async () => {
  stage = await openStage({
    plane: inject('plane'),
    name: 'scale',
    config: { registries: [ireland], identity: { serviceAccounts: ['puller'] }, aws: { concurrency } },
  });
});
afterAll(() => stage.close());

const roleOf = (namespace: string): string => `arn:aws:iam::222233334444:role/${namespace}`;

/** Namespaces with a ServiceAccount and a role each, which ask for nothing yet. */
async function prepare(label: string): Promise<readonly string[]> {
  const names = Array.from({ length: count }, (_, index) => `${label}${index}`);
  const namespaces: string[] = [];
  for (const name of names) {
    const namespace = await stage.createNamespace(name);
    const metadata = { name: 'puller', annotations: { 'eks.amazonaws.com/role-arn': roleOf(namespace) } };
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await stage.admin.request({
      method: 'POST',
      path,
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    });
    const subjects = [`system:serviceaccount:${namespace}:puller`];
    stage.aws.putRole({ arn: roleOf(namespace), trust: [{ subjects, audience: 'sts.amazonaws.com' }] });
    namespaces.push(namespace);
  }
  return namespaces;
}

/** Annotates all of them, and waits until each has its Secret. @returns how long that took, in s, and how many calls */
async function serve(namespaces: readonly string[], annotations: Readonly<Record<string, string>>) {
  const before = stage.aws.calls.length;
  const startedAt = performance.now();
  await Promise.all(namespaces.map((namespace) => stage.admin.annotate(namespace, annotations)));
  for (const namespace of namespaces) {
    await eventually(async () => expect(await readSecret(stage, namespace)).toBeDefined(), 60);
  }
  const calls = stage.aws.calls.slice(before);
  return {
    seconds: (performance.now() - startedAt) / 1_000,
    sts: calls.filter(({ service }) => service === 'sts').length,
    ecr: calls.filter(({ service }) => service === 'ecr').length,
    throttled: calls.filter(({ code }) => code === 'Throttling').length,
  };
}

const own = {
  'ecr-pull-secrets/enabled': 'true',
  'ecr-pull-secrets/identity-service-account': 'puller',
};

test(`${count} namespaces with ${count} identities of their own: as many exchanges and tokens, at most ${concurrency} at once`, async () => {
  const namespaces = await prepare('own');
  const controller = await stage.startController();
  onTestFinished(async () => void (await controller.stop()));
  // Slow enough that many would be in flight, were they let.
  const undo = stage.aws.behave({}, { delayMs: 20 });
  const { seconds, ...calls } = await serve(namespaces, own);
  undo();
  expect(calls).toEqual({ sts: count, ecr: count, throttled: 0 });
  expect(stage.aws.peakConcurrency).toBeLessThanOrEqual(concurrency);
  expect(stage.aws.peakConcurrency).toBeGreaterThan(concurrency / 2);
  expect(new Set(stage.aws.tokens.map(({ roleArn }) => roleArn)).size).toBe(count);
  console.log(`served after ${seconds.toFixed(1)} s`);
});

test('an STS that lets five calls a second through: all are served within 25 s, at most five calls throttled', async () => {
  const namespaces = await prepare('slow');
  const controller = await stage.startController();
  onTestFinished(async () => void (await controller.stop()));
  onTestFinished(stage.aws.behave({ service: 'sts' }, { perSecond: 5 }));
  const { seconds, sts, ecr, throttled } = await serve(namespaces, own);
  console.log(`served after ${seconds.toFixed(1)} s, ${throttled} calls throttled`);
  expect({ sts, ecr }).toEqual({ sts: count + throttled, ecr: count });
  expect(throttled).toBeLessThanOrEqual(5);
  expect(seconds).toBeLessThan(25);
});

test(`${count} namespaces with one identity: one exchange, one token`, async () => {
  const names = Array.from({ length: count }, (_, index) => `one${index}`);
  const namespaces: string[] = [];
  for (const name of names) namespaces.push(await stage.createNamespace(name));
  const controller = await stage.startController();
  onTestFinished(async () => void (await controller.stop()));
  const { seconds, ...calls } = await serve(namespaces, { 'ecr-pull-secrets/enabled': 'true' });
  expect(calls).toEqual({ sts: 1, ecr: 1, throttled: 0 });
  console.log(`served after ${seconds.toFixed(1)} s`);
});
