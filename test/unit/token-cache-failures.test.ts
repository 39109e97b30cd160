// The token cache while AWS gives no token: one back-off for each token, shared by all namespaces, its length by the kind
// of failure; what is still usable; and no token text anywhere.
import { describe, expect, test } from 'vitest';
import { TokenCache } from '../../src/controller/token-cache.ts';
import { FetchFailure, type FetchFailureReason } from '../../src/domain/errors.ts';
import type { TokenSource } from '../../src/domain/token.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { ModelFetcher, RecordedLog, RecordedMetrics } from '../support/model-ports.ts';
import { aDefaultIdentity, aRole, aToken, twelveHours } from '../support/views.ts';

const source: TokenSource = { identity: aDefaultIdentity(), service: 'private', region: 'eu-west-1' };
const failure = (reason: FetchFailureReason) => new FetchFailure(reason, `ecr: ${reason}`, `cure ${reason}`);
const almostOne = 1 - 2 ** -53;

function aCache(random = 0.5) {
  const clock = new ManualClock({ random });
  const fetcher = new ModelFetcher(() => clock.monotonic());
  const metrics = new RecordedMetrics();
  const log = new RecordedLog();
  const woken: string[] = [];
  const refresh = { atFraction: 0.5, spread: 0.1, maxAge: null };
  const wake = (key: string) => void woken.push(key);
  const cache = new TokenCache({ clock, fetcher, metrics, log, refresh, concurrency: 8, wake });
  const peek = (waiter = 'team-a', from = source) => cache.peek(from, waiter);
  const answer = async (life = twelveHours, password = 'a-password') => {
    const issued = Math.ceil(clock.now() / 1_000);
    fetcher.last.answer(aToken({ password, issued, expires: issued + life }));
    await clock.settle();
  };
  /** Asks, lets the call fail with this, and says how long the back-off is, in ms. */
  const fail = async (error: unknown) => {
    expect(peek().kind).toBe('pending');
    fetcher.last.fail(error);
    await clock.settle();
    const state = peek();
    if (state.kind !== 'failed') throw new Error(`${state.kind} after a failure`);
    return state.retryAt - clock.now();
  };
  /** Lets these fail, each as soon as it is tried again; in seconds, rounded. */
  const delaysOf = async (errors: readonly unknown[]) => {
    const delays: number[] = [];
    for (const error of errors) {
      const delay = await fail(error);
      delays.push(Math.round(delay / 10) / 100);
      await clock.advance(Math.ceil(delay));
    }
    return delays;
  };
  return { clock, fetcher, metrics, log, woken, peek, answer, fail, delaysOf };
}

const times = (count: number, error: unknown) => Array.from({ length: count }, () => error);
const lasting = [30, 60, 120, 240, 480, 900, 900];
const transient = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
const schedules: Readonly<Record<FetchFailureReason, readonly number[]>> = {
  denied: lasting,
  configuration: lasting,
  throttled: transient,
  unavailable: transient,
  timeout: transient,
  'invalid-answer': transient,
};

describe('the back-off of a token', () => {
  test.each(Object.entries(schedules) as [FetchFailureReason, readonly number[]][])(
    'after %s doubles with each failure in a row: %j s',
    async (reason, expected) => {
      const { delaysOf } = aCache(almostOne);
      expect(await delaysOf(times(expected.length, failure(reason)))).toEqual(expected);
    },
  );

  test('is spread by chance over the upper half', async () => {
    expect(await aCache(0).delaysOf(times(3, failure('denied')))).toEqual([15, 30, 60]);
    expect(await aCache(0.5).delaysOf(times(3, failure('denied')))).toEqual([22.5, 45, 90]);
  });

  test('begins anew after a success', async () => {
    const { clock, peek, answer, delaysOf } = aCache(almostOne);
    await delaysOf(times(4, failure('denied')));
    peek();
    await answer();
    await clock.advance((twelveHours / 2) * 1_000);
    expect(await delaysOf(times(2, failure('denied')))).toEqual([30, 60]);
  });

  test('of a denial starts at its own 30 s, also right after a long outage', async () => {
    const { delaysOf } = aCache(almostOne);
    await delaysOf(times(12, failure('unavailable')));
    expect(await delaysOf([failure('denied'), failure('denied')])).toEqual([30, 60]);
  });

  test('is shared: however many namespaces ask during it, AWS is not asked and all hear the same', async () => {
    const { clock, fetcher, peek, fail } = aCache();
    const delay = await fail(failure('denied'));
    const first = peek();
    for (let index = 0; index < 500; index += 1) expect(peek(`team-${index}`)).toEqual(first);
    await clock.advance(delay - 1);
    expect(peek()).toEqual(first);
    expect(fetcher.calls).toHaveLength(1);
    await clock.advance(1);
    for (let index = 0; index < 500; index += 1) expect(peek(`team-${index}`).kind).toBe('pending');
    expect(fetcher.calls).toHaveLength(2);
  });

  test('is over at once where the clock is set back: no wait may be longer than the longest', async () => {
    const { clock, fetcher, peek, fail } = aCache();
    await fail(failure('timeout'));
    clock.jump(-24 * 60 * 60_000);
    expect(peek().kind).toBe('pending');
    expect(fetcher.calls).toHaveLength(2);
  });

  test('holds up no other identity and no other region', async () => {
    const { fetcher, peek, answer, fail } = aCache();
    await fail(failure('denied'));
    for (const other of [
      { ...source, region: 'us-east-1' },
      { ...source, identity: aRole() },
    ]) {
      expect(peek('team-b', other).kind).toBe('pending');
      await answer();
      expect(peek('team-b', other).kind).toBe('fresh');
    }
    expect(fetcher.calls).toHaveLength(3);
  });

  test('wakes nobody by itself, and a settled failure wakes each who asked, once', async () => {
    const { clock, fetcher, woken, peek } = aCache();
    for (const name of ['team-a', 'team-b', 'team-a']) peek(name);
    fetcher.last.fail(failure('throttled'));
    await clock.settle();
    peek('team-c');
    await clock.advance(3_600_000);
    expect([woken, clock.timers]).toEqual([['team-a', 'team-b'], []]);
  });
});

