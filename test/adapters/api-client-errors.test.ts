// What the API server's refusals mean to the controller (src/kubernetes/errors): the table of design, section 4, and the
// answers that a real API server was seen to give (cluster.md).
import { describe, expect, test } from 'vitest';
import { Blocked, NamespaceGone, Retryable } from '../../src/domain/errors.ts';
import { ApiError, type Failure, isGone, isOutdated, translate } from '../../src/kubernetes/errors.ts';

const what = 'apply Secret team-a/ecr-pull-secret';
const failed = (failure: Failure) => new ApiError('PATCH /x', failure);
const cause = (reason: string, field = '') => ({ reason, field });

describe('a failed request', () => {
  test.each<[string, Failure, Retryable['reason'], number | undefined]>([
    ['no answer', { status: 0, reason: 'ECONNREFUSED' }, 'network', undefined],
    ['a refused token', { status: 401, reason: 'Unauthorized' }, 'unauthorized', undefined],
    ['an object that is gone', { status: 404, reason: 'NotFound' }, 'conflict', undefined],
    ['an object that has changed', { status: 409, reason: 'Conflict' }, 'conflict', undefined],
    [
      'an object that was replaced by another of its name',
      { status: 422, reason: 'Invalid', causes: [cause('FieldValueInvalid', 'metadata.uid')] },
      'conflict',
      undefined,
    ],
    ['too many requests', { status: 429, reason: 'TooManyRequests' }, 'throttled', undefined],
    [
      'too many requests, with a time',
      { status: 429, reason: 'TooManyRequests', afterMs: 5_000 },
      'throttled',
      5_000,
    ],
    ['a fault of the server', { status: 500, reason: 'InternalError' }, 'server-error', undefined],
    [
      'a server that is overloaded',
      { status: 503, reason: 'ServiceUnavailable', afterMs: 1_000 },
      'server-error',
      1_000,
    ],
    ['a time-out in the server', { status: 504, reason: 'Timeout' }, 'server-error', undefined],
  ])('because of %s is retryable', (_name, failure, reason, afterMs) => {
    const error = translate(failed(failure), what);
    expect(error).toBeInstanceOf(Retryable);
    expect(error).toMatchObject({ reason, afterMs });
  });

  test('because the namespace is terminating means that there is nothing left to do', () => {
    const failure = { status: 403, reason: 'Forbidden', causes: [cause('NamespaceTerminating')] };
    expect(translate(failed(failure), what)).toBeInstanceOf(NamespaceGone);
  });

  test('because it is forbidden is blocked, with where to look', () => {
    const error = translate(failed({ status: 403, reason: 'Forbidden' }), what) as Blocked;
    expect(error).toBeInstanceOf(Blocked);
    expect(error.problem).toMatchObject({ reason: 'Forbidden', subject: what });
    expect(error.problem.note).toContain('ClusterRole');
  });

  test.each([
    ['an immutable Secret', 422, 'Invalid', [cause('FieldValueForbidden', 'data')]],
    ['another type', 422, 'Invalid', [cause('FieldValueInvalid', 'type')]],
    ['a request that makes no sense', 400, 'BadRequest', []],
    ['a body that is too large', 413, 'RequestEntityTooLarge', []],
  ])('because of %s is blocked, naming the fields', (_name, status, reason, causes) => {
    const error = translate(failed({ status, reason, causes }), what) as Blocked;
    expect(error).toBeInstanceOf(Blocked);
    expect(error.problem.reason).toBe('SecretRejected');
    for (const { field } of causes) expect(error.problem.note).toContain(field);
  });

  test('gives the same note each time, since Events fold repeats by it', () => {
    const note = (afterMs: number) => {
      const error = translate(failed({ status: 422, reason: 'Invalid', afterMs }), what);
      return error instanceof Blocked ? error.problem.note : '';
    };
    expect(note(1)).toBe(note(2));
    expect(note(1).length).toBeGreaterThan(20);
  });
});

test.each([
  ['policy.example.com', 'policy.example.com', 'secretLabels'],
  ['ResourceQuota few-secrets', 'ResourceQuota few-secrets', 'one more Secret'],
])('a denial by %s is blocked, naming it and the cure', (deniedBy, name, cure) => {
  const error = translate(failed({ status: 403, reason: 'Forbidden', deniedBy }), what) as Blocked;
  expect(error).toBeInstanceOf(Blocked);
  expect(error.problem).toMatchObject({ reason: 'Forbidden', subject: what });
  for (const part of [name, cure, what]) expect(error.problem.note).toContain(part);
});

test('an error that is no refusal stays what it is', () => {
  const bug = new TypeError('x is undefined');
  expect(translate(bug, what)).toBe(bug);
  expect(isOutdated(bug)).toBe(false);
  expect(isGone(bug)).toBe(false);
});

test('only 410 asks for a new list', () => {
  expect(isGone(failed({ status: 410, reason: 'Expired' }))).toBe(true);
  expect(isGone(failed({ status: 404, reason: 'NotFound' }))).toBe(false);
});

test('an object is outdated after 404, 409 and a refused uid, and after nothing else', () => {
  const outdated = [404, 409].map((status) => isOutdated(failed({ status, reason: '' })));
  expect(outdated).toStrictEqual([true, true]);
  expect(isOutdated(failed({ status: 422, reason: 'Invalid', causes: [cause('x', 'metadata.uid')] }))).toBe(
    true,
  );
  const others = [0, 400, 401, 403, 410, 422, 429, 500].map((status) =>
    isOutdated(failed({ status, reason: '' })),
  );
  expect(others).not.toContain(true);
});
