// How the worker tells what happened: a log line once for the same problems, an Event each time (its recorder folds
// repeats), a counter; and a line when they are solved, which is said only by a step that could see it.
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/controller/outcome.ts';
import { WorkQueue } from '../../src/controller/work-queue.ts';
import { Worker } from '../../src/controller/worker.ts';
import { type Problem, Retryable } from '../../src/domain/errors.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordedEvents, RecordedLog, RecordedMetrics } from '../support/model-ports.ts';

const foreign: Problem = {
  reason: 'SecretForeign',
  subject: 'ecr-pull-secret',
  note: 'it is not ours: delete it',
};
const denied: Problem = {
  reason: 'TokenUnavailable',
  subject: 'host',
  note: 'no token: allow it',
  retryAt: 9,
};
const blocked = (...problems: Problem[]): Outcome => ({ kind: 'blocked', done: [], problems });
const recheck = (...problems: Problem[]): Outcome => ({ kind: 'recheck', at: Infinity, done: [], problems });
const awaiting = (...problems: Problem[]): Outcome => ({
  kind: 'awaiting',
  tokens: ['k'],
  done: [],
  problems,
});
const settled: Outcome = { kind: 'settled', done: [], problems: [] };
const busy = new Retryable('server-error', 'update Secret team-a/ecr-pull-secret: 503', 1_500);
const retry = (...problems: Problem[]): Outcome => ({ kind: 'retry', failure: busy, done: [], problems });

/** Lets the steps of one namespace end so, one after another. */
async function told(...outcomes: readonly Outcome[]) {
  const clock = new ManualClock();
  const [metrics, log, events] = [new RecordedMetrics(), new RecordedLog(), new RecordedEvents()];
  const queue = new WorkQueue({ clock, metrics });
  const left = [...outcomes];
  const reconcile = async () => left.shift() ?? settled;
  void new Worker({ queue, reconcile, clock, log, metrics, events }).run(1);
  for (let step = 0; step < outcomes.length; step += 1) {
    queue.add('team-a', 'urgent');
    await clock.settle();
  }
  queue.close();
  const news = log.lines.filter(({ level }) => level !== 'debug').map(({ message }) => message);
  return { metrics, log, events, news };
}

describe('a step', () => {
  test('that did nothing is a debug line only', async () => {
    const { log, news, events } = await told(settled, recheck(), awaiting());
    expect(log.lines.map(({ fields }) => fields)).toEqual(
      ['settled', 'recheck', 'awaiting'].map((outcome) => ({
        namespace: 'team-a',
        outcome,
        awaiting: outcome === 'awaiting' ? ['k'] : undefined,
      })),
    );
    expect([news, events.warnings]).toEqual([[], []]);
  });

  test('has an info line for each thing done, with the reason', async () => {
    const done = [
      { kind: 'attach', description: 'attach it' },
      { kind: 'write-secret', description: 'create it' },
    ] as const;
    const { log } = await told({ kind: 'recheck', at: Infinity, done, problems: [], reason: 'missing' });
    expect(log.at('info')).toEqual(
      ['attach it', 'create it'].map((what) => ({
        level: 'info',
        message: 'done',
        fields: { namespace: 'team-a', what, reason: 'missing' },
      })),
    );
  });

  test('that must be tried again is counted by its reason and warned of, with what was done before', async () => {
    const done = [{ kind: 'attach', description: 'attach it' }] as const;
    const { log, metrics, events } = await told({ kind: 'retry', failure: busy, done, problems: [] });
    expect(metrics.all).toEqual({ 'reconciled retry': 1, 'retried server-error': 1 });
    expect(log.at('info')).toHaveLength(1);
    expect(log.at('warn')).toEqual([
      {
        level: 'warn',
        message: 'will be tried again',
        fields: { namespace: 'team-a', reason: 'server-error', error: busy.message, afterMs: 1_500 },
      },
    ]);
    expect(events.warnings).toEqual([]);
  });
});