describe('while AWS gives no token', () => {
  test('the older one is handed out until it expires, and not after', async () => {
    const { clock, peek, answer, fail } = aCache();
    peek();
    await answer(1_000, 'older');
    await clock.advance(600_000);
    await fail(failure('denied'));
    expect(peek().token?.password.reveal()).toBe('older');
    await clock.advance(399_999);
    await fail(failure('denied'));
    expect(peek().token?.password.reveal()).toBe('older');
    await clock.advance(1);
    expect(peek()).toMatchObject({ kind: 'failed' });
    expect(peek().token).toBeUndefined();
  });

  test('the reason is told in the words of the cure', async () => {
    const { peek, fail } = aCache();
    await fail(failure('denied'));
    expect(peek()).toMatchObject({ kind: 'failed', why: 'cure denied' });
  });

  test.each([0, -1, -100_000])(
    'a token with a life of %i s is a failure and not handed out',
    async (life) => {
      const { clock, fetcher, metrics, peek, answer } = aCache();
      peek();
      await answer(life);
      expect(peek()).toMatchObject({ kind: 'failed', retryAt: clock.now() + 750 });
      expect(peek().token).toBeUndefined();
      expect(metrics.all).toEqual({ 'fetched invalid-answer': 1 });
      expect(fetcher.calls).toHaveLength(1);
    },
  );

  test.each<[string, unknown]>([
    ['an Error', new TypeError('the-hidden-text')],
    ['a string', 'the-hidden-text'],
    ['undefined', undefined],
    ['null', null],
  ])(
    '%s that nobody foresaw is a failure like others, counted as a bug, and its text is not shown',
    async (_, thrown) => {
      const { log, metrics, peek, answer, clock, fail } = aCache();
      const delay = await fail(thrown);
      expect(delay).toBe(750);
      expect(log.text + JSON.stringify([peek(), metrics.all])).not.toContain('the-hidden-text');
      expect(metrics.all).toEqual({ 'fetched unavailable': 1, bug: 1 });
      await clock.advance(delay);
      peek();
      await answer();
      expect(peek().kind).toBe('fresh');
    },
  );

  test('a fetcher that throws at once is a failure too', async () => {
    const { clock, fetcher, woken, peek } = aCache();
    fetcher.reply = () => {
      throw failure('throttled');
    };
    peek();
    await clock.settle();
    expect([peek().kind, woken]).toEqual(['failed', ['team-a']]);
  });
});

describe('what can be seen', () => {
  test('each call is counted by its result, with the time it took', async () => {
    const { clock, fetcher, metrics, peek, answer } = aCache();
    peek();
    await clock.advance(2_500);
    fetcher.last.fail(failure('timeout'));
    await clock.advance(1_000);
    peek();
    await clock.advance(250);
    await answer();
    expect(metrics.all).toEqual({ 'fetched timeout': 1, 'fetched ok': 1 });
    expect(metrics.seconds).toEqual([2.5, 0.25]);
  });

  test('each call is one line: who asked where, and the cure', async () => {
    const { clock, log, answer, peek, fail } = aCache();
    await clock.advance(await fail(failure('denied')));
    peek();
    await answer();
    expect(log.lines).toMatchObject([
      {
        level: 'warn',
        message: 'no token',
        fields: { identity: 'the default AWS credentials', region: 'eu-west-1', advice: 'cure denied' },
      },
      { level: 'info', message: 'token fetched', fields: { region: 'eu-west-1' } },
    ]);
  });

  test('no text of a token is in any line or metric, whether it was taken or refused', async () => {
    const { clock, log, metrics, peek, answer, fail } = aCache();
    peek();
    await answer(0, 'the-hidden-text');
    await clock.advance(1_000);
    peek();
    await answer(100, 'the-hidden-text');
    await clock.advance(60_000);
    await fail(failure('denied'));
    expect(log.lines).toHaveLength(3);
    expect(log.text + JSON.stringify([log.lines, metrics.all])).not.toContain('the-hidden-text');
  });
});
