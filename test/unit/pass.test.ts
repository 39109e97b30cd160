// One pass over all namespaces: when it is over, and what is told of each. The outcomes are given; how they come about is
// the controller's. How results are shown is tested in render-pass.test.ts.
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/controller/outcome.ts';
import { Pass, type PassResult, hasFailed } from '../../src/controller/pass.ts';
import type { Bug } from '../../src/controller/worker.ts';
import { type Problem, type ProblemReason, Retryable } from '../../src/domain/errors.ts';

const did = (description: string) => ({ kind: 'attach' as const, description });
const problem = (reason: ProblemReason): Problem => ({ reason, subject: 's', note: `about ${reason}` });
const quiet = { done: [], problems: [] };

const settled: Outcome = { kind: 'settled', ...quiet };
const recheck: Outcome = { kind: 'recheck', at: 1, ...quiet };
const blocked: Outcome = { kind: 'blocked', done: [], problems: [problem('SecretForeign')] };
const awaiting: Outcome = { kind: 'awaiting', tokens: ['k'], ...quiet };
const retry: Outcome = { kind: 'retry', failure: new Retryable('conflict', 'somebody was faster'), ...quiet };
const bug: Bug = { kind: 'bug', error: new Error('hidden') };

/** True when the pass is over by now: what is over already wins against a promise made later. */
const isOver = (pass: Pass): Promise<boolean> =>
  Promise.race([pass.whenOver().then(() => true), Promise.resolve().then(() => false)]);

function passOf(
  namespaces: readonly string[],
  ...notes: readonly (readonly [string, Outcome | Bug])[]
): Pass {
  const pass = new Pass(() => 0);
  pass.begin(namespaces);
  for (const [namespace, outcome] of notes) pass.note(namespace, outcome);
  return pass;
}

const resultOf = (pass: Pass, name = 'a'): PassResult | undefined =>
  pass.results().find(({ namespace }) => namespace === name);

describe('a pass is over', () => {
  test('at once where there is no namespace', async () => {
    expect(await isOver(passOf([]))).toBe(true);
  });

  test('not before it is known which namespaces there are', async () => {
    const pass = new Pass(() => 0);
    pass.note('a', settled);
    expect(await isOver(pass)).toBe(false);
    pass.begin(['a']);
    expect(await isOver(pass)).toBe(true);
  });

  test.each<[string, Outcome | Bug]>([
    ['settled', settled],
    ['to be looked at later', recheck],
    ['blocked', blocked],
    ['a bug', bug],
  ])('when its namespace is %s', async (_, outcome) => {
    expect(await isOver(passOf(['a'], ['a', outcome]))).toBe(true);
  });

  test.each<[string, Outcome]>([
    ['waits for a token', awaiting],
    ['must be tried again', retry],
  ])('not while its namespace %s', async (_, outcome) => {
    const pass = passOf(['a'], ['a', outcome]);
    expect(await isOver(pass)).toBe(false);
    pass.note('a', recheck);
    expect(await isOver(pass)).toBe(true);
  });

  test('not while one of several namespaces is missing, whatever happens to the others', async () => {
    const pass = passOf(['a', 'b'], ['a', recheck], ['a', recheck], ['other', settled]);
    expect(await isOver(pass)).toBe(false);
    pass.note('b', settled);
    expect(await isOver(pass)).toBe(true);
  });

  test('when the API server has failed for half a minute, however often, and not before', async () => {
    let now = 1_000;
    const pass = new Pass(() => now);
    pass.begin(['a']);
    for (const passed of [0, 100, 15_000, 29_999]) {
      now = 1_000 + passed;
      pass.note('a', retry);
      expect(await isOver(pass)).toBe(false);
    }
    now = 31_000;
    pass.note('a', retry);
    expect(await isOver(pass)).toBe(true);
    expect(resultOf(pass)?.failure).toBe('somebody was faster');
  });

  test('however often tokens are waited for', async () => {
    const pass = passOf(['a'], ...Array.from({ length: 10 }, () => ['a', awaiting] as const));
    expect(await isOver(pass)).toBe(false);
  });
});