describe('a problem', () => {
  test.each<[string, Outcome]>([
    ['blocked', blocked(foreign)],
    ['recheck', recheck(foreign)],
    ['awaiting', awaiting(foreign)],
    ['retry', retry(foreign)],
    ['settled', { ...settled, problems: [foreign] }],
  ])('of a step that ends %s is a warning, an Event and a count', async (_, outcome) => {
    const { log, metrics, events } = await told(outcome);
    const { reason, subject, note } = foreign;
    expect(log.at('warn').filter(({ message }) => message === 'problem')).toEqual([
      { level: 'warn', message: 'problem', fields: { namespace: 'team-a', reason, subject, note } },
    ]);
    expect(events.warnings).toEqual([{ namespace: 'team-a', problem: foreign }]);
    expect(metrics.all['problem SecretForeign']).toBe(1);
  });

  test('that stays is logged once, and told to Events and counted each time', async () => {
    const { news, metrics, events } = await told(blocked(foreign), blocked(foreign), recheck(foreign));
    expect(news).toEqual(['problem']);
    expect(events.warnings).toHaveLength(3);
    expect(metrics.all['problem SecretForeign']).toBe(3);
  });

  test('that is quiet is told to nobody: no line, Event, count or gauge', async () => {
    const later = { ...denied, quietUntil: 8e12 };
    const { news, metrics, events } = await told(recheck(later), blocked(later), awaiting(later));
    expect([news, events.warnings, metrics.problems.get('team-a')]).toEqual([[], [], undefined]);
    expect(metrics.all).not.toHaveProperty('problem TokenUnavailable');
  });

  test('that was quiet until now is told', async () => {
    const { news, events } = await told(
      recheck({ ...denied, quietUntil: 8e12 }),
      recheck({ ...denied, quietUntil: 1 }),
    );
    expect([news, events.warnings.length]).toEqual([['problem'], 1]);
  });

  test('that became quiet, since its token was renewed meanwhile, is solved', async () => {
    const { news, metrics } = await told(recheck(denied), recheck({ ...denied, quietUntil: 8e12 }));
    expect(news).toEqual(['problem', 'problems are solved']);
    expect(metrics.problems.get('team-a')).toBeUndefined();
  });

  test.each<[string, Outcome, readonly string[] | undefined]>([
    ['another look found others', recheck(denied), ['TokenUnavailable']],
    ['another look found none', recheck(), undefined],
    ['the next step ended early', awaiting(), ['SecretForeign']],
    ['the next step ended early and met another', retry(denied), ['SecretForeign', 'TokenUnavailable']],
    ['the namespace is done with', settled, undefined],
  ])('is one that the namespace has now, until %s', async (_, next, expected) => {
    const { metrics } = await told(blocked(foreign), next);
    expect(metrics.problems.get('team-a')).toEqual(expected);
  });

  test('that joins another one is logged, once', async () => {
    const { log } = await told(recheck(foreign), recheck(foreign, denied), recheck(foreign, denied));
    const reasons = log.at('warn').map(({ fields }) => fields['reason']);
    expect(reasons.filter((reason) => reason === 'TokenUnavailable')).toHaveLength(1);
    expect(reasons[0]).toBe('SecretForeign');
  });

  test('that is only due to be retried at another time is the same', async () => {
    expect((await told(recheck(denied), recheck({ ...denied, retryAt: 10 }))).news).toEqual(['problem']);
  });

  test('that is solved is logged, once', async () => {
    const { news, log } = await told(recheck(denied), recheck(), recheck(), settled);
    expect(news).toEqual(['problem', 'problems are solved']);
    expect(log.at('info')[0]?.fields).toEqual({ namespace: 'team-a' });
  });

  test('that comes back after it was solved is news again', async () => {
    const { news } = await told(recheck(denied), recheck(), recheck(denied));
    expect(news).toEqual(['problem', 'problems are solved', 'problem']);
  });

  // A denied token is asked for again and again: each time its call is under way, the step sees no problem.
  test('is not called solved while the token that it is about is under way', async () => {
    const { news } = await told(recheck(denied), awaiting(), recheck(denied), awaiting(), recheck());
    expect(news).toEqual(['problem', 'problems are solved']);
  });

  test('that is there all the time beside it does not make it news each time its call has failed', async () => {
    const { news } = await told(recheck(foreign, denied), awaiting(foreign), recheck(foreign, denied));
    expect(news).toEqual(['problem', 'problem']);
  });

  test('is not called solved by a step that the API server cut short', async () => {
    const { news } = await told(blocked(foreign), retry(), blocked(foreign));
    expect(news).toEqual(['problem', 'will be tried again']);
  });
});

describe('a namespace', () => {
  const leaving: Outcome = { kind: 'recheck', at: Infinity, leaving: true, done: [], problems: [] };

  test('that keeps its Secret only for a while is counted as leaving, until that is over', async () => {
    expect([...(await told(leaving)).metrics.departing]).toEqual(['team-a']);
    expect([...(await told(leaving, leaving)).metrics.departing]).toEqual(['team-a']);
    expect((await told(leaving, settled)).metrics.departing.size).toBe(0);
    expect((await told(leaving, recheck())).metrics.departing.size).toBe(0);
  });

  test('that is done with is forgotten by the Events, and no other', async () => {
    expect((await told(recheck(foreign), settled)).events.forgotten).toEqual(['team-a']);
    expect((await told(recheck(foreign), blocked(foreign), retry(), awaiting())).events.forgotten).toEqual(
      [],
    );
  });
});
