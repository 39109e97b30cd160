// The fake AWS against the real SDK: a rate limit for a service, by the clock of the fake.
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Scene, startScene, staticKey } from '../../rig/fake-aws/scene.ts';

let scene: Scene;
/** Stands still until a test says otherwise. */
let now: number;

beforeEach(async () => {
  now = Date.now();
  scene = await startScene(() => now);
  for (const [name, value] of Object.entries(scene.staticKeys)) vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

const askSts = () =>
  new STSClient({ region: 'eu-west-1', credentials: staticKey, maxAttempts: 1 }).send(
    new GetCallerIdentityCommand({}),
  );
const askEcr = (region = 'eu-west-1') =>
  new ECRClient({ region, credentials: staticKey, maxAttempts: 1 }).send(
    new GetAuthorizationTokenCommand({}),
  );

/** How many of so many calls at once get through. */
async function passed(count: number, ask: () => Promise<unknown> = askSts): Promise<number> {
  const results = await Promise.allSettled(Array.from({ length: count }, ask));
  return results.filter(({ status }) => status === 'fulfilled').length;
}

test('so many calls pass at once, and as many again in each second', async () => {
  scene.aws.behave({ service: 'sts' }, { perSecond: 5 });
  expect(await passed(8)).toBe(5);
  now += 200;
  expect(await passed(3)).toBe(1);
  now += 1_000;
  expect(await passed(8)).toBe(5);
  // A long rest saves no more than one second's worth.
  now += 60_000;
  expect(await passed(8)).toBe(5);
  expect(scene.aws.count({ code: 'Throttling' })).toBe(11);
  expect(scene.aws.count({ code: 'ok' })).toBe(16);
});

test('the excess is told in the words of its service, and other calls are not concerned', async () => {
  scene.aws.behave({ service: 'ecr', region: 'eu-west-1' }, { perSecond: 1 });
  const undo = scene.aws.behave({ service: 'sts' }, { perSecond: 0 });
  await askEcr();
  await expect(askEcr()).rejects.toMatchObject({ name: 'ThrottlingException', message: 'Rate exceeded' });
  await expect(askSts()).rejects.toMatchObject({ name: 'Throttling', message: 'Rate exceeded' });
  await askEcr('us-east-1');
  undo();
  await askSts();
  expect(scene.aws.tokens).toHaveLength(2);
});

test('a limit below one a second lets a call through now and then; the newest limit counts', async () => {
  scene.aws.behave({ service: 'sts' }, { perSecond: 100 });
  scene.aws.behave({}, { perSecond: 0.5 });
  expect(await passed(3)).toBe(1);
  now += 1_000;
  expect(await passed(1)).toBe(0);
  now += 1_000;
  expect(await passed(2)).toBe(1);
});

test('a call that is refused for its signature takes nothing from the others', async () => {
  scene.aws.behave({ service: 'sts' }, { perSecond: 1 });
  const credentials = { ...staticKey, secretAccessKey: 'wrong' };
  const forged = new STSClient({ region: 'eu-west-1', credentials, maxAttempts: 1 });
  await expect(forged.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
    name: 'SignatureDoesNotMatch',
  });
  await askSts();
});
