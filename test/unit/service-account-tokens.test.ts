// Tokens of ServiceAccounts as they are requested of the API server, here one in memory: the request to the letter, what each
// refusal means, and that no token is ever seen. The real server is in the cluster tests.
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Api, ApiCall } from '../../src/controller/ports.ts';
import { FetchFailure } from '../../src/domain/errors.ts';
import { ApiError, type Failure } from '../../src/kubernetes/errors.ts';
import { TokenRequests } from '../../src/kubernetes/service-account-tokens.ts';
import { aNamespaceIdentity } from '../support/views.ts';

const path = '/api/v1/namespaces/team-a/serviceaccounts/puller/token';

/** An API server that gives each request the same answer, or fails. */
class OneAnswer implements Api {
  readonly calls: ApiCall[] = [];
  readonly #answer: unknown;

  constructor(answer: unknown) {
    this.#answer = answer;
  }

  async call(call: ApiCall) {
    this.calls.push(call);
    if (this.#answer instanceof Error) throw this.#answer;
    return { status: 201, body: this.#answer };
  }

  watch(): never {
    throw new Error('nobody watches here');
  }
}

const refusal = (failure: Failure) => new ApiError(`POST ${path}`, failure);

/** How a request fails. */
async function failureOf(answer: unknown): Promise<FetchFailure> {
  const error: unknown = await new TokenRequests(new OneAnswer(answer)).request(aNamespaceIdentity()).then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof FetchFailure)) throw error;
  return error;
}

describe('a token', () => {
  test('is requested once, for this ServiceAccount, with the audience of the identity alone and the shortest life', async () => {
    const api = new OneAnswer({ status: { token: 'jwt' } });
    const identity = aNamespaceIdentity({ audience: 'sts.amazonaws.com.cn' });
    const token = await new TokenRequests(api).request(identity);
    expect(token.reveal()).toBe('jwt');
    expect(api.calls).toEqual([
      {
        method: 'POST',
        path,
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { audiences: ['sts.amazonaws.com.cn'], expirationSeconds: 600 },
        },
      },
    ]);
  });

  test.each([
    ['team-b', 'puller', '/api/v1/namespaces/team-b/serviceaccounts/puller/token'],
    ['team-a', 'a.b-c', '/api/v1/namespaces/team-a/serviceaccounts/a.b-c/token'],
  ])('is requested in the namespace %s of %s', async (namespace, serviceAccount, expected) => {
    const api = new OneAnswer({ status: { token: 'jwt' } });
    await new TokenRequests(api).request(aNamespaceIdentity({ namespace, serviceAccount }));
    expect(api.calls.map((call) => call.path)).toEqual([expected]);
  });

  test('is requested anew each time: nothing is kept here', async () => {
    const api = new OneAnswer({ status: { token: 'jwt' } });
    const requests = new TokenRequests(api);
    await requests.request(aNamespaceIdentity());
    await requests.request(aNamespaceIdentity());
    expect(api.calls).toHaveLength(2);
  });

  test('is not seen, however it is printed', async () => {
    const token = await new TokenRequests(new OneAnswer({ status: { token: 's3cret' } })).request(
      aNamespaceIdentity(),
    );
    expect(`${String(token)} ${inspect(token)} ${JSON.stringify({ token })}`).not.toContain('s3cret');
  });
});

describe('a refusal', () => {
  test.each<[string, Failure, FetchFailure['reason'], RegExp]>([
    [
      '403 is the controller’s own RBAC',
      { status: 403, reason: 'Forbidden' },
      'configuration',
      /may not request tokens.*puller.*ClusterRole.*identity\.serviceAccounts/,
    ],
    [
      '404 is a ServiceAccount that has gone',
      { status: 404, reason: 'NotFound' },
      'configuration',
      /no ServiceAccount puller any more/,
    ],
    [
      '401 may pass',
      { status: 401, reason: 'Unauthorized' },
      'unavailable',
      /puller: it is tried again by itself/,
    ],
    ['429 may pass', { status: 429, reason: 'TooManyRequests' }, 'unavailable', /tried again by itself/],
    ['500 may pass', { status: 500, reason: 'InternalError' }, 'unavailable', /tried again by itself/],
    ['503 may pass', { status: 503, reason: 'ServiceUnavailable' }, 'unavailable', /tried again by itself/],
    ['no answer may pass', { status: 0, reason: 'ECONNREFUSED' }, 'unavailable', /tried again by itself/],
  ])('%s', async (_, failure, reason, advice) => {
    const failed = await failureOf(refusal(failure));
    expect(failed).toMatchObject({ reason, advice: expect.stringMatching(advice) });
    expect(failed.message).toContain(`POST ${path}`);
    expect(failed.message).toContain(failure.reason);
  });

  test('that is a bug comes through as it is, so that it is told as one', async () => {
    const bug = new TypeError('bug');
    await expect(new TokenRequests(new OneAnswer(bug)).request(aNamespaceIdentity())).rejects.toBe(bug);
  });
});

describe('an answer without a token is none', () => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 's3cret'],
    ['no status', { spec: {} }],
    ['a status that is null', { status: null }],
    ['no token', { status: { expirationTimestamp: 's3cret' } }],
    ['an empty token', { status: { token: '' } }],
    ['a token that is no text', { status: { token: { value: 's3cret' } } }],
  ])('%s', async (_, answer) => {
    const failure = await failureOf(answer);
    expect(failure).toMatchObject({
      reason: 'invalid-answer',
      message: 'TokenRequest: the answer has no token',
      advice: expect.stringContaining('between it and the controller'),
    });
    expect(inspect(failure, { showHidden: true })).not.toContain('s3cret');
  });
});
