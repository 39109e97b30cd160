// Which of the waiting AWS calls the token cache begins, and how many at once: nobody is held up by another's.
import { describe, expect, test } from 'vitest';
import { aCache, inRegion, ofRole } from '../support/token-cache-scene.ts';

describe('the calls in flight', () => {
  test('are never more than configured; the others follow in the order in which they were asked for', async () => {
    const { clock, fetcher, issue, peek } = aCache({ concurrency: 3 });
    const sources = Array.from({ length: 20 }, (_, index) => ofRole(`role-${index}`));
    for (const [index, one] of sources.entries()) peek(`team-${index}`, one);
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
    for (let region = 0; region < 20; region += 1) peek(`team-${region}`, inRegion(`hangs-${region}`));
    expect(fetcher.inFlight).toBe(6);
    for (const name of ['one', 'two', 'three']) {
      peek('team-b', ofRole(name));
      await answer(name);
      expect(peek('team-b', ofRole(name))).toEqual(['fresh', name]);
    }
  });

  test('for one namespace leave room for others with the same identity, though it names fifty regions that hang', async () => {
    const { fetcher, answer, peek } = aCache({ concurrency: 8 });
    for (let region = 0; region < 50; region += 1) peek('hostile', inRegion(`hangs-${region}`));
    expect(fetcher.inFlight).toBe(4);
    peek('team-b', inRegion('good'));
    await answer('good');
    expect(peek('team-b', inRegion('good'))).toEqual(['fresh', 'good']);
  });

  test('are shared out: who has the fewest comes next, however long the others have waited', async () => {
    const { clock, fetcher, issue, peek } = aCache({ concurrency: 8 });
    for (const name of ['hostile-a', 'hostile-b']) {
      for (let role = 0; role < 50; role += 1) peek(name, ofRole(`${name}-${role}`));
    }
    expect(fetcher.inFlight).toBe(8);
    peek('team-b', ofRole('good'));
    fetcher.calls[0]?.answer(issue('one that hung'));
    await clock.settle();
    expect(fetcher.last.source).toEqual(ofRole('good'));
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
