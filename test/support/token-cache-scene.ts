// A token cache and everything around it on one manual clock: AWS answers when the test says so. Used by the tests of the cache.
import { TokenCache } from '../../src/controller/token-cache.ts';
import type { TokenSource } from '../../src/domain/token.ts';
import { ManualClock } from './manual-clock.ts';
import { ModelFetcher, RecordedLog, RecordedMetrics } from './model-ports.ts';
import { aDefaultIdentity, aRole, aToken, twelveHours } from './views.ts';

export const source: TokenSource = { identity: aDefaultIdentity(), service: 'private', region: 'eu-west-1' };
export const inRegion = (region: string): TokenSource => ({ ...source, region });
export const ofRole = (name: string): TokenSource => ({
  ...source,
  identity: aRole({ roleArn: `arn:aws:iam::111122223333:role/${name}` }),
});

/** The cache, its ports, and how to look and to answer. */
export function aCache({ concurrency = 8, maxAge = null as number | null } = {}) {
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
