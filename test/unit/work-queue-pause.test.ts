// A work queue that is paused, as that of a replica which does not lead: it takes keys in, and hands none out.
import { expect, test } from 'vitest';
import { WorkQueue } from '../../src/controller/work-queue.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordedMetrics } from '../support/model-ports.ts';
import { Hands } from '../support/queue-hands.ts';

function aQueue() {
  const clock = new ManualClock();
  const queue = new WorkQueue({ clock, metrics: new RecordedMetrics() });
  const hands = new Hands(queue);
  return { clock, queue, hands };
}

test('a paused queue hands nothing out, also what falls due; all of it when it goes on, urgent first', async () => {
  const { clock, queue, hands } = aQueue();
  queue.pause();
  for (let hand = 0; hand < 3; hand += 1) hands.reach();
  queue.addAt('due', clock.now() + 1_000);
  queue.add('routine', 'routine');
  queue.add('urgent', 'urgent');
  await clock.advance(5_000);
  expect(hands.taken).toEqual([]);
  queue.resume();
  await clock.settle();
  expect(hands.taken).toEqual(['urgent', 'routine', 'due']);
});

test('what is being worked on when the queue is paused ends; what was added meanwhile waits', async () => {
  const { clock, queue, hands } = aQueue();
  hands.reach();
  queue.add('a', 'urgent');
  await clock.settle();
  queue.pause();
  queue.add('a', 'urgent');
  hands.end('a');
  hands.reach();
  await clock.settle();
  expect(hands.taken).toEqual(['a']);
  queue.resume();
  await clock.settle();
  expect(hands.taken).toEqual(['a', 'a']);
});

test('a paused queue that is closed lets those go who wait', async () => {
  const { clock, queue, hands } = aQueue();
  queue.pause();
  hands.reach();
  await clock.settle();
  queue.close();
  await clock.settle();
  expect(hands.ended).toBe(1);
});
