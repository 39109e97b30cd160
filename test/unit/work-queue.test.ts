// What the work queue hands out, in which order and to whom. Its timer is tested in work-queue-timer.test.ts, any sequence
// of calls in work-queue-model.test.ts.
import { describe, expect, test } from 'vitest';
import { WorkQueue } from '../../src/controller/work-queue.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordedMetrics } from '../support/model-ports.ts';
import { Hands } from '../support/queue-hands.ts';

function aQueue() {
  const clock = new ManualClock();
  const metrics = new RecordedMetrics();
  const queue = new WorkQueue({ clock, metrics });
  const hands = new Hands(queue);
  return { clock, metrics, queue, hands, settle: () => clock.settle() };
}

describe('a key', () => {
  test('is handed out once, however often and in whatever lane it was added', async () => {
    const { queue, hands } = aQueue();
    for (let time = 0; time < 5; time += 1) {
      queue.add('a', 'routine');
      queue.add('a', 'urgent');
    }
    expect(await hands.empty()).toEqual(['a']);
  });

  test('is handed to a worker that was waiting for it', async () => {
    const { queue, hands, settle } = aQueue();
    hands.reach();
    await settle();
    expect(hands.taken).toEqual([]);
    queue.add('a', 'routine');
    await settle();
    expect(hands.taken).toEqual(['a']);
  });

  test('is never with two workers at once', async () => {
    const { queue, hands, settle } = aQueue();
    for (let hand = 0; hand < 3; hand += 1) hands.reach();
    queue.add('a', 'urgent');
    queue.add('a', 'urgent');
    await settle();
    queue.add('a', 'routine');
    await settle();
    expect(hands.held).toEqual(['a']);
  });

  test('that was added while worked on comes again, once, when that work has ended', async () => {
    const { queue, hands, settle } = aQueue();
    hands.reach();
    hands.reach();
    queue.add('a', 'urgent');
    await settle();
    queue.add('a', 'routine');
    queue.add('a', 'routine');
    await settle();
    expect(hands.taken).toEqual(['a']);
    hands.end('a');
    await settle();
    expect(hands.taken).toEqual(['a', 'a']);
    hands.end('a');
    expect(await hands.empty()).toEqual([]);
  });

  test('that was not added again does not come again', async () => {
    const { queue, hands } = aQueue();
    queue.add('a', 'urgent');
    expect(await hands.empty()).toEqual(['a']);
    expect(await hands.empty()).toEqual([]);
  });

  test.each([
    { asked: ['routine', 'urgent'], expected: ['again', 'other'] },
    { asked: ['urgent', 'routine'], expected: ['again', 'other'] },
    { asked: ['routine', 'routine'], expected: ['other', 'again'] },
  ] as const)(
    'that was added while worked on as $asked waits in the more urgent of these lanes',
    async ({ asked, expected }) => {
      const { queue, hands, settle } = aQueue();
      queue.add('again', 'routine');
      hands.reach();
      await settle();
      queue.add('other', 'routine');
      for (const lane of asked) queue.add('again', lane);
      hands.end('again');
      expect(await hands.empty()).toEqual(expected);
    },
  );

  test('that came again by one urgent request is not urgent for ever', async () => {
    const { queue, hands, settle } = aQueue();
    queue.add('a', 'routine');
    hands.reach();
    await settle();
    queue.add('a', 'urgent');
    hands.end('a');
    await hands.empty();
    queue.add('other', 'routine');
    queue.add('a', 'routine');
    expect(await hands.empty()).toEqual(['other', 'a']);
  });
});

describe('the order of work', () => {
  test('is the order in which keys were added', async () => {
    const { queue, hands } = aQueue();
    for (const key of ['c', 'a', 'b', 'a']) queue.add(key, 'routine');
    expect(await hands.empty()).toEqual(['c', 'a', 'b']);
  });

  test('puts urgent before routine, whichever came first', async () => {
    const { queue, hands } = aQueue();
    for (let index = 0; index < 1_000; index += 1) queue.add(`routine-${index}`, 'routine');
    queue.add('new-namespace', 'urgent');
    expect((await hands.empty()).slice(0, 2)).toEqual(['new-namespace', 'routine-0']);
  });

  test('moves a routine key up that becomes urgent, and it still comes once', async () => {
    const { queue, hands } = aQueue();
    for (const key of ['a', 'b', 'c']) queue.add(key, 'routine');
    queue.add('c', 'urgent');
    expect(await hands.empty()).toEqual(['c', 'a', 'b']);
  });

  test('does not move an urgent key down that is added as routine', async () => {
    const { queue, hands } = aQueue();
    queue.add('a', 'urgent');
    queue.add('b', 'urgent');
    queue.add('a', 'routine');
    expect(await hands.empty()).toEqual(['a', 'b']);
  });

  test('stays the same, and every key comes once, for ten thousand keys', async () => {
    const { queue, hands } = aQueue();
    const keys = Array.from({ length: 10_000 }, (_, index) => `namespace-${index}`);
    for (const key of keys) queue.add(key, 'routine');
    for (const key of keys) queue.add(key, 'routine');
    expect(await hands.empty()).toEqual(keys);
  });
});

