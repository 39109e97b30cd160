// AwsTokenFetcher when the network or whatever answers there misbehaves: every fetch ends, in about the configured time,
// and leaves nothing behind. (A rejection that nobody handles makes vitest fail the run.)
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Behaviour } from '../../rig/fake-aws/behaviour.ts';
import { type Scene, startScene } from '../../rig/fake-aws/scene.ts';
import { FetchFailure, type FetchFailureReason } from '../../src/domain/errors.ts';
import type { Identity } from '../../src/domain/identity.ts';
import { byPartner, byWebIdentity, makeFetcher, useEnvironment } from '../support/aws-fetching.ts';

/** Long enough for calls that go well on a busy machine, short enough to wait for. */
const timeoutMs = 1_000;
/** What a busy machine may add. */
const graceMs = 8_000;

let scene: Scene;

beforeEach(async () => {
  scene = await startScene();
  useEnvironment(scene.webIdentity);
  // The SDK is loaded by the first fetch, which would count against the time-outs below.
  await fetchToken({ timeoutMs: 20_000 });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

interface Page {
  readonly what: string;
  readonly status: number;
  readonly body: string;
  readonly reason: FetchFailureReason;
}

interface Try {
  readonly identity?: Identity;
  readonly timeoutMs?: number;
  readonly timeoutSignal?: (ms: number) => AbortSignal;
}

const fetchToken = ({ identity = byWebIdentity, ...attempt }: Try = {}) =>
  makeFetcher({ timeoutMs, ...attempt }).fetch({ identity, service: 'private', region: 'eu-west-1' });

/** How a fetch fails, and after how many ms. */
async function failure(
  attempt: Try = {},
): Promise<{ readonly error: FetchFailure; readonly elapsed: number }> {
  const startedAt = performance.now();
  const error: unknown = await fetchToken(attempt).catch((reason: unknown) => reason);
  if (!(error instanceof FetchFailure)) throw new Error('no FetchFailure', { cause: error });
  return { error, elapsed: performance.now() - startedAt };
}

describe.each([
  ['AssumeRoleWithWebIdentity', byWebIdentity],
  ['AssumeRole', byPartner],
  ['GetAuthorizationToken', byWebIdentity],
] as const)('%s', (action, identity) => {
  const stuck: readonly (readonly [what: string, behaviour: Behaviour])[] = [
    ['never answers', { hang: true }],
    ['stops in the middle of its answer', { body: 'stall' }],
    ['answers a byte now and then', { body: 'drip' }],
  ];

  test.each(stuck)('that %s ends as a timeout after the configured time', async (_what, behaviour) => {
    const release = scene.aws.behave({ action }, behaviour);
    const { error, elapsed } = await failure({ identity });
    expect(error).toMatchObject({ reason: 'timeout', advice: expect.stringContaining('egress rules') });
    expect(elapsed).toBeGreaterThan(timeoutMs * 0.9);
    // The calls before this one went well; they do not add a time-out of their own.
    expect(elapsed).toBeLessThan(timeoutMs + graceMs);
    release();
    await fetchToken({ identity, timeoutMs: 20_000 });
  });

  test('whose connection is cut fails at once', async () => {
    scene.aws.behave({ action }, { drop: true });
    const { error, elapsed } = await failure({ identity, timeoutMs: 60_000 });
    expect(['timeout', 'unavailable']).toContain(error.reason);
    expect(elapsed).toBeLessThan(graceMs);
    expect(scene.aws.count({ action, code: 'dropped' })).toBe(1);
  });

  test('whose connection is cut is called unreachable, not slow', async () => {
    scene.aws.behave({ action }, { drop: true });
    const { error } = await failure({ identity, timeoutMs: 60_000 });
    expect(error).toMatchObject({ reason: 'unavailable', message: expect.stringContaining('ECONNRESET') });
  });
});

test('an answer that comes after the time-out disturbs nobody', async () => {
  const release = scene.aws.behave({}, { hang: true });
  const failures = await Promise.all([failure(), failure(), failure({ identity: byPartner })]);
  expect(failures.map(({ error }) => error.reason)).toStrictEqual(['timeout', 'timeout', 'timeout']);
  release();
  await sleep(300);
  await fetchToken({ timeoutMs: 20_000 });
});

test('a region that hangs holds no other region up', async () => {
  const release = scene.aws.behave({ service: 'ecr', region: 'us-east-1' }, { hang: true });
  const fetcher = makeFetcher({ timeoutMs: 60_000 });
  const hanging = fetcher.fetch({ identity: byWebIdentity, service: 'private', region: 'us-east-1' });
  await fetcher.fetch({ identity: byWebIdentity, service: 'private', region: 'eu-west-1' });
  expect(scene.aws.count({ service: 'ecr', code: 'ok' })).toBe(2);
  release();
  await expect(hanging).resolves.toHaveProperty('username', 'AWS');
});

test('a slow STS leaves ECR its own full time', async () => {
  const limit = 3_000;
  const undo = scene.aws.behave({}, { delayMs: limit * 0.6 });
  await expect(fetchToken({ timeoutMs: limit })).resolves.toHaveProperty('username', 'AWS');
  undo();
});

test.each([
  ['STS', 'AWS_ENDPOINT_URL_STS'],
  ['ECR', 'AWS_ENDPOINT_URL_ECR'],
])('%s that nobody listens for is unavailable', async (_service, variable) => {
  const closed = await startScene();
  await closed[Symbol.asyncDispose]();
  vi.stubEnv(variable, closed.aws.url);
  const { error } = await failure({ timeoutMs: 20_000 });
  expect(error).toMatchObject({
    reason: 'unavailable',
    message: expect.stringContaining('ECONNREFUSED'),
    advice: expect.stringContaining('egress rules'),
  });
});

test('a source of credentials that hangs is given up, even when the time was over before it was asked', async () => {
  scene.aws.behave({ service: 'sts' }, { hang: true });
  const over = () => AbortSignal.abort(new DOMException('over', 'TimeoutError'));
  const settled = failure({ timeoutMs: 60_000, timeoutSignal: over }).then(({ error }) => error.reason);
  // The loser ends when the fake AWS is closed after the test.
  expect(await Promise.race([settled, sleep(graceMs, 'still waiting')])).toBe('timeout');
});

test('a call that was given up is cut, so that no connection is left behind', async () => {
  scene.aws.behave({ service: 'sts' }, { body: 'drip' });
  await failure();
  await vi.waitFor(() => expect(scene.aws.count({ code: 'client-left' })).toBe(1), { timeout: graceMs });
});

describe('something else that answers instead of AWS', () => {
  test.each<Page>([
    { what: 'the page of a proxy', status: 403, body: '<html>blocked</html>', reason: 'invalid-answer' },
    { what: 'an answer without a word', status: 200, body: '', reason: 'invalid-answer' },
  ])('$what is reported as what it is', isReported);

  test.each<Page>([
    { what: 'the page of a gateway', status: 502, body: '<html>bad gateway</html>', reason: 'unavailable' },
    {
      what: 'an expiry that is no number',
      status: 200,
      body: answer('QVdTOng=', 'soon'),
      reason: 'invalid-answer',
    },
    { what: 'a token that is no text', status: 200, body: answer(5, 5), reason: 'invalid-answer' },
  ])('$what is reported as what it is', isReported);
});

function answer(authorizationToken: unknown, expiresAt: unknown): string {
  return JSON.stringify({ authorizationData: [{ authorizationToken, expiresAt }] });
}

/** Answers every ECR call with the page. */
async function isReported({ status, body, reason }: Page): Promise<void> {
  const stranger = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'text/html' }).end(body);
  });
  await new Promise<void>((resolve) => void stranger.listen(0, '127.0.0.1', resolve));
  const address = stranger.address();
  vi.stubEnv('AWS_ENDPOINT_URL_ECR', `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
  const { error } = await failure({ timeoutMs: 20_000 }).finally(() => stranger.close());
  expect(error.reason).toBe(reason);
  expect(`${error.message} ${error.advice}`).not.toMatch(/blocked|bad gateway|soon|QVdT/);
}
