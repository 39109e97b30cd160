// What the token cache holds without being asked to fetch anything: for comparing what stands in the cluster. What it fetches
// when it is asked is in token-cache.test.ts.
import { expect, test } from 'vitest';
import { TokenCache } from '../../src/controller/token-cache.ts';
import type { TokenSource } from '../../src/domain/token.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ModelFetcher, RecordedLog, RecordedMetrics } from '../support/model-ports.ts';
import { aDefaultIdentity, aToken, midnight, twelveHours } from '../support/views.ts';

const source: TokenSource = { identity: aDefaultIdentity(), service: 'private', region: 'eu-west-1' };
const life = twelveHours * 1_000;

/** A cache that was asked for one token at midnight, and got it. */
async function holding() {
  const clock = new ManualClock({ now: midnight * 1_000 });
  const fetcher = new ModelFetcher(() => clock.monotonic());
  const cache = new TokenCache({
    clock,
    fetcher,
    metrics: new RecordedMetrics(),
    log: new RecordedLog(),
    refresh: { atFraction: 0.5, spread: 0, maxAge: null },
    concurrency: 8,
    wake: () => {},
  });
  const token = aToken();
  fetcher.reply = () => token;
  cache.peek(source, 'team-a');
  await clock.settle();
  return { clock, fetcher, cache, token };
}

test('nothing is held that was never fetched, and nothing is fetched for that', async () => {
  const { fetcher, cache } = await holding();
  expect(cache.held({ ...source, region: 'us-east-1' })).toBeUndefined();
  expect(fetcher.calls).toHaveLength(1);
});

test('a token is held until it expires, also when it is due, and nothing is fetched for that', async () => {
  const { clock, fetcher, cache, token } = await holding();
  for (const passed of [0, life / 2, life / 2 - 1]) {
    await clock.advance(passed);
    expect(cache.held(source)).toBe(token);
  }
  await clock.advance(1);
  expect(cache.held(source)).toBeUndefined();
  expect(fetcher.calls).toHaveLength(1);
});

test('a token is held while a newer one is under way', async () => {
  const { clock, fetcher, cache, token } = await holding();
  fetcher.reply = undefined;
  await clock.advance(life / 2);
  expect(cache.peek(source, 'team-a').kind).toBe('pending');
  expect(cache.held(source)).toBe(token);
});
