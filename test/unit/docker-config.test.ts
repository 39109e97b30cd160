// The bytes of the `.dockerconfigjson` document, and how it is read back. Which hosts stand in it is decided elsewhere.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DockerAuth, readDockerConfig, writeDockerConfig } from '../../src/domain/docker-config.ts';
import { SecretText } from '../../src/domain/token.ts';
import { hostIn } from '../support/views.ts';

const auth = (password: string, username = 'AWS'): DockerAuth => ({
  username,
  password: new SecretText(password),
});
const inIreland = hostIn('eu-west-1');
const inOhio = hostIn('us-east-2');

/** Entries as plain values; Secrets of different text would look equal. */
const plain = (auths: ReadonlyMap<string, DockerAuth>) =>
  [...auths].map(([host, { username, password }]) => [host, username, password.reveal()] as const);

describe('the document', () => {
  test('has one entry a host with user name, password and both in base64, without scheme and e-mail', () => {
    const document = writeDockerConfig(new Map([[inIreland, auth('pa:ss')]]));
    expect(document.reveal()).toBe(
      `{"auths":{"${inIreland}":{"username":"AWS","password":"pa:ss","auth":"QVdTOnBhOnNz"}}}`,
    );
  });

  test('has the same bytes in whatever order the entries come, sorted by host', () => {
    const one = new Map([
      [inOhio, auth('b')],
      [inIreland, auth('a')],
    ]);
    const other = new Map([...one].toReversed());
    expect(writeDockerConfig(other).reveal()).toBe(writeDockerConfig(one).reveal());
    expect(Object.keys((JSON.parse(writeDockerConfig(one).reveal()) as { auths: object }).auths)).toEqual([
      inIreland,
      inOhio,
    ]);
  });

  test('has an empty mapping where there is no entry', () => {
    expect(writeDockerConfig(new Map()).reveal()).toBe('{"auths":{}}');
  });

  test('does not print', () => {
    expect(String(writeDockerConfig(new Map([[inIreland, auth('hidden')]])))).toBe('[redacted]');
  });

  test('decodes to user name and password for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (password) => {
        const text = writeDockerConfig(new Map([[inIreland, auth(password)]])).reveal();
        const document = JSON.parse(text) as { auths: Record<string, { auth: string }> };
        const decoded = Buffer.from(document.auths[inIreland]?.auth ?? '', 'base64').toString();
        expect(decoded).toBe(`AWS:${password}`);
      }),
    );
  });
});

describe('reading', () => {
  test('gives what was written, sorted by host', () => {
    const hosts = fc.uniqueArray(fc.domain(), { minLength: 0, maxLength: 6 });
    fc.assert(
      fc.property(hosts, fc.string(), (some, password) => {
        const auths = new Map(some.map((host, index) => [host, auth(`${password}${index}`)]));
        const expected = plain(auths).toSorted(([a], [b]) => (a < b ? -1 : 1));
        expect(plain(readDockerConfig(writeDockerConfig(auths)))).toEqual(expected);
      }),
    );
  });

  test.each([
    ['no JSON', '{"auths":'],
    ['nothing', ''],
    ['null', 'null'],
    ['a number', '1'],
    ['a text', '"auths"'],
    ['a list', '[]'],
    ['without auths', '{"credsStore":"ecr-login"}'],
    ['with auths that are null', '{"auths":null}'],
    ['with auths that are a text', '{"auths":"abc"}'],
    ['with auths that are a number', '{"auths":1}'],
  ])('gives nothing of a document that is %s', (_, document) => {
    expect(plain(readDockerConfig(new SecretText(document)))).toEqual([]);
  });

  test.each([
    ['null', 'null'],
    ['a text', '"x"'],
    ['without user name', '{"password":"p"}'],
    ['without password', '{"username":"AWS"}'],
    ['with auth only', '{"auth":"QVdTOnA="}'],
    ['with a password that is a number', '{"username":"AWS","password":1}'],
  ])('leaves out an entry that is %s and keeps the others', (_, entry) => {
    const document = `{"auths":{"${inIreland}":${entry},"${inOhio}":{"username":"AWS","password":"p"}}}`;
    expect(plain(readDockerConfig(new SecretText(document)))).toEqual([[inOhio, 'AWS', 'p']]);
  });

  test('never fails, whatever JSON the document is', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const inside = readDockerConfig(new SecretText(`{"auths":${text}}`));
        for (const [, username, password] of plain(inside)) {
          expect([typeof username, typeof password]).toEqual(['string', 'string']);
        }
        expect(readDockerConfig(new SecretText(text))).toBeInstanceOf(Map);
      }),
    );
  });
});
