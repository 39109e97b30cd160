// The fake AWS against the real SDK: how it misbehaves on demand, and what it counts. Trust and signatures are in
// fake-aws.test.ts.
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { BrokenAnswer } from '../../rig/fake-aws/behaviour.ts';
import { type Scene, startScene, staticKey } from '../../rig/fake-aws/scene.ts';

let scene: Scene;

beforeEach(async () => {
  scene = await startScene();
  for (const [name, value] of Object.entries(scene.staticKeys)) vi.stubEnv(name, value);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

const ecr = (region = 'eu-west-1') => new ECRClient({ region, credentials: staticKey, maxAttempts: 1 });
const askEcr = (region?: string) => ecr(region).send(new GetAuthorizationTokenCommand({}));
const askSts = () =>
  new STSClient({ region: 'eu-west-1', maxAttempts: 1 }).send(new GetCallerIdentityCommand({}));
const ecrCalls = { service: 'ecr' } as const;

test.each([
  ['throttle', 'ThrottlingException', 'Throttling'],
  ['deny', 'AccessDeniedException', 'AccessDenied'],
  ['internal', 'ServerException', 'InternalFailure'],
  ['unavailable', 'ServiceUnavailable', 'ServiceUnavailable'],
] as const)('%s is said by each service in its own words', async (fail, ofEcr, ofSts) => {
  const undo = scene.aws.behave({}, { fail });
  await expect(askEcr()).rejects.toMatchObject({ name: ofEcr });
  await expect(askSts()).rejects.toMatchObject({ name: ofSts });
  undo();
  await expect(askEcr()).resolves.toHaveProperty('authorizationData');
  expect(scene.aws.count({ code: ofEcr })).toBeGreaterThan(0);
});

test('a failure of your own is rendered as the service renders its errors', async () => {
  scene.aws.behave({}, { fail: { status: 418, code: 'Teapot', message: 'short & stout <1>' } });
  await expect(askEcr()).rejects.toMatchObject({ name: 'Teapot', message: 'short & stout <1>' });
  await expect(askSts()).rejects.toMatchObject({ name: 'Teapot', message: 'short & stout <1>' });
});

test('a denial by ECR names the caller and the missing permission', async () => {
  scene.aws.behave(ecrCalls, { fail: 'deny' });
  await expect(askEcr()).rejects.toThrow(
    `User: ${staticKey.userArn} is not authorized to perform: ecr:GetAuthorizationToken on resource: * ` +
      'because no identity-based policy allows the ecr:GetAuthorizationToken action',
  );
});

test('each field of an answer can be missing or broken', async () => {
  const answers: Partial<Record<BrokenAnswer, unknown>> = {};
  for (const answer of [
    'no-authorization-data',
    'empty-authorization-data',
    'no-token',
    'no-expiry',
    'garbage-token',
  ] as const) {
    const undo = scene.aws.behave(ecrCalls, { answer });
    answers[answer] = (await askEcr()).authorizationData;
    undo();
  }
  expect(answers).toMatchObject({
    'no-authorization-data': undefined,
    'empty-authorization-data': [],
    'no-token': [{ expiresAt: expect.any(Date) }],
    'no-expiry': [{ authorizationToken: expect.any(String) }],
    'garbage-token': [{ authorizationToken: '%%%' }],
  });
  expect(answers['no-token']).not.toHaveProperty('0.authorizationToken');
  expect(answers['no-expiry']).not.toHaveProperty('0.expiresAt');
  scene.aws.behave(ecrCalls, { answer: 'not-json' });
  await expect(askEcr()).rejects.toMatchObject({ name: 'SyntaxError' });
});

test.each([0, -60, 365 * 86_400])('a token may live for %d seconds', async (lifeSeconds) => {
  scene.aws.behave(ecrCalls, { lifeSeconds });
  const before = Date.now();
  const [{ authorizationToken = '', expiresAt } = {}] = (await askEcr()).authorizationData ?? [];
  const expires = (expiresAt?.getTime() ?? Number.NaN) - lifeSeconds * 1_000;
  expect(expires).toBeGreaterThanOrEqual(before - 1);
  expect(expires).toBeLessThanOrEqual(Date.now() + 1);
  const password = Buffer.from(authorizationToken, 'base64').toString().slice('AWS:'.length);
  expect(scene.aws.verdict(password).verdict).toBe(lifeSeconds > 0 ? 'valid' : 'expired');
});

test('of each setting the newest matching rule counts, and undoing it twice is harmless', async () => {
  scene.aws.behave(ecrCalls, { fail: 'throttle', lifeSeconds: 60 });
  const undo = scene.aws.behave({ ...ecrCalls, region: 'eu-west-1' }, { fail: 'deny' });
  await expect(askEcr('eu-west-1')).rejects.toMatchObject({ name: 'AccessDeniedException' });
  await expect(askEcr('us-east-1')).rejects.toMatchObject({ name: 'ThrottlingException' });
  undo();
  undo();
  await expect(askEcr('eu-west-1')).rejects.toMatchObject({ name: 'ThrottlingException' });
});

test('what hangs goes on when released, and the most calls at once are counted', async () => {
  const release = scene.aws.behave({ ...ecrCalls, region: 'eu-west-1' }, { hang: true });
  const hanging = Promise.all([askEcr(), askEcr(), askEcr()]);
  await vi.waitFor(() => expect(scene.aws.count(ecrCalls)).toBe(3), { timeout: 10_000 });
  await askEcr('us-east-1');
  expect(scene.aws.calls.filter(({ endedAt }) => endedAt === undefined)).toHaveLength(3);
  release();
  await expect(hanging).resolves.toHaveLength(3);
  expect(scene.aws.peakConcurrency).toBe(4);
  expect(scene.aws.count({ code: 'ok' })).toBe(4);
  expect(scene.aws.tokens).toHaveLength(4);
});

test('a client that leaves, a cut connection and a delay are in the log', async () => {
  const undoHang = scene.aws.behave(ecrCalls, { hang: true });
  const leave = new AbortController();
  const leaving = ecr().send(new GetAuthorizationTokenCommand({}), { abortSignal: leave.signal });
  await vi.waitFor(() => expect(scene.aws.calls).toHaveLength(1), { timeout: 10_000 });
  leave.abort();
  await expect(leaving).rejects.toMatchObject({ name: 'AbortError' });
  await vi.waitFor(() => expect(scene.aws.count({ code: 'client-left' })).toBe(1), { timeout: 10_000 });
  undoHang();
  const undoDrop = scene.aws.behave(ecrCalls, { drop: true });
  await expect(askEcr()).rejects.toMatchObject({ code: 'ECONNRESET' });
  undoDrop();
  scene.aws.behave(ecrCalls, { delayMs: 200 });
  await askEcr();
  expect(scene.aws.calls.map(({ code }) => code)).toStrictEqual(['client-left', 'dropped', 'ok']);
  const { startedAt, endedAt = 0 } = scene.aws.calls[2] ?? { startedAt: Infinity };
  expect(endedAt - startedAt).toBeGreaterThan(150);
});

test.each(['stall', 'drip'] as const)('a body that comes as a %s does not end by itself', async (body) => {
  scene.aws.behave(ecrCalls, { body });
  const answer = askEcr().then(
    () => 'answered',
    () => 'cut',
  );
  const first = await Promise.race([
    answer,
    new Promise((resolve) => setTimeout(resolve, 400, 'still waiting')),
  ]);
  expect(first).toBe('still waiting');
  expect(scene.aws.calls[0]?.endedAt).toBeUndefined();
  await scene.aws.close();
  await expect(answer).resolves.toBe('cut');
});