describe('a key that is woken', () => {
  test.each([
    { lane: 'urgent', expected: ['a', 'other'] },
    { lane: 'routine', expected: ['other', 'a'] },
  ] as const)('waits in the lane that it was last taken from: $lane', async ({ lane, expected }) => {
    const { queue, hands } = aQueue();
    queue.add('a', lane);
    await hands.empty();
    queue.add('other', 'routine');
    queue.wake('a');
    expect(await hands.empty()).toEqual(expected);
  });

  test('follows the newest lane, not an older one', async () => {
    const { queue, hands } = aQueue();
    queue.add('a', 'urgent');
    await hands.empty();
    queue.add('a', 'routine');
    await hands.empty();
    queue.add('other', 'routine');
    queue.wake('a');
    expect(await hands.empty()).toEqual(['other', 'a']);
  });

  test('is routine where it was never taken, or was forgotten', async () => {
    const { queue, hands } = aQueue();
    queue.add('forgotten', 'urgent');
    await hands.empty();
    queue.forget('forgotten');
    queue.add('other', 'routine');
    queue.wake('forgotten');
    queue.wake('unknown');
    expect(await hands.empty()).toEqual(['other', 'forgotten', 'unknown']);
  });

  test('while it is worked on comes again', async () => {
    const { queue, hands, settle } = aQueue();
    queue.add('a', 'urgent');
    hands.reach();
    await settle();
    queue.wake('a');
    hands.end('a');
    expect(await hands.empty()).toEqual(['a']);
  });
});

describe('closing', () => {
  test('tells every worker that waits, and those who ask later', async () => {
    const { queue, hands, settle } = aQueue();
    hands.reach();
    hands.reach();
    queue.close();
    await settle();
    expect(hands.ended).toBe(2);
    hands.reach();
    await settle();
    expect([hands.ended, hands.taken]).toEqual([3, []]);
  });

  test('hands out nothing more: neither what was queued, nor added, nor scheduled, nor asked for again', async () => {
    const { clock, metrics, queue, hands, settle } = aQueue();
    hands.reach();
    queue.add('in hand', 'urgent');
    await settle();
    queue.add('in hand', 'urgent');
    queue.add('queued', 'urgent');
    queue.addAt('scheduled', clock.now() + 1_000);
    queue.close();
    hands.end('in hand');
    queue.add('late', 'urgent');
    queue.wake('later');
    queue.addAt('latest', clock.now());
    hands.reach();
    expect(clock.timers).toEqual([]);
    await clock.advance(3_600_000);
    expect([hands.taken, hands.ended, metrics.depths.get('urgent')]).toEqual([['in hand'], 1, 1]);
  });
});

describe('what can be seen of the queue', () => {
  test('its depth by lane, at any time', async () => {
    const { metrics, queue, hands } = aQueue();
    queue.add('a', 'routine');
    queue.add('b', 'routine');
    queue.add('b', 'urgent');
    queue.add('c', 'urgent');
    expect(Object.fromEntries(metrics.depths)).toEqual({ urgent: 2, routine: 1 });
    await hands.empty();
    expect(Object.fromEntries(metrics.depths)).toEqual({ urgent: 0, routine: 0 });
  });

  test('it is idle when nothing is queued or worked on; what is scheduled does not count', async () => {
    const { clock, queue, hands, settle } = aQueue();
    queue.addAt('later', clock.now() + 1_000);
    expect(queue.idle).toBe(true);
    queue.add('a', 'routine');
    expect(queue.idle).toBe(false);
    hands.reach();
    await settle();
    expect(queue.idle).toBe(false);
    hands.end('a');
    expect(queue.idle).toBe(true);
  });
});
