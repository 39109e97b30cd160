// How an error that the AWS SDK threw is told: nothing of AWS's own text gets through but the code, and that only where it is a
// word; codes that nobody knows go by their status. What known codes mean is tested in aws-errors-sts and aws-errors-calls.
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AwsCall, describeCall, describeClaims } from '../../src/aws/aws-call.ts';
import { asFetchFailure } from '../../src/aws/errors.ts';
import { refusals } from '../../src/aws/refusals.ts';
import { FetchFailure } from '../../src/domain/errors.ts';

const call: AwsCall = { action: 'EcrGetAuthorizationToken', region: 'eu-west-1' };
const where = 'ecr GetAuthorizationToken in eu-west-1';

const thrown = (fields: object, message = 'x'): Error => Object.assign(new Error(message), fields);
const ofStatus = (name: string, httpStatusCode?: number): Error =>
  thrown({ name, $metadata: { httpStatusCode } });

describe('the message', () => {
  test.each<[string, unknown, string]>([
    ['AWS’s code', ofStatus('AccessDeniedException', 400), 'AccessDeniedException'],
    ['a code that nobody knows', ofStatus('SomethingNew', 400), 'SomethingNew'],
    [
      'the code of Node rather than the name of the SDK',
      thrown({ name: 'TimeoutError', code: 'ECONNRESET' }),
      'ECONNRESET',
    ],
    [
      'the known one of two',
      thrown({ code: 'E_STRANGE', name: 'ThrottlingException' }),
      'ThrottlingException',
    ],
    ['the first where none is known', thrown({ code: 'E_STRANGE', name: 'Strange' }), 'E_STRANGE'],
    ['what STS calls Code', thrown({ name: 'Error', Code: 'Throttling' }), 'Throttling'],
    ['what lies beneath', thrown({ cause: thrown({ code: 'ENOTFOUND' }) }), 'ENOTFOUND'],
    ['nothing where there is no code', new Error('something happened'), 'unknown error'],
    ['nothing of a number', thrown({ name: 'Error', code: 12 }), 'unknown error'],
    ['nothing of undefined', undefined, 'unknown error'],
    ['nothing of null', null, 'unknown error'],
    ['nothing of a text', 'AccessDenied', 'unknown error'],
    ['nothing of an empty object', {}, 'unknown error'],
    ['nothing of a cause that is none', thrown({ cause: null }), 'unknown error'],
  ])('names the call and %s', (_, error, shown) => {
    expect(asFetchFailure(error, call).message).toBe(`${where}: ${shown}`);
  });

  test.each([
    ['Credentials', 'credentials by the default chain in r'],
    ['AssumeRole', 'sts AssumeRole in r'],
    ['AssumeRoleWithWebIdentity', 'sts AssumeRoleWithWebIdentity in r'],
    ['EcrGetAuthorizationToken', 'ecr GetAuthorizationToken in r'],
    ['EcrPublicGetAuthorizationToken', 'ecr-public GetAuthorizationToken in r'],
  ] as const)('calls %s by its service and region', (action, name) => {
    expect(describeCall({ action, region: 'r' })).toBe(name);
    expect(asFetchFailure(new Error('x'), { action, region: 'r' }).message).toBe(`${name}: unknown error`);
  });

  test('of what is a failure already is left as it is', () => {
    const failure = new FetchFailure('denied', 'first', 'advice');
    expect(asFetchFailure(failure, call)).toBe(failure);
  });
});

describe('a code that is not in the table goes by its status', () => {
  test.each([
    ['denied', [400, 401, 403, 404, 409, 413, 418, 451, 499]],
    ['throttled', [429]],
    ['unavailable', [500, 501, 502, 503, 504, 529, 599]],
    ['unavailable', [undefined, 0, 200, 302]],
  ] as const)('it is %s for %j', (reason, statuses) => {
    for (const status of statuses) {
      expect(asFetchFailure(ofStatus('SomethingNew', status), call).reason).toBe(reason);
    }
  });

  test('but one that is goes by the table, whatever its status', () => {
    for (const status of [400, 429, 500]) {
      expect(asFetchFailure(ofStatus('AccessDeniedException', status), call).reason).toBe('denied');
      expect(asFetchFailure(ofStatus('ThrottlingException', status), call).reason).toBe('throttled');
    }
  });

  test('a web page is no answer, but that of a broken gateway has a status', () => {
    expect(asFetchFailure(ofStatus('SyntaxError', 200), call).reason).toBe('invalid-answer');
    expect(asFetchFailure(ofStatus('SyntaxError'), call).reason).toBe('invalid-answer');
    for (const status of [500, 502, 503]) {
      expect(asFetchFailure(ofStatus('SyntaxError', status), call).reason).toBe('unavailable');
    }
  });
});

