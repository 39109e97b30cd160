// The limit for routine work: a queue that has much to refresh still has a free worker for what is urgent.
import { describe, expect, test } from 'vitest';
import { WorkQueue } from '../../src/controller/work-queue.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordedMetrics } from '../support/model-ports.ts';

describe('with a limit for what is routine', () => {
  test('the other workers are free for what is urgent, and routine goes on as soon as one of its own is done', async () => {
    const clock = new ManualClock();
    const queue = new WorkQueue({ clock, metrics: new RecordedMetrics(), routineAtMost: 2 });
    const taken: string[] = [];
    const reach = () => void queue.next().then((key) => taken.push(key ?? 'closed'));
    for (let worker = 0; worker < 4; worker += 1) reach();
    for (const key of ['a', 'b', 'c']) queue.add(key, 'routine');
    await clock.settle();
    expect(taken).toEqual(['a', 'b']);
    queue.add('new', 'urgent');
    await clock.settle();
    expect(taken).toEqual(['a', 'b', 'new']);
    queue.done('new');
    await clock.settle();
    expect(taken).toEqual(['a', 'b', 'new']);
    queue.done('a');
    await clock.settle();
    expect(taken).toEqual(['a', 'b', 'new', 'c']);
  });
});
