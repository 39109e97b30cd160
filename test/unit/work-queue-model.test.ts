// The work queue against a naive one, for any sequence of calls, passing time and jumps of the wall clock: lists that are
// searched, and no timer at all, only the question what is due by now.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Lane } from '../../src/controller/ports.ts';
import { WorkQueue } from '../../src/controller/work-queue.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordedMetrics } from '../support/model-ports.ts';
import { Hands } from '../support/queue-hands.ts';

const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const minute = 60_000;

class NaiveQueue {
  readonly taken: string[] = [];
  readonly held: string[] = [];
  free = 0;
  #lanes: Record<Lane, string[]> = { urgent: [], routine: [] };
  #again: { key: string; lane: Lane }[] = [];
  #scheduled: { key: string; at: number; retry: boolean }[] = [];
  readonly #lastLane: Record<string, Lane> = {};

  add(key: string, lane: Lane): void {
    if (this.held.includes(key)) this.#again.push({ key, lane });
    else if (lane === 'urgent') this.#queue(key, 'urgent');
    else if (!this.#lanes.urgent.includes(key)) this.#queue(key, 'routine');
    this.#serve();
  }

  addAt(key: string, at: number, retry = false): void {
    this.#scheduled = this.#scheduled.filter((entry) => entry.key !== key);
    if (at !== Infinity) this.#scheduled.push({ key, at, retry });
  }

  retryAt(key: string, at: number): void {
    this.addAt(key, at, true);
  }

  wake(key: string): void {
    this.add(key, this.#lastLane[key] ?? 'routine');
  }

  forget(key: string): void {
    this.addAt(key, Infinity);
    delete this.#lastLane[key];
  }

  next(): void {
    this.free += 1;
    this.#serve();
  }

  done(key: string): void {
    this.held.splice(this.held.indexOf(key), 1);
    const asked = this.#again.filter((entry) => entry.key === key).map(({ lane }) => lane);
    this.#again = this.#again.filter((entry) => entry.key !== key);
    if (asked.length > 0) this.add(key, asked.includes('urgent') ? 'urgent' : 'routine');
  }

  timeIs(now: number): void {
    const due = this.#scheduled.filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at);
    this.#scheduled = this.#scheduled.filter(({ at }) => at > now);
    for (const { key, retry } of due) {
      if (retry) this.wake(key);
      else this.add(key, 'routine');
    }
  }

  get depths(): Readonly<Record<Lane, number>> {
    return { urgent: this.#lanes.urgent.length, routine: this.#lanes.routine.length };
  }

  #queue(key: string, lane: Lane): void {
    if (this.#lanes[lane].includes(key)) return;
    this.#lanes = {
      urgent: this.#lanes.urgent.filter((other) => other !== key),
      routine: this.#lanes.routine.filter((other) => other !== key),
    };
    this.#lanes[lane].push(key);
  }

  #serve(): void {
    while (this.free > 0) {
      const lane: Lane = this.#lanes.urgent.length > 0 ? 'urgent' : 'routine';
      const key = this.#lanes[lane].shift();
      if (key === undefined) return;
      this.free -= 1;
      this.#lastLane[key] = lane;
      this.taken.push(key);
      this.held.push(key);
    }
  }
}

/** Both queues, and the clock of the real one. */
class Pair {
  readonly clock = new ManualClock({ now: 1_772_366_400_000 });
  readonly metrics = new RecordedMetrics();
  readonly real = new WorkQueue({ clock: this.clock, metrics: this.metrics });
  readonly hands = new Hands(this.real);
  readonly naive = new NaiveQueue();

  async pass(ms: number, setBack = false): Promise<void> {
    await this.clock.advance(ms);
    this.naive.timeIs(setBack ? Infinity : this.clock.now());
  }

