// What is taken away from a namespace and in which order, and from when on its Secrets are worth nothing. Values only;
// when it is done is tested in reconcile-opted-out.test.ts and reconcile-unselected.test.ts.
import { describe, expect, test } from 'vitest';
import { removalOf, worthlessAt } from '../../src/domain/leaving.ts';
import { aSecret, aServiceAccount, midnight, twelveHours } from '../support/views.ts';

describe('what is taken away', () => {
  test('are all entries before the first Secret, so that no pod is made with a pull secret that is not there', () => {
    const secrets = [aSecret(), aSecret({ name: 'old' })];
    const serviceAccounts = [
      aServiceAccount({ pullSecrets: ['theirs', 'old', 'ecr-pull-secret'] }),
      aServiceAccount({ name: 'builder', pullSecrets: ['ecr-pull-secret', 'ecr-pull-secret'] }),
      aServiceAccount({ name: 'other', pullSecrets: ['theirs'] }),
      aServiceAccount({ name: 'none' }),
    ];
    expect(removalOf({ serviceAccounts, names: ['ecr-pull-secret', 'old'], secrets })).toEqual([
      { kind: 'detach', serviceAccount: 'default', secretName: 'ecr-pull-secret' },
      { kind: 'detach', serviceAccount: 'default', secretName: 'old' },
      { kind: 'detach', serviceAccount: 'builder', secretName: 'ecr-pull-secret' },
      { kind: 'delete-secret', secret: secrets[0] },
      { kind: 'delete-secret', secret: secrets[1] },
    ]);
  });

  test('is nothing where there is nothing', () => {
    expect(removalOf({ serviceAccounts: [aServiceAccount()], names: ['x'], secrets: [] })).toEqual([]);
  });
});

describe('Secrets are worth nothing', () => {
  const until = (...expiries: readonly number[]) =>
    aSecret({
      annotations: {
        tokens: JSON.stringify(
          Object.fromEntries(expiries.map((expires, index) => [`k${index}`, { issued: 1, expires }])),
        ),
      },
    });

  test('when the last of all their tokens has expired', () => {
    expect(worthlessAt([aSecret()])).toBe((midnight + twelveHours) * 1_000);
    expect(worthlessAt([until(30, 50, 40)])).toBe(50_000);
    expect(worthlessAt([until(30), until(70, 10), until(60)])).toBe(70_000);
  });

  test.each([
    ['there is no record', {}],
    ['it is no JSON', { tokens: '?' }],
    ['a moment is not one', { tokens: '{"k":{"issued":1,"expires":"soon"}}' }],
    ['it is empty', { tokens: '{}' }],
  ])('never, as far as we know, where %s', (_, annotations) => {
    const secret = { ...aSecret(), annotations };
    expect(worthlessAt([secret])).toBe(Infinity);
    expect(worthlessAt([until(30), secret])).toBe(Infinity);
  });
});
