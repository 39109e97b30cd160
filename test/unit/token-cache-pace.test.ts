// How the token cache bears AWS's limits on calls: a hundred identities that ask at once, against an STS that lets so many
// calls through in a second. It learns the limit from what is throttled, and hardly runs into it again. AWS is a token bucket
// on the test's clock; each fetch is one exchange at STS, then one call to ECR, and takes a while.
import { expect, test } from 'vitest';
import { TokenCache } from '../../src/controller/token-cache.ts';
import { FetchFailure } from '../../src/domain/errors.ts';
import type { NamespaceIdentity } from '../../src/domain/identity.ts';
import type { Token, TokenSource } from '../../src/domain/token.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordedLog, RecordedMetrics } from '../support/model-ports.ts';
import { aToken, twelveHours } from '../support/views.ts';

const identityOf = (index: number, account = '111122223333'): NamespaceIdentity => ({
  kind: 'namespace',
  namespace: `team-${index}`,
  serviceAccount: 'puller',
  uid: `uid-${index}`,
  audience: 'sts.amazonaws.com',
  roleArn: `arn:aws:iam::${account}:role/team-${index}`,
  sessionName: `ecr-pull-secrets-team-${index}`,
});

const sourceOf = (index: number, account?: string): TokenSource => ({
  identity: identityOf(index, account),
  service: 'private',
  region: 'eu-west-1',
});

/** So many calls in a second, and `burst` at once; how long a call takes is in ms. */
interface Limit {
  readonly perSecond: number;
  readonly burst: number;
  readonly callMs: number;
}

function aWorld({ perSecond, burst, callMs }: Limit) {
  const clock = new ManualClock({ random: [0.1, 0.9, 0.4, 0.7, 0.3] });
  const counts = { sts: 0, throttled: 0, inFlight: 0, peak: 0 };
  let level = burst;
  let filledAt = clock.monotonic();
  const pause = (ms: number) => new Promise<void>((resolve) => void clock.setTimer(ms, resolve));
  const takeOne = (): boolean => {
    const now = clock.monotonic();
    level = Math.min(burst, level + ((now - filledAt) / 1_000) * perSecond);
    filledAt = now;
    if (level < 1) return false;
    level -= 1;
    return true;
  };
  const fetch = async (): Promise<Token> => {
    counts.sts += 1;
    counts.inFlight += 1;
    counts.peak = Math.max(counts.peak, counts.inFlight);
    try {
      await pause(callMs);
      if (!takeOne()) {
        counts.throttled += 1;
        throw new FetchFailure('throttled', 'x', 'x');
      }
      await pause(callMs);
      const issued = Math.ceil(clock.now() / 1_000);
      return aToken({ issued, expires: issued + twelveHours });
    } finally {
      counts.inFlight -= 1;
    }
  };
  const sources = new Map<string, TokenSource>();
  const served = new Set<string>();
  /** As a worker would: looks again when woken, and when a failure's time has come. */
  const look = (key: string): void => {
    const source = sources.get(key);
    if (source === undefined) throw new Error(`no ${key}`);
    const state = cache.peek(source, key);
    if (state.kind === 'fresh') served.add(key);
    if (state.kind === 'failed') clock.setTimer(Math.max(0, state.retryAt - clock.now()), () => look(key));
  };
  const cache = new TokenCache({
    clock,
    fetcher: { fetch },
    metrics: new RecordedMetrics(),
    log: new RecordedLog(),
    refresh: { atFraction: 0.5, spread: 0.1, maxAge: null },
    concurrency: 8,
    wake: look,
  });
  const ask = (key: string, source: TokenSource) => {
    sources.set(key, source);
    look(key);
  };
  return { clock, counts, served, ask };
}

test('five a second: a hundred identities are served within 25 s, and at most five calls more than needed are made', async () => {
  const { clock, counts, served, ask } = aWorld({ perSecond: 5, burst: 5, callMs: 5 });
  for (let index = 0; index < 100; index += 1) ask(`team-${index}`, sourceOf(index));
  await clock.advance(25_000);
  expect(served.size).toBe(100);
  expect(counts.throttled).toBeLessThanOrEqual(5);
  expect(counts.sts).toBe(100 + counts.throttled);
  expect(counts.peak).toBeLessThanOrEqual(8);
});

test('no limit: nothing waits but for a free slot', async () => {
  const { clock, counts, served, ask } = aWorld({ perSecond: 1_000, burst: 1_000, callMs: 5 });
  for (let index = 0; index < 100; index += 1) ask(`team-${index}`, sourceOf(index));
  await clock.advance(10 * Math.ceil(100 / 8));
  expect(served.size).toBe(100);
  expect(counts).toMatchObject({ sts: 100, throttled: 0, peak: 8 });
});

test.each<[string, Limit]>([
  ['twenty a second', { perSecond: 20, burst: 20, callMs: 20 }],
  ['a large burst, then ten a second', { perSecond: 10, burst: 60, callMs: 5 }],
  ['two a second', { perSecond: 2, burst: 2, callMs: 5 }],
  ['slow calls', { perSecond: 5, burst: 5, callMs: 400 }],
])('%s: all are served in at most one and a half times what the limit allows', async (_, limit) => {
  const { clock, counts, served, ask } = aWorld(limit);
  for (let index = 0; index < 100; index += 1) ask(`team-${index}`, sourceOf(index));
  await clock.advance(1_500 * ((100 - limit.burst) / limit.perSecond) + 5_000);
  expect(served.size).toBe(100);
  expect(counts.throttled).toBeLessThanOrEqual(30);
});

test('an account that is throttled delays no other account', async () => {
  const { clock, served, ask } = aWorld({ perSecond: 5, burst: 8, callMs: 5 });
  for (let index = 0; index < 30; index += 1) ask(`team-${index}`, sourceOf(index));
  await clock.advance(500);
  expect(served.size).toBeLessThan(12);
  ask('other', sourceOf(1, '444455556666'));
  await clock.advance(15);
  expect(served).toContain('other');
});

test('what was learned is forgotten when it has not mattered for a minute', async () => {
  const { clock, served, ask } = aWorld({ perSecond: 5, burst: 8, callMs: 5 });
  for (let index = 0; index < 12; index += 1) ask(`team-${index}`, sourceOf(index));
  await clock.advance(10_000);
  expect(served.size).toBe(12);
  await clock.advance(61_000);
  for (let index = 20; index < 25; index += 1) ask(`team-${index}`, sourceOf(index));
  await clock.advance(11);
  expect(served.size).toBe(17);
});
