// The token cache while AWS answers: who asks AWS, how often, how many at once, and what is handed out. Failures and
// back-off are in token-cache-failures.test.ts. AWS answers when the test says so.
import { describe, expect, test } from 'vitest';
import { TokenCache } from '../../src/controller/token-cache.ts';
import type { TokenSource } from '../../src/domain/token.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type FetchCall, ModelFetcher, RecordedLog, RecordedMetrics } from '../support/model-ports.ts';
import { aCache, inRegion, source } from '../support/token-cache-scene.ts';
import { aDefaultIdentity, aRole, aToken, twelveHours } from '../support/views.ts';

describe('one call for many', () => {
  test('a thousand namespaces that ask at once are one call, and each is woken once when it has answered', async () => {
    const { fetcher, woken, answer, peek } = aCache();
    const namespaces = Array.from({ length: 1_000 }, (_, index) => `team-${index}`);
    for (const name of [...namespaces, ...namespaces]) expect(peek(name)).toEqual(['pending', undefined]);
    expect(fetcher.calls).toHaveLength(1);
    expect(woken).toEqual([]);
    await answer('first');
    expect(woken).toEqual(namespaces);
    for (const name of namespaces) expect(peek(name)).toEqual(['fresh', 'first']);
    expect(fetcher.calls).toHaveLength(1);
  });

  test('nobody is woken again by a later call that they did not ask for', async () => {
    const { clock, woken, answer, peek } = aCache();
    peek('team-a');
    await answer('first');
    await clock.advance((twelveHours / 2) * 1_000);
    peek('team-b');
    await answer('second');
    expect(woken).toEqual(['team-a', 'team-b']);
  });

  test.each<[string, (call: FetchCall) => void, string]>([
    ['token', (call) => call.answer(aToken({ expires: 2 ** 32 })), 'fresh'],
    ['failure', (call) => call.fail(new Error('x')), 'failed'],
  ])('who is woken finds the %s, also where it looks at once', async (_, settle, kind) => {
    const clock = new ManualClock();
    const fetcher = new ModelFetcher(() => clock.monotonic());
    const found: string[] = [];
    const cache: TokenCache = new TokenCache({
      clock,
      fetcher,
      metrics: new RecordedMetrics(),
      log: new RecordedLog(),
      refresh: { atFraction: 0.5, spread: 0, maxAge: null },
      concurrency: 1,
      wake: (key) => void found.push(cache.peek(source, key).kind),
    });
    cache.peek(source, 'team-a');
    settle(fetcher.last);
    await clock.settle();
    expect(found).toEqual([kind]);
  });

  test('the order of fields in an identity makes no second call, another object with the same content neither', () => {
    const { fetcher, peek } = aCache();
    const { sessionName, ...rest } = aDefaultIdentity();
    peek('team-a');
    peek('team-b', { region: source.region, service: 'private', identity: { sessionName, ...rest } });
    expect(fetcher.calls).toHaveLength(1);
  });

  test.each<[string, TokenSource]>([
    ['another region', inRegion('us-east-1')],
    ['a role', { ...source, identity: aRole() }],
    [
      'the same role of another base',
      { ...source, identity: aRole({ base: aDefaultIdentity({ profile: 'x' }) }) },
    ],
    ['another session name', { ...source, identity: aDefaultIdentity({ sessionName: 'other' }) }],
  ])('%s is another token, and never gets this one', async (_, other) => {
    const { fetcher, answer, peek } = aCache();
    peek('team-a');
    await answer('first');
    expect(peek('team-a', other)).toEqual(['pending', undefined]);
    expect(fetcher.last.source).toEqual(other);
    await answer('second');
    expect([peek('team-a'), peek('team-a', other)]).toEqual([
      ['fresh', 'first'],
      ['fresh', 'second'],
    ]);
  });
});

describe('a token', () => {
  test('is fresh until it is due, then pending with the older one, which still opens the registry', async () => {
    const { clock, fetcher, answer, peek } = aCache();
    peek();
    await answer('first');
    await clock.advance((twelveHours / 2) * 1_000 - 1);
    expect(peek()).toEqual(['fresh', 'first']);
    expect(fetcher.calls).toHaveLength(1);
    await clock.advance(1);
    expect(peek()).toEqual(['pending', 'first']);
    expect(fetcher.calls).toHaveLength(2);
    await answer('second');
    expect(peek()).toEqual(['fresh', 'second']);
  });

  test('is due earlier where its age is bounded', async () => {
    const { clock, answer, peek } = aCache({ maxAge: 600 });
    peek();
    await answer('first');
    await clock.advance(599_999);
    expect(peek()).toEqual(['fresh', 'first']);
    await clock.advance(1);
    expect(peek()).toEqual(['pending', 'first']);
  });

  test('that has expired is not handed out while the next one is under way', async () => {
    const { clock, answer, peek } = aCache();
    peek();
    await answer('first');
    await clock.advance(twelveHours * 1_000 - 1);
    expect(peek()).toEqual(['pending', 'first']);
    await clock.advance(1);
    expect(peek()).toEqual(['pending', undefined]);
  });

  test('that is due is not fetched as long as nobody asks for it', async () => {
    const { clock, fetcher, answer, peek } = aCache();
    peek();
    await answer('first');
    await clock.advance(30 * twelveHours * 1_000);
    expect([fetcher.calls.length, clock.timers]).toEqual([1, []]);
  });

  test.each([1, 2, 3, 10])('with a life of %i s makes no two calls within a second', async (life) => {
    const { clock, fetcher, issue, peek } = aCache();
    for (let passed = 0; passed < 200; passed += 1) {
      peek();
      if (fetcher.inFlight > 0) fetcher.last.answer(issue('short', life));
      await clock.advance(50);
    }
    const times = fetcher.calls.map(({ at }) => at);
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(gaps.length).toBeGreaterThan(0);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
  });

  test('that has no second left when it comes is a failure: not handed out, and not asked for at once', async () => {
    const { clock, fetcher, cache, issue, peek } = aCache();
    await clock.advance(200);
    peek();
    // Expiry is rounded down to whole seconds: this one is good for 800 ms.
    fetcher.last.answer({ ...issue('short', 0), issued: Math.floor(clock.now() / 1_000) });
    await clock.settle();
    for (const later of [0, 400]) {
      await clock.advance(later);
      expect(cache.peek(source, 'team-a')).toMatchObject({
        kind: 'failed',
        why: expect.stringMatching(/clock/),
      });
      expect(cache.peek(source, 'team-a').token).toBeUndefined();
    }
    expect(fetcher.calls).toHaveLength(1);
  });
});
