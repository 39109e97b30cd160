// The heap of deadlines against a naive model: a map that is searched from end to end. Single cases first, for reading.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeadlineHeap } from '../../src/controller/deadline-heap.ts';

const heapOf = (...entries: readonly (readonly [string, number])[]): DeadlineHeap => {
  const heap = new DeadlineHeap();
  for (const [key, at] of entries) heap.set(key, at);
  return heap;
};

describe('the heap of deadlines', () => {
  test('is empty at first', () => {
    const heap = heapOf();
    expect([heap.size, heap.peek(), heap.takeDue(Infinity)]).toEqual([0, undefined, []]);
  });

  test('gives the earliest deadline, in whatever order they came', () => {
    expect(heapOf(['b', 20], ['a', 10], ['c', 30]).peek()).toBe(10);
  });

  test('takes what is due at that very moment, and leaves what is due a moment later', () => {
    const heap = heapOf(['late', 11], ['now', 10], ['past', -5]);
    expect(heap.takeDue(10)).toEqual(['past', 'now']);
    expect([heap.size, heap.peek()]).toEqual([1, 11]);
  });

  test.each([
    ['earlier', 5],
    ['later', 50],
  ])('a key that is set again %s has only its new deadline', (_, at) => {
    const heap = heapOf(['a', 10], ['a', at]);
    expect([heap.size, heap.peek()]).toEqual([1, at]);
    expect(heap.takeDue(100)).toEqual(['a']);
    expect([heap.size, heap.peek()]).toEqual([0, undefined]);
  });

  test('a deleted key is gone, also where its entry was the first', () => {
    const heap = heapOf(['a', 10], ['b', 20]);
    heap.delete('a');
    expect([heap.size, heap.peek(), heap.takeDue(100)]).toEqual([1, 20, ['b']]);
  });

  test('a deleted key that is set to its old deadline is there once', () => {
    const heap = heapOf(['a', 10]);
    heap.delete('a');
    heap.set('a', 10);
    expect([heap.size, heap.takeDue(10), heap.takeDue(10)]).toEqual([1, ['a'], []]);
  });

  test('a key that moves to and fro is taken once', () => {
    const heap = heapOf(['a', 10], ['a', 20], ['a', 10], ['a', 20], ['a', 10]);
    expect([heap.takeDue(10), heap.takeDue(100)]).toEqual([['a'], []]);
  });

  test('does not grow when one key is set again and again: what was replaced costs nothing later', () => {
    let comparisons = 0;
    /** A number that counts how often it is compared. */
    const counted = (at: number) =>
      ({
        valueOf: () => {
          comparisons += 1;
          return at;
        },
      }) as unknown as number;
    const heap = heapOf(['first', -1]);
    for (let at = 0; at < 10_000; at += 1) heap.set('a', counted(at));
    comparisons = 0;
    expect(heap.takeDue(10_000)).toEqual(['first', 'a']);
    expect(comparisons).toBeLessThan(5_000);
  });
});

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j');
const moment = fc.integer({ min: -3, max: 40 });

/** The same by searching: what is due, earliest first, removed. */
function takeFrom(model: Map<string, number>, now: number): readonly string[] {
  const due = [...model].filter(([, at]) => at <= now).toSorted(([, a], [, b]) => a - b);
  for (const [taken] of due) model.delete(taken);
  return due.map(([taken]) => taken);
}

type Step = (heap: DeadlineHeap, model: Map<string, number>) => void;

const set = fc.tuple(key, moment).map(([name, at]): Step => (heap, model) => {
  heap.set(name, at);
  model.set(name, at);
});
const remove = key.map((name): Step => (heap, model) => {
  heap.delete(name);
  model.delete(name);
});
const take = moment.map((now): Step => (heap, model) => {
  const deadlines = new Map(model);
  const expected = takeFrom(model, now);
  const taken = heap.takeDue(now);
  // Keys with the same deadline may come in any order.
  expect(taken.map((name) => deadlines.get(name))).toEqual(expected.map((name) => deadlines.get(name)));
  expect(taken.toSorted()).toEqual(expected.toSorted());
});
const step = fc.oneof(
  { weight: 6, arbitrary: set },
  { weight: 2, arbitrary: remove },
  { weight: 1, arbitrary: take },
);

test('whatever is set, deleted and taken, it holds what a searched list would hold', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const heap = new DeadlineHeap();
      const model = new Map<string, number>();
      for (const run of steps) {
        run(heap, model);
        expect(heap.size).toBe(model.size);
        expect(heap.peek()).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
      }
    }),
    { numRuns: 300 },
  );
});
