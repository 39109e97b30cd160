// How each annotation of a Namespace is read by itself. What the values mean together is tested in intent.test.ts.
import { describe, expect, test } from 'vitest';
import { namespaceAnnotations, readWishes } from '../../src/domain/annotations.ts';

describe('a namespace without annotations', () => {
  test('wishes nothing', () => {
    expect(readWishes({})).toEqual({
      enabled: undefined,
      registries: undefined,
      profiles: undefined,
      identityServiceAccount: undefined,
      roleArn: undefined,
      attachTo: undefined,
      keys: [],
      problems: [],
    });
  });
});

describe('enabled', () => {
  test.each([
    ['true', true],
    ['false', false],
    ['True', true],
    ['FALSE', false],
    [' true\n', true],
  ])('%j is read as it is meant', (value, enabled) => {
    expect(readWishes({ enabled: value })).toMatchObject({ enabled, problems: [] });
  });

  test.each(['', 'yes', 'no', '1', '0', 'on', 'truee', 'true false', 'null', '"true"'])(
    '%j is neither, and the Warning names the key, the value and the cure',
    (value) => {
      const { enabled, problems } = readWishes({ enabled: value });
      expect(enabled).toBe('unreadable');
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatchObject({
        reason: 'AnnotationInvalid',
        subject: 'ecr-pull-secrets/enabled',
        note: expect.stringContaining(`annotation ecr-pull-secrets/enabled is ${JSON.stringify(value)}`),
      });
      expect(problems[0]?.note).toContain('write "true" or "false"');
    },
  );
});

describe('lists', () => {
  test.each([
    ['one', 'a', ['a']],
    ['separated by commas', 'a,b,c', ['a', 'b', 'c']],
    ['separated by white space', 'a b\tc\nd', ['a', 'b', 'c', 'd']],
    ['separated by both, with spare ones', ' a , b,,\n  c, ', ['a', 'b', 'c']],
    ['none', '', []],
    ['only separators', ' , ,\n', []],
  ])('of registries and of profiles are read: %s', (_, text, list) => {
    expect(readWishes({ registries: text }).registries).toEqual(list);
    expect(readWishes({ profile: text }).profiles).toEqual(list);
  });

  test.each([
    ['one name', 'builder', ['builder']],
    ['two names', 'default, builder', ['default', 'builder']],
    ['none, as a word', 'none', []],
    ['none with white space', ' none ', []],
    ['a name that begins with none', 'nonesuch', ['nonesuch']],
    ['none among others, which is then a name like others', 'none, default', ['none', 'default']],
  ])('of ServiceAccounts are read: %s', (_, text, list) => {
    expect(readWishes({ 'attach-to': text }).attachTo).toEqual(list);
  });
});

describe('an identity of its own', () => {
  test('is read by ServiceAccount and role, without white space around them', () => {
    const annotations = {
      'identity-service-account': ' puller ',
      'role-arn': '\tarn:aws:iam::111122223333:role/x\n',
    };
    expect(readWishes(annotations)).toMatchObject({
      identityServiceAccount: 'puller',
      roleArn: 'arn:aws:iam::111122223333:role/x',
    });
  });

  test('is wished even by an empty value', () => {
    expect(readWishes({ 'role-arn': '' })).toMatchObject({ identityServiceAccount: undefined, roleArn: '' });
  });

  test('is not wished by other keys', () => {
    expect(readWishes({ enabled: 'true', registries: 'a', 'attach-to': 'b' })).toMatchObject({
      identityServiceAccount: undefined,
      roleArn: undefined,
    });
  });
});

describe('a key that is not known', () => {
  test.each(['enable', 'Enabled', 'registry', 'expires-at', 'constructor', 'toString'])(
    'is a Warning that names it and those that are known: %s',
    (key) => {
      const { problems, keys } = readWishes({ [key]: 'true' });
      expect(keys).toEqual([key]);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatchObject({ reason: 'AnnotationUnknown', subject: `ecr-pull-secrets/${key}` });
      expect(problems[0]?.note).toContain(`ecr-pull-secrets/${key} is not known`);
      for (const known of Object.keys(namespaceAnnotations)) expect(problems[0]?.note).toContain(known);
    },
  );

  test('has no influence on the others', () => {
    const wishes = readWishes({ enabled: 'true', registries: 'a', typo: 'x' });
    expect(wishes).toMatchObject({ enabled: true, registries: ['a'] });
    expect(wishes.problems.map(({ reason }) => reason)).toEqual(['AnnotationUnknown']);
  });

  test('is reported each, beside an unreadable value', () => {
    const { problems } = readWishes({ enabled: 'maybe', typo: 'x', another: 'y' });
    expect(problems.map(({ subject }) => subject)).toEqual([
      'ecr-pull-secrets/enabled',
      'ecr-pull-secrets/typo',
      'ecr-pull-secrets/another',
    ]);
  });
});

test.each([
  ['letters', 'x'],
  ['control characters', '\u0001'],
  ['emoji', '🐳'],
  ['quotation marks', '"'],
])('a value of 10,000 %s is repeated in part only, so that the message fits into an Event', (_, letter) => {
  for (const { note } of readWishes({ enabled: letter.repeat(10_000) }).problems) {
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_000);
    expect(note).not.toMatch(/\p{Cc}/u);
  }
});