  async compare(): Promise<void> {
    await this.clock.settle();
    expect(this.hands.taken).toEqual(this.naive.taken);
    expect(this.hands.held).toEqual(this.naive.held);
    expect(new Set(this.hands.held).size).toBe(this.hands.held.length);
    const { urgent, routine } = this.naive.depths;
    expect([this.metrics.depths.get('urgent') ?? 0, this.metrics.depths.get('routine') ?? 0]).toEqual([
      urgent,
      routine,
    ]);
    expect(this.real.idle).toBe(urgent + routine + this.naive.held.length === 0);
    // One timer, and never for longer than ten minutes.
    expect(this.clock.timers.length).toBeLessThanOrEqual(1);
    expect(this.clock.timers.every((ms) => ms <= 10 * minute)).toBe(true);
  }
}

interface Step {
  readonly text: string;
  readonly run: (pair: Pair) => void | Promise<void>;
}

const key = fc.constantFrom(...keys);
const lane = fc.constantFrom<Lane>('urgent', 'routine');
const both = (text: string, act: (queue: NaiveQueue | WorkQueue) => void): Step => ({
  text,
  run: ({ real, naive }) => [real, naive].forEach(act),
});

/** Multiples of eight minutes plus the place of the key: two keys are never due at the same moment, since their order is free. */
const moment = (steps: number, name: string): number =>
  1_772_366_400_000 + steps * 8 * minute + keys.indexOf(name);

const later = fc.tuple(fc.integer({ min: -2, max: 40 }), key).map(([steps, name]) =>
  both(`addAt ${name} ${steps}`, (queue) => {
    queue.addAt(name, moment(steps, name));
  }),
);

const again = fc.tuple(fc.integer({ min: -2, max: 40 }), key).map(([steps, name]) =>
  both(`retryAt ${name} ${steps}`, (queue) => {
    queue.retryAt(name, moment(steps, name));
  }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(key, lane).map(([name, at]) =>
      both(`add ${name} ${at}`, (queue) => {
        queue.add(name, at);
      }),
    ),
  },
  { weight: 5, arbitrary: later },
  { weight: 2, arbitrary: again },
  { weight: 1, arbitrary: key.map((name) => both(`never ${name}`, (queue) => queue.addAt(name, Infinity))) },
  { weight: 1, arbitrary: key.map((name) => both(`wake ${name}`, (queue) => queue.wake(name))) },
  { weight: 1, arbitrary: key.map((name) => both(`forget ${name}`, (queue) => queue.forget(name))) },
  {
    weight: 6,
    arbitrary: fc.constant<Step>({
      text: 'next',
      run: ({ hands, naive }) => {
        hands.reach();
        naive.next();
      },
    }),
  },
  {
    weight: 5,
    arbitrary: fc.nat({ max: 7 }).map<Step>((index) => ({
      text: `done ${index}`,
      run: ({ hands, naive }) => {
        const name = naive.held[index % Math.max(1, naive.held.length)];
        if (name === undefined) return;
        hands.end(name);
        naive.done(name);
      },
    })),
  },
  {
    weight: 4,
    arbitrary: fc
      .integer({ min: 0, max: 30 })
      .map<Step>((steps) => ({ text: `advance ${steps}`, run: (pair) => pair.pass(steps * minute) })),
  },
  {
    // After a jump the queue may sleep on for ten minutes; then it must be where the naive one is. Where the clock was set
    // back, all that is scheduled comes.
    weight: 1,
    arbitrary: fc.integer({ min: -60, max: 60 }).map<Step>((steps) => ({
      text: `jump ${steps}`,
      run: (pair) => {
        pair.clock.jump(steps * minute);
        return pair.pass(10 * minute, steps < 0);
      },
    })),
  },
);

test('whatever is asked of it, it hands out what the naive queue hands out', async () => {
  const runs = fc.array(step, { minLength: 10, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(runs, async (steps) => {
      const pair = new Pair();
      for (const { run } of steps) {
        await run(pair);
        await pair.compare();
      }
      await pair.pass(24 * 60 * minute);
      await pair.compare();
    }),
    { numRuns: 150, reporter: (result) => expect(describeFailure(result)).toBeUndefined() },
  );
}, 60_000);

/** The shortest sequence that fails, in words. */
function describeFailure(result: fc.RunDetails<[Step[]]>): string | undefined {
  if (!result.failed) return undefined;
  const steps = result.counterexample?.[0].map(({ text }) => text).join('; ') ?? 'nothing';
  return `seed ${result.seed}, after: ${steps}\n${String(result.errorInstance)}`;
}
