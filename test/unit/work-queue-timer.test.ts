// When scheduled keys come: the newest time of each, and one timer for all. Moments come from the manual clock; no test looks
// at the real one. A wall clock that jumps, and keys that are tried again, are in work-queue-moments.test.ts.
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

describe('a scheduled key', () => {
  test('comes at its time, and not before', async () => {
    const { clock, hands, schedule } = aQueue();
    schedule('a', 25 * minute + 1);
    await clock.advance(25 * minute);
    expect(hands.taken).toEqual([]);
    await clock.advance(1);
    expect(hands.taken).toEqual(['a']);
  });

  test('comes once', async () => {
    const { clock, hands, schedule } = aQueue();
    schedule('a', minute);
    await clock.advance(minute);
    hands.end('a');
    await clock.advance(24 * hour);
    expect(hands.taken).toEqual(['a']);
  });

  test('comes at once where its time has passed already', async () => {
    const { clock, hands, schedule } = aQueue();
    schedule('a', -hour);
    await clock.advance(0);
    expect(hands.taken).toEqual(['a']);
  });

  test.each([
    { how: 'earlier', first: 2 * hour, newest: minute },
    { how: 'later', first: minute, newest: 2 * hour },
  ])('that is scheduled $how than before comes at the newest time only', async ({ first, newest }) => {
    const { clock, hands, schedule } = aQueue();
    schedule('a', first);
    schedule('a', newest);
    await clock.advance(newest - 1);
    expect(hands.taken).toEqual([]);
    await clock.advance(1);
    expect(hands.taken).toEqual(['a']);
    hands.end('a');
    await clock.advance(4 * hour);
    expect(hands.taken).toEqual(['a']);
  });

  test('comes in the order of the times, whatever the order of the calls', async () => {
    const { clock, hands, schedule } = aQueue();
    schedule('c', 3 * minute);
    schedule('a', minute);
    schedule('b', 2 * minute);
    await clock.advance(3 * minute);
    expect(hands.taken).toEqual(['a', 'b', 'c']);
  });

  test('is routine: urgent keys go before it', async () => {
    const clock = new ManualClock();
    const queue = new WorkQueue({ clock, metrics: new RecordedMetrics() });
    queue.addAt('scheduled', clock.now() + minute);
    await clock.advance(minute);
    queue.add('urgent', 'urgent');
    expect(await new Hands(queue).empty()).toEqual(['urgent', 'scheduled']);
  });

  test('that is worked on when its time comes runs again afterwards', async () => {
    const { clock, queue, hands, schedule } = aQueue();
    queue.add('a', 'urgent');
    schedule('a', minute);
    await clock.advance(minute);
    expect(hands.held).toEqual(['a']);
    hands.end('a');
    await clock.settle();
    expect(hands.taken).toEqual(['a', 'a']);
  });

  test('keeps its time when it is worked on before', async () => {
    const { clock, queue, hands, schedule } = aQueue();
    schedule('a', minute);
    queue.add('a', 'urgent');
    await clock.settle();
    hands.end('a');
    await clock.advance(minute);
    expect(hands.taken).toEqual(['a', 'a']);
  });

  test('with the time Infinity does not come by itself, also where it had a time before', async () => {
    const { clock, queue, hands, schedule } = aQueue();
    queue.addAt('b', Infinity);
    expect(clock.timers).toEqual([]);
    schedule('a', minute);
    queue.addAt('a', Infinity);
    await clock.advance(1_000 * hour);
    expect(hands.taken).toEqual([]);
    queue.add('a', 'urgent');
    await clock.settle();
    expect(hands.taken).toEqual(['a']);
  });

  test('that is forgotten does not come; the others do', async () => {
    const { clock, queue, hands, schedule } = aQueue();
    schedule('a', minute);
    schedule('b', 2 * minute);
    queue.forget('a');
    await clock.advance(hour);
    expect(hands.taken).toEqual(['b']);
  });
});

describe('the timer', () => {
  test('is one, however many keys are scheduled, and there is none where nothing is', () => {
    const { clock, schedule } = aQueue();
    expect(clock.timers).toEqual([]);
    for (let index = 0; index < 10_000; index += 1)
      schedule(`key-${index}`, minute + ((index * 7_919) % 10_000));
    expect(clock.timers).toEqual([minute]);
  });

  test('never sleeps longer than ten minutes', async () => {
    const { clock, hands, schedule } = aQueue();
    schedule('a', 6 * hour);
    for (let slept = 0; slept < 6 * hour; slept += 10 * minute) {
      expect(clock.timers).toEqual([10 * minute]);
      expect(hands.taken).toEqual([]);
      await clock.advance(10 * minute);
    }
    expect(hands.taken).toEqual(['a']);
    expect(clock.timers).toEqual([]);
  });

  test('is set anew for a key that is earlier than all others', async () => {
    const { clock, hands, schedule } = aQueue();
    schedule('a', 9 * minute);
    await clock.advance(minute);
    schedule('b', 2 * minute);
    expect(clock.timers).toEqual([minute]);
    await clock.advance(8 * minute);
    expect(hands.taken).toEqual(['b', 'a']);
  });
});
