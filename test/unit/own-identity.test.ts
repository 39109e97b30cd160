// The identity that a namespace asks for itself: what refuses it, in this order; whose role it is; and that nothing of another
// namespace or of an earlier one gets in. Values only; the rest of what annotations give is in the tests of intent.
import { describe, expect, test } from 'vitest';
import { readWishes } from '../../src/domain/annotations.ts';
import { identityHash } from '../../src/domain/identity.ts';
import { readIntent } from '../../src/domain/intent.ts';
import { type FindServiceAccount, ownIdentity } from '../../src/domain/own-identity.ts';
import type { ServiceAccountView } from '../../src/domain/views.ts';
import { aNamespace, aNamespaceIdentity, aServiceAccount, aSettings, usualHost } from '../support/views.ts';

const role = 'arn:aws:iam::111122223333:role/puller';
const other = 'arn:aws:iam::111122223333:role/other';
const settings = aSettings({
  clusterName: 'prod',
  identity: { serviceAccounts: ['puller', 'builder'], audience: 'sts.amazonaws.com' },
});

/** A namespace whose ServiceAccounts are these. */
const having =
  (...accounts: readonly Partial<ServiceAccountView>[]): FindServiceAccount =>
  (name) =>
    accounts
      .map((account) => aServiceAccount({ name: 'puller', ...account }))
      .find((one) => one.name === name);

type Annotations = Readonly<Record<string, string>>;

function ask(annotations: Annotations, find: FindServiceAccount = having({ roleArn: role }), by = settings) {
  return ownIdentity('team-a', readWishes(annotations), by, find);
}

/** What is refused, by the words that a person goes by. */
function refusalOf(annotations: Annotations, find?: FindServiceAccount, by = settings): string {
  const asked = ask(annotations, find, by);
  return 'problem' in asked ? asked.problem.note : `granted ${asked.identity.roleArn}`;
}

describe('is refused', () => {
  const puller = { 'identity-service-account': 'puller' };
  const nobody = having();
  const roleless = having({});

  test.each<[string, Annotations]>([
    ['before anything', puller],
    ['before a role alone', { 'role-arn': 'x' }],
    ['before a name that is not listed', { 'identity-service-account': 'x' }],
  ])('where the feature is off, %s', (_, annotations) => {
    expect(refusalOf(annotations, having({ roleArn: role }), aSettings())).toMatch(
      /allows no namespace an identity of its own/,
    );
  });

  test.each<[string, Annotations, FindServiceAccount, RegExp]>([
    ['for a role alone', { 'role-arn': role }, nobody, /role-arn counts only together with/],
    [
      'for a role alone, before the role being none',
      { 'role-arn': 'x' },
      nobody,
      /counts only together with/,
    ],
    [
      'for a name that is not listed',
      { 'identity-service-account': 'default' },
      nobody,
      /"default".*not among/,
    ],
    [
      'for a name that is not listed, before it being absent',
      { 'identity-service-account': 'x' },
      nobody,
      /not among/,
    ],
    ['for an empty name', { 'identity-service-account': '' }, nobody, /names "", which is not among/],
    ['for white space', { 'identity-service-account': ' \t' }, nobody, /names "", which is not among/],
    [
      'for two names',
      { 'identity-service-account': 'puller,builder' },
      nobody,
      /"puller,builder".*not among/,
    ],
    ['for a path', { 'identity-service-account': '../team-b/puller' }, nobody, /not among/],
    ['for a listed name in another case', { 'identity-service-account': 'Puller' }, nobody, /not among/],
    ['for a name that every object has', { 'identity-service-account': 'constructor' }, nobody, /not among/],
    ['without such a ServiceAccount', puller, nobody, /has no such ServiceAccount: create it/],
    [
      'without it, before the role being none',
      { ...puller, 'role-arn': 'x' },
      nobody,
      /no such ServiceAccount/,
    ],
    [
      'with another listed one only',
      puller,
      having({ name: 'builder', roleArn: role }),
      /no such ServiceAccount/,
    ],
    ['without any role', puller, roleless, /no role for ServiceAccount "puller"/],
    [
      'for a role that is none',
      { ...puller, 'role-arn': 'puller' },
      roleless,
      /role-arn is "puller": it must be/,
    ],
    [
      'for an empty role',
      { ...puller, 'role-arn': '' },
      roleless,
      /ecr-pull-secrets\/role-arn is "": it must be/,
    ],
    [
      'for an empty role, though the ServiceAccount has one',
      { ...puller, 'role-arn': ' ' },
      having({ roleArn: role }),
      /ecr-pull-secrets\/role-arn is ""/,
    ],
    [
      'for a user',
      { ...puller, 'role-arn': 'arn:aws:iam::111122223333:user/x' },
      roleless,
      /must be the ARN of a role/,
    ],
    [
      'for a role of no partition',
      { ...puller, 'role-arn': 'arn:aws-moon:iam::111122223333:role/x' },
      roleless,
      /must be the ARN of a role/,
    ],
    [
      'for a place that only profiles have',
      { ...puller, 'role-arn': 'arn:aws:iam::111122223333:role/{namespace}' },
      roleless,
      /must be the ARN/,
    ],
    [
      'for a role of the ServiceAccount that is none',
      puller,
      having({ roleArn: 'x' }),
      /eks\.amazonaws\.com\/role-arn of ServiceAccount "puller" is "x"/,
    ],
    [
      'for an empty role of the ServiceAccount',
      puller,
      having({ roleArn: '' }),
      /of ServiceAccount "puller" is ""/,
    ],
  ])('%s', (_, annotations, find, words) => {
    expect(refusalOf(annotations, find)).toMatch(words);
    const namespace = aNamespace({ annotations: { enabled: 'true', ...annotations } });
    const decision = readIntent(namespace, settings, find);
    expect(decision.kind).toBe('refused');
    expect(decision.problems.map(({ reason }) => reason)).toEqual(['IdentityRefused']);
  });

  test('without asking for the ServiceAccount where it is not listed', () => {
    const asked: string[] = [];
    refusalOf({ 'identity-service-account': 'default', 'role-arn': role }, (name) => {
      asked.push(name);
      return aServiceAccount({ name, roleArn: role });
    });
    expect(asked).toEqual([]);
  });
});