describe('the result of a namespace', () => {
  test('lists what was done in all its steps, in order', () => {
    const pass = passOf(
      ['a'],
      ['a', { ...awaiting, done: [did('attach')] }],
      ['a', { ...retry, done: [did('first try')] }],
      ['a', { ...recheck, done: [did('create'), did('more')] }],
    );
    expect(resultOf(pass)).toEqual({
      namespace: 'a',
      done: ['attach', 'first try', 'create', 'more'],
      problems: [],
    });
  });

  test('has what a dry run repeats at each step once', () => {
    const would = { ...awaiting, done: [did('attach')] };
    const pass = passOf(
      ['a'],
      ['a', would],
      ['a', would],
      ['a', { ...recheck, done: [did('attach'), did('create')] }],
    );
    expect(resultOf(pass)?.done).toEqual(['attach', 'create']);
  });

  test('has no problem of an earlier step where the namespace then needs nothing more', () => {
    const waiting = { ...awaiting, problems: [problem('TokenUnavailable')] };
    expect(resultOf(passOf(['a'], ['a', waiting], ['a', settled]))?.problems ?? []).toEqual([]);
  });

  test('has the problems of the last step only: those before are solved', () => {
    const pass = passOf(
      ['a'],
      ['a', { ...awaiting, problems: [problem('TokenUnavailable')] }],
      ['a', { ...recheck, problems: [problem('AnnotationUnknown')] }],
    );
    expect(resultOf(pass)?.problems).toEqual([problem('AnnotationUnknown')]);
  });

  test('of a bug keeps what was done and does not show the error', () => {
    const pass = passOf(['a'], ['a', { ...awaiting, done: [did('attach')] }], ['a', bug]);
    expect(resultOf(pass)).toEqual({
      namespace: 'a',
      done: ['attach'],
      problems: [],
      failure: 'an unexpected error, see the log',
    });
  });

  test('has no failure where a try after others succeeds', () => {
    expect(resultOf(passOf(['a'], ['a', retry], ['a', retry], ['a', recheck]))).not.toHaveProperty('failure');
  });

  test('is there before the pass is over, for who interrupts it', () => {
    expect(resultOf(passOf(['a'], ['a', { ...awaiting, done: [did('attach')] }]))?.done).toEqual(['attach']);
  });
});

describe('the results', () => {
  test('are sorted by namespace and have none that was not asked for, nor one of which nothing was heard', () => {
    const notes = [
      ['c', recheck],
      ['kube-system', blocked],
      ['a', blocked],
      ['b', bug],
    ] as const;
    const pass = passOf(['c', 'a', 'b', 'silent'], ...notes);
    expect(pass.results().map(({ namespace }) => namespace)).toEqual(['a', 'b', 'c']);
  });

  test('leave out a namespace that is none of ours', () => {
    expect(passOf(['a'], ['a', settled]).results()).toEqual([]);
  });

  test('have one that is not served and of which there is something to tell', () => {
    const told: Outcome = { ...settled, problems: [problem('NamespaceExcluded')] };
    expect(resultOf(passOf(['a'], ['a', told]))?.problems).toEqual([problem('NamespaceExcluded')]);
  });

  test('do not blame a namespace that opted out for a problem that it had before', () => {
    const pass = passOf(
      ['a'],
      ['a', { ...awaiting, problems: [problem('TokenUnavailable')] }],
      ['a', settled],
    );
    expect(resultOf(pass)?.problems ?? []).toEqual([]);
  });

  test('name each thing once: in a dry run it is still to be done at the next step', () => {
    const step: Outcome = { ...awaiting, done: [did('attach')] };
    expect(resultOf(passOf(['a'], ['a', step], ['a', step]))?.done).toEqual(['attach']);
  });
});

describe('a namespace counts as failed', () => {
  const result = { namespace: 'a', done: ['x'], problems: [] };

  test('where there is a failure', () => {
    expect(hasFailed({ ...result, failure: 'x' })).toBe(true);
  });

  test('not where there is neither failure nor problem', () => {
    expect(hasFailed(result)).toBe(false);
  });

  const verdicts: Readonly<Record<ProblemReason, boolean>> = {
    AnnotationInvalid: true,
    AnnotationUnknown: false,
    NamespaceExcluded: false,
    NoRegistries: true,
    ProfileRefused: true,
    IdentityRefused: true,
    ServiceAccountRefused: true,
    SecretForeign: true,
    SecretRejected: true,
    Forbidden: true,
    Delayed: true,
    Contested: true,
    TokenUnavailable: true,
  };
  test.each(Object.entries(verdicts) as [ProblemReason, boolean][])(
    'by the problem %s: %s',
    (reason, failed) => {
      expect(hasFailed({ ...result, problems: [problem(reason)] })).toBe(failed);
      expect(hasFailed({ ...result, problems: [problem('AnnotationUnknown'), problem(reason)] })).toBe(
        failed,
      );
    },
  );
});
