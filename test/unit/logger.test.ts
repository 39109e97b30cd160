// The form of a log line: one JSON object, its fields, what becomes of errors and of credentials.
import { describe, expect, test } from 'vitest';
import { type LogLevel, createLogger, logLevels } from '../../src/telemetry/logger.ts';
import { aToken } from '../support/views.ts';

function logging(level: LogLevel = 'debug') {
  const text: string[] = [];
  const log = createLogger({ level, write: (line) => text.push(line) });
  const lines = () => text.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  return { log, text, lines };
}

describe('a line', () => {
  test('is one JSON object that ends with its only line break', () => {
    const { log, text } = logging();
    log.info('a message\nof two lines', { note: 'also\nof two' });
    expect(text).toHaveLength(1);
    expect(text[0]).toMatch(/^\{[^\n]*\}\n$/);
  });

  test('has level, time, message and its fields, and nothing else', () => {
    const { log, lines } = logging();
    log.warn('no token', { region: 'eu-west-1', count: 3, hosts: ['a'] });
    expect(lines()).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/),
        msg: 'no token',
        region: 'eu-west-1',
        count: 3,
        hosts: ['a'],
      },
    ]);
  });

  test.each(logLevels)('bears the level that it was written with: %s', (level) => {
    const { log, lines } = logging();
    log[level]('x');
    expect(lines()).toEqual([{ level, time: expect.any(String), msg: 'x' }]);
  });

  test.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ] as const)('is not written below the level %s', (level, written) => {
    const { log, lines } = logging(level);
    for (const each of logLevels) log[each]('x');
    expect(lines().map((line) => line['level'])).toEqual(written);
  });

  test('says nothing of a field that is undefined', () => {
    const { log, lines } = logging();
    log.info('done', { reason: undefined });
    expect(Object.keys(lines()[0] ?? {})).toEqual(['level', 'time', 'msg']);
  });

  test('is written also for a value that refers to itself', () => {
    const { log, lines } = logging();
    const circular: Record<string, unknown> = { name: 'x' };
    circular['self'] = circular;
    log.error('x', { circular });
    expect(lines()[0]).toMatchObject({ msg: 'x', circular: { name: 'x' } });
  });
});

describe('an error', () => {
  const response = { body: 'hidden-body' };
  const error = Object.assign(new TypeError('it broke', { cause: new Error('hidden-cause') }), { response });

  test('is its type, message and stack', () => {
    const { log, lines } = logging();
    log.error('unexpected error', { error });
    expect(lines()[0]?.['error']).toEqual({ type: 'TypeError', message: 'it broke', stack: error.stack });
  });

  test.each(['error', 'err', 'cause', 'reason'])('has no further properties under the field %s', (field) => {
    const { log, text } = logging();
    log.error('unexpected error', { [field]: error });
    expect(text.join('')).not.toContain('hidden');
  });

  test('may be a text or anything else that was thrown', () => {
    const { log, lines } = logging();
    for (const thrown of ['a text', null, 5, { code: 1 }]) log.error('x', { error: thrown });
    expect(lines().map((line) => line['error'])).toEqual(['a text', null, 5, { code: 1 }]);
  });

  test('shows no credential of its message and stack, and the line stays JSON', () => {
    const { log, text, lines } = logging();
    log.error('x', { error: new Error(`Authorization: Bearer ${'ab12'.repeat(10)}`) });
    expect(text.join('')).not.toContain('ab12ab12');
    expect(lines()[0]).toMatchObject({ error: { message: 'Authorization: Bearer [redacted]' } });
  });
});

describe('a credential', () => {
  const password = 'c2VjcmV0'.repeat(200);

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['as a field', { text: password }],
    ['as a password field of a few characters', { password: 'c2VjcmV0' }],
    ['as a token of ours', { token: aToken({ password }) }],
    ['deep inside', { a: [{ b: { auth: 'c2VjcmV0' } }] }],
    ['in JSON that is a field', { body: JSON.stringify({ auths: { host: { password: 'c2VjcmV0' } } }) }],
  ])('does not appear %s, and the line stays JSON', (_, fields) => {
    const { log, text, lines } = logging();
    log.info('x', fields);
    expect(text.join('')).not.toContain('c2VjcmV0');
    expect(lines()).toHaveLength(1);
  });

  test('does not appear in the message', () => {
    const { log, lines } = logging();
    log.info(`got ${password}`);
    expect(lines()[0]?.['msg']).toBe('got [redacted]');
  });
});