describe('is granted', () => {
  const granted = (roleArn: string, overrides = {}) => ({
    identity: aNamespaceIdentity({ roleArn, sessionName: 'ecr-pull-secrets-prod-team-a', ...overrides }),
  });

  test.each<[string, Annotations, Partial<ServiceAccountView>, string]>([
    ['with the role of the annotation', { 'role-arn': role }, {}, role],
    ['with the role of the ServiceAccount', {}, { roleArn: role }, role],
    ['with that of the annotation where both have one', { 'role-arn': role }, { roleArn: other }, role],
    ['with that of the annotation where the other is none', { 'role-arn': role }, { roleArn: 'x' }, role],
    ['without white space around the annotation', { 'role-arn': `\n ${role}\t` }, { roleArn: other }, role],
    ['without white space around that of the ServiceAccount', {}, { roleArn: ` ${role}\n` }, role],
  ])('%s', (_, annotations, account, roleArn) => {
    expect(ask({ 'identity-service-account': ' puller\n', ...annotations }, having(account))).toEqual(
      granted(roleArn),
    );
  });

  test('to each ServiceAccount that is listed', () => {
    const find = having({ name: 'builder', roleArn: other, uid: 'u2' }, { roleArn: role });
    expect(ask({ 'identity-service-account': 'builder' }, find)).toEqual(
      granted(other, { serviceAccount: 'builder', uid: 'u2' }),
    );
  });

  test('with the audience of the configuration', () => {
    const audience = 'sts.amazonaws.com.cn';
    const by = { ...settings, identity: { ...settings.identity, audience } };
    expect(ask({ 'identity-service-account': 'puller' }, undefined, by)).toMatchObject({
      identity: { audience },
    });
  });

  test('for the namespace’s registries and for the defaults alike, as its identity', () => {
    for (const annotations of [{ enabled: 'true' }, { registries: usualHost }]) {
      const decision = readIntent(
        aNamespace({ annotations: { ...annotations, 'identity-service-account': 'puller' } }),
        settings,
        having({ roleArn: role }),
      );
      expect(decision).toMatchObject({ kind: 'wanted', problems: [] });
      expect(decision).toHaveProperty('intent.wanted', [
        { registry: settings.registries[0], ...granted(role) },
      ]);
    }
  });
});

describe('is another identity, with a token of its own,', () => {
  const hashOf = (account: Partial<ServiceAccountView>, namespace = 'team-a', by = settings): string => {
    const wishes = readWishes({ 'identity-service-account': account.name ?? 'puller' });
    const asked = ownIdentity(namespace, wishes, by, having({ roleArn: role, ...account }));
    return 'identity' in asked ? identityHash(asked.identity) : asked.problem.note;
  };

  test.each([
    ['where the ServiceAccount was made anew', hashOf({ uid: 'made-anew' })],
    ['where its role changed', hashOf({ roleArn: other })],
    ['for another ServiceAccount', hashOf({ name: 'builder' })],
    ['for another namespace with the same role', hashOf({}, 'team-b')],
    ['in another cluster', hashOf({}, 'team-a', { ...settings, clusterName: 'test' })],
  ])('%s', (_, hash) => {
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(hash).not.toBe(hashOf({}));
  });

  test('but the same where only its pull secrets changed', () => {
    expect(hashOf({ pullSecrets: ['x'], resourceVersion: '99' })).toBe(hashOf({}));
  });
});
