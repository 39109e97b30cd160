// Scheduled keys in special moments: those that are tried again, and a wall clock that jumps. Moments come from the manual
// clock; no test looks at the real one. The ordinary ones are in work-queue-timer.test.ts.
import { describe, expect, test } from 'vitest';
import { WorkQueue } from '../../src/controller/work-queue.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordedMetrics } from '../support/model-ports.ts';
import { Hands } from '../support/queue-hands.ts';

const minute = 60_000;
const hour = 60 * minute;

function aQueue() {
  const clock = new ManualClock();
  const queue = new WorkQueue({ clock, metrics: new RecordedMetrics() });
  const hands = new Hands(queue);
  for (let hand = 0; hand < 5; hand += 1) hands.reach();
  const start = clock.now();
  return { clock, queue, hands, schedule: (key: string, ms: number) => queue.addAt(key, start + ms) };
}

describe('a key that is tried again', () => {
  /** What is handed out first: the key that is tried again, or one that is routine and was there before. */
  const firstOf = async (lane: 'urgent' | 'routine', act: (queue: WorkQueue, at: number) => void) => {
    const clock = new ManualClock();
    const queue = new WorkQueue({ clock, metrics: new RecordedMetrics() });
    queue.add('a', lane);
    queue.done((await queue.next()) ?? '');
    act(queue, clock.now() + minute);
    queue.add('other', 'routine');
    await clock.advance(minute);
    return (await new Hands(queue).empty())[0];
  };

  test.each([
    ['urgent', 'a'],
    ['routine', 'other'],
  ] as const)('waits as before, where it was %s', async (lane, first) => {
    expect(await firstOf(lane, (queue, at) => queue.retryAt('a', at))).toBe(first);
  });

  test('and then got another time is routine: the newest call counts', async () => {
    const act = (queue: WorkQueue, at: number) => {
      queue.retryAt('a', at - 1);
      queue.addAt('a', at);
    };
    expect(await firstOf('urgent', act)).toBe('other');
  });

  test('comes once, and is forgotten as others are', async () => {
    const { clock, queue, hands } = aQueue();
    for (const key of ['a', 'b']) queue.retryAt(key, clock.now() + minute);
    queue.forget('b');
    await clock.advance(hour);
    expect(hands.taken).toEqual(['a']);
  });
});

describe('when the wall clock jumps', () => {
  test.each([
    ['forward to the very moment', 6 * hour],
    ['forward by a day, as after the machine was suspended', 24 * hour],
  ])('%s, what has become due runs within ten minutes', async (_, jump) => {
    const { clock, hands, schedule } = aQueue();
    schedule('a', 5 * hour);
    schedule('b', 6 * hour);
    clock.jump(jump);
    await clock.advance(10 * minute);
    expect(hands.taken).toEqual(['a', 'b']);
  });

  test('forward, what is not due yet is not looked at for that, and comes at its time of the new clock', async () => {
    const { clock, hands, schedule } = aQueue();
    schedule('a', 6 * hour);
    clock.jump(5 * hour);
    await clock.advance(hour - 1);
    expect(hands.taken).toEqual([]);
    await clock.advance(1);
    expect(hands.taken).toEqual(['a']);
  });

  test('forward, keys that are scheduled meanwhile do not put off the others', async () => {
    const { clock, queue, hands, schedule } = aQueue();
    schedule('a', 5 * hour);
    clock.jump(24 * hour);
    for (let passed = 0; passed < 10; passed += 1) {
      queue.addAt('restless', clock.now() + hour);
      await clock.advance(minute);
    }
    expect(hands.taken).toEqual(['a']);
  });

  // Their times came from a clock that ran ahead: only a new look can tell what they should be.
  test('backward, every key is looked at within ten minutes, once', async () => {
    const { clock, hands, schedule } = aQueue();
    schedule('a', 5 * hour);
    schedule('b', hour);
    clock.jump(-2 * hour);
    await clock.advance(10 * minute);
    expect(hands.taken).toEqual(['b', 'a']);
    hands.taken.forEach((key) => hands.end(key));
    await clock.advance(24 * hour);
    expect(hands.taken).toEqual(['b', 'a']);
  });

  test('backward, keys that are scheduled afterwards keep their times', async () => {
    const { clock, queue, hands, schedule } = aQueue();
    schedule('a', hour);
    clock.jump(-2 * hour);
    await clock.advance(10 * minute);
    hands.end('a');
    queue.addAt('b', clock.now() + 3 * hour);
    await clock.advance(3 * hour - 1);
    expect(hands.taken).toEqual(['a']);
    await clock.advance(1);
    expect(hands.taken).toEqual(['a', 'b']);
  });

  test('backward by a few seconds, as clocks are kept in time, nothing comes early by the new clock', async () => {
    const { clock, hands, schedule } = aQueue();
    schedule('a', hour);
    clock.jump(-5_000);
    await clock.advance(hour + 4_999);
    expect(hands.taken).toEqual([]);
    await clock.advance(1);
    expect(hands.taken).toEqual(['a']);
  });

  test('to and fro, a key still comes once', async () => {
    const { clock, hands, schedule } = aQueue();
    schedule('a', hour);
    clock.jump(2 * hour);
    await clock.advance(10 * minute);
    hands.end('a');
    clock.jump(-2 * hour);
    await clock.advance(5 * hour);
    expect(hands.taken).toEqual(['a']);
  });
});
