// A token's text that never shows, its key, and the record of its times on the Secret.
import { format, inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  SecretText,
  type TokenSource,
  readTokenTimes,
  tokenKey,
  writeTokenTimes,
} from '../../src/domain/token.ts';
import { aDefaultIdentity, aRole, aToken } from '../support/views.ts';

const hidden = 'hidden-password';
const secret = new SecretText(hidden);
const token = aToken({ password: hidden });

/** An Error with the token as a property, as a careless adapter might throw it. */
const carrying = Object.assign(new Error(`refused: ${String(secret)}`, { cause: token }), { secret, token });

describe('secret text', () => {
  test('is given to who asks for it', () => {
    expect(secret.reveal()).toBe(hidden);
  });

  test.each([
    ['String()', () => String(secret)],
    ['a template', () => `<${secret as unknown as string}>`],
    ['joining', () => [secret, 'x'].join()],
    ['addition', () => '<'.concat(secret as unknown as string)],
    ['JSON', () => JSON.stringify({ secret })],
    ['JSON of the token around it', () => JSON.stringify(token)],
    ['inspect', () => inspect(secret)],
    ['inspect, deep in a value', () => inspect({ a: [{ b: token }] }, { depth: Infinity })],
    ['inspect with hidden properties', () => inspect(token, { showHidden: true, getters: true })],
    ['inspect without our own form', () => inspect(token, { customInspect: false, showHidden: true })],
    ['console with %s', () => format('%s %s', secret, token)],
    ['console with %o', () => format('%o', token)],
    ['console with %O', () => format('%O', token)],
    ['console with %j', () => format('%j', token)],
    ['console with %d and %i', () => format('%d %i', secret, secret)],
    ['console without a format', () => format(secret, token)],
    ['the message of an Error', () => new Error(`refused: ${String(secret)}`).message],
    ['an Error that carries it', () => inspect(carrying, { depth: Infinity })],
    ['its keys and values', () => format('%j', [Object.entries(secret), Object.getOwnPropertyNames(secret)])],
    ['a copy of its properties', () => format('%o', Object.assign({}, secret))],
    ['a structured clone', () => inspect(structuredClone(secret), { showHidden: true })],
  ])('does not print by %s', (_, print) => {
    expect(print()).not.toContain(hidden);
  });

  test('prints that something was there', () => {
    expect([String(secret), JSON.stringify(secret), inspect(secret), format('%s', secret)]).toEqual([
      '[redacted]',
      '"[redacted]"',
      '[redacted]',
      '[redacted]',
    ]);
  });
});

describe('the key of a token', () => {
  const source: TokenSource = { identity: aDefaultIdentity(), service: 'private', region: 'eu-west-1' };

  test('is identity, service and region', () => {
    expect(tokenKey(source)).toMatch(/^[0-9a-f]{16}\/private\/eu-west-1$/);
  });

  test('is another one for another region and another identity, the same for an equal identity', () => {
    expect(tokenKey({ ...source, region: 'eu-west-3' })).not.toBe(tokenKey(source));
    expect(tokenKey({ ...source, identity: aRole() })).not.toBe(tokenKey(source));
    expect(tokenKey({ ...source, identity: aDefaultIdentity() })).toBe(tokenKey(source));
  });
});

const seconds = fc.integer({ min: 0, max: 8_000_000_000 });
const records = fc.array(
  fc.tuple(
    fc.stringMatching(/^[0-9a-f]{4}\/private\/[a-z]{2}-west-\d$/),
    fc.record({ issued: seconds, expires: seconds }),
  ),
);

describe('the record of times', () => {
  test('is sorted by key and holds issue and expiry only', () => {
    const times = new Map([
      ['b/private/us-east-2', { ...token, issued: 1, expires: 2 }],
      ['a/private/us-east-2', { issued: 3, expires: 4 }],
    ]);
    expect(writeTokenTimes(times)).toBe(
      '{"a/private/us-east-2":{"issued":3,"expires":4},"b/private/us-east-2":{"issued":1,"expires":2}}',
    );
  });

  test('is the same text in whatever order the tokens come, and reads as it was written', () => {
    fc.assert(
      fc.property(records, (entries) => {
        const times = new Map(entries);
        const text = writeTokenTimes(times);
        expect(writeTokenTimes(new Map([...times].toReversed()))).toBe(text);
        expect(readTokenTimes(text)).toEqual(times);
      }),
    );
  });

  test('may be empty', () => {
    expect(readTokenTimes('{}')).toEqual(new Map());
  });

  test.each([
    ['absent', undefined],
    ['empty', ''],
    ['no JSON', '{"a":{"issued":1,"expires":2}'],
    ['YAML', 'a: {issued: 1, expires: 2}'],
    ['null', 'null'],
    ['a number', '1'],
    ['a text', '"a"'],
    ['a list', '[{"issued":1,"expires":2}]'],
    ['a record of null', '{"a":null}'],
    ['a record of numbers', '{"a":1}'],
    ['a record of texts', '{"a":"1"}'],
    ['without expiry', '{"a":{"issued":1}}'],
    ['without issue', '{"a":{"expires":1}}'],
    ['with times as text', '{"a":{"issued":"1","expires":"2"}}'],
    ['with fractions', '{"a":{"issued":1.5,"expires":2}}'],
    ['with numbers beyond what is exact', '{"a":{"issued":1,"expires":1e300}}'],
    ['with a moment beyond any date', '{"a":{"issued":1,"expires":9007199254740991}}'],
    ['with a moment before any date', '{"a":{"issued":-9007199254740991,"expires":-9007199254740991}}'],
    ['good but for one token', '{"a":{"issued":1,"expires":2},"b":{"issued":1,"expires":null}}'],
  ])('says nothing where it is %s', (_, text) => {
    expect(readTokenTimes(text)).toBeUndefined();
  });

  test('never fails, whatever it is, and gives only whole seconds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        for (const { issued, expires } of readTokenTimes(text)?.values() ?? []) {
          expect([Number.isSafeInteger(issued), Number.isSafeInteger(expires)]).toEqual([true, true]);
        }
      }),
    );
  });
});