const jwt = [
  '{"alg":"RS256"}',
  '{"iss":"https://k8s.example.com","sub":"system:serviceaccount:a:b","aud":["sts.amazonaws.com"]}',
  's3cret',
]
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.');

describe('nothing secret gets through', () => {
  const codes = [...new Set(refusals.flatMap((row) => row.codes))];
  const hints = ['', ...refusals.flatMap(({ message }) => message ?? []), 'Invalid response from STS'];

  test('of AWS’s text, for any code, call, status and words', () => {
    const secret = 's3cret-text';
    const errors = fc.record({
      name: fc.constantFrom(...codes, 'Error', 'SomethingNew'),
      status: fc.constantFrom(undefined, 200, 400, 403, 429, 500),
      hint: fc.constantFrom(...hints),
      action: fc.constantFrom('Credentials', 'AssumeRole', 'AssumeRoleWithWebIdentity', call.action),
    });
    fc.assert(
      fc.property(errors, ({ name, status, hint, action }) => {
        const error = thrown(
          {
            name,
            $metadata: { httpStatusCode: status, requestId: secret },
            $response: { body: secret },
            cause: new Error(secret),
          },
          `${hint} ${secret} ${jwt}`,
        );
        const failure = asFetchFailure(error, { action, region: 'eu-west-1', claims: describeClaims(jwt) });
        const all = inspect(failure, { depth: 10, showHidden: true }) + failure.advice;
        expect(all).not.toContain(secret);
        expect(all).not.toContain(jwt);
        expect(all).not.toContain(jwt.split('.')[2]);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['a token', jwt],
    ['a sentence', 'Token s3cret is bad'],
    ['a URL', 'https://s3cret'],
    ['a text with a line break', 'AccessDenied\ns3cret'],
    ['an empty text', ''],
    ['one letter', 'x'],
    ['what is longer than any code', 'x'.repeat(81)],
    ['what begins with a digit', '1s3cret'],
    ['another alphabet', 'Ошибка'],
  ])('in a code that is no word, which is not repeated: %s', (_, word) => {
    for (const error of [thrown({ name: word }), thrown({ code: word, Code: word, cause: { code: word } })]) {
      const { message } = asFetchFailure(error, call);
      expect(message).toBe(`${where}: unknown error`);
    }
  });

  test('though a word beside it is', () => {
    const error = thrown({ name: jwt, code: 'ECONNRESET' });
    expect(asFetchFailure(error, call)).toMatchObject({
      message: `${where}: ECONNRESET`,
      reason: 'unavailable',
    });
  });
});

describe('the claims of a token', () => {
  const token = (payload: unknown) => `h.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.s`;

  test.each([
    ['of one audience', { iss: 'i', sub: 's', aud: 'a' }, 'issuer i, subject s, audience a'],
    ['of several audiences', { iss: 'i', sub: 's', aud: ['a', 'b'] }, 'issuer i, subject s, audience a b'],
    ['that lacks all', {}, 'issuer none, subject none, audience none'],
    [
      'whose claims are no texts',
      { iss: 1, sub: {}, aud: [null] },
      'issuer none, subject none, audience none',
    ],
    [
      'with further claims, which are not told',
      { iss: 'i', sub: 's', aud: 'a', jti: 'x' },
      'issuer i, subject s, audience a',
    ],
  ])('are told: one %s', (_, payload, said) => {
    expect(describeClaims(token(payload))).toBe(said);
  });

  test('are cut where they are long', () => {
    const long = 'x'.repeat(5_000);
    expect(describeClaims(token({ iss: long, sub: long, aud: long }))?.length).toBeLessThan(700);
  });

  test.each(['', 'garbage', 'a.b.c', 'a..b', token(null), `h.${Buffer.from('{').toString('base64url')}.s`])(
    'cannot be read from %j, and then the advice says so',
    (text) => {
      expect(describeClaims(text)).toBeUndefined();
      const error = ofStatus('AccessDenied', 403);
      const action = 'AssumeRoleWithWebIdentity';
      const { advice } = asFetchFailure(error, { action, region: 'r', claims: describeClaims(text) });
      expect(advice).toContain('which has claims that could not be read');
    },
  );

  test('stand in the advice as they are, whatever they hold', () => {
    for (const claims of ['$&', '$1', '{claims}', "$'"]) {
      const error = ofStatus('IDPRejectedClaimException', 400);
      const { advice } = asFetchFailure(error, { action: 'AssumeRoleWithWebIdentity', region: 'r', claims });
      expect(advice).toBe(`the OIDC provider rejects a claim of the token, which has ${claims}`);
    }
  });
});
