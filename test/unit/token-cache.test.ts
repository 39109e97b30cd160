// The token cache while AWS answers: who asks AWS, how often, how many at once, and what is handed out. Failures and
// back-off are in token-cache-failures.test.ts. AWS answers when the test says so.
import { describe, expect, test } from 'vitest';
import { TokenCache } from '../../src/controller/token-cache.ts';
import type { TokenSource } from '../../src/domain/token.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type FetchCall, ModelFetcher, RecordedLog, RecordedMetrics } from '../support/model-ports.ts';
import { aDefaultIdentity, aRole, aToken, twelveHours } from '../support/views.ts';

const source: TokenSource = { identity: aDefaultIdentity(), service: 'private', region: 'eu-west-1' };
const inRegion = (region: string): TokenSource => ({ ...source, region });
const ofRole = (name: string): TokenSource => ({
  ...source,
  identity: aRole({ roleArn: `arn:aws:iam::111122223333:role/${name}` }),
});

function aCache({ concurrency = 8, maxAge = null as number | null } = {}) {
  const clock = new ManualClock();
  const fetcher = new ModelFetcher(() => clock.monotonic());
  const metrics = new RecordedMetrics();
  const log = new RecordedLog();
  const woken: string[] = [];
  const refresh = { atFraction: 0.5, spread: 0.1, maxAge };
  const wake = (key: string) => void woken.push(key);
  const cache = new TokenCache({ clock, fetcher, metrics, log, refresh, concurrency, wake });
  /** A token as AWS would issue it now; `life` in seconds. */
  const issue = (password: string, life = twelveHours) => {
    const issued = Math.ceil(clock.now() / 1_000);
    return aToken({ password, issued, expires: issued + life });
  };
  const answer = async (password: string, life?: number) => {
    fetcher.last.answer(issue(password, life));
    await clock.settle();
  };
  /** The kind of what there is, and the password with it. */
  const peek = (waiter = 'team-a', from = source) => {
    const state = cache.peek(from, waiter);
    return [state.kind, state.token?.password.reveal()];
  };
  return { clock, fetcher, metrics, log, woken, cache, issue, answer, peek };
}

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

describe('the calls in flight', () => {
  test('are never more than configured; the others follow in the order in which they were asked for', async () => {
    const { clock, fetcher, issue, peek } = aCache({ concurrency: 3 });
    const sources = Array.from({ length: 20 }, (_, index) => ofRole(`role-${index}`));
    for (const one of sources) peek('team-a', one);
    expect(fetcher.calls).toHaveLength(3);
    for (let index = 0; index < sources.length; index += 1) {
      expect(fetcher.inFlight).toBe(Math.min(3, sources.length - index));
      fetcher.calls[index]?.answer(issue(`password-${index}`));
      await clock.settle();
    }
    expect(fetcher.calls.map((call) => call.source)).toEqual(sources);
    expect(fetcher.mostInFlight).toBe(3);
  });

  test('of one identity leave room for others, though its AWS hangs in more regions than may be asked at once', async () => {
    const { fetcher, answer, peek } = aCache({ concurrency: 8 });
    for (let region = 0; region < 20; region += 1) peek('team-a', inRegion(`hangs-${region}`));
    expect(fetcher.inFlight).toBeLessThan(8);
    for (const name of ['one', 'two', 'three']) {
      peek('team-b', ofRole(name));
      await answer(name);
      expect(peek('team-b', ofRole(name))).toEqual(['fresh', name]);
    }
  });

  test('a call that waits for its turn is not queued twice', async () => {
    const { clock, fetcher, answer, peek } = aCache({ concurrency: 1 });
    peek('team-a', inRegion('first'));
    for (const name of ['team-a', 'team-b', 'team-c']) peek(name, inRegion('second'));
    await answer('one');
    await answer('two');
    await clock.settle();
    expect(fetcher.calls.map((call) => call.source.region)).toEqual(['first', 'second']);
  });

  test('one that never answers does not hold up the tokens of others', async () => {
    const { fetcher, answer, peek } = aCache({ concurrency: 2 });
    peek('team-a', inRegion('hangs'));
    for (const name of ['one', 'two', 'three']) {
      peek('team-b', ofRole(name));
      await answer(name);
      expect(peek('team-b', ofRole(name))).toEqual(['fresh', name]);
    }
    expect(fetcher.inFlight).toBe(1);
  });

  test('one that fails makes room for the next', async () => {
    const { clock, fetcher, peek } = aCache({ concurrency: 1 });
    for (const region of ['one', 'two', 'three']) peek('team-a', inRegion(region));
    fetcher.last.fail(new Error('x'));
    await clock.settle();
    fetcher.last.fail(new Error('x'));
    await clock.settle();
    expect(fetcher.calls.map((call) => call.source.region)).toEqual(['one', 'two', 'three']);
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
