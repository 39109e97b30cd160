// Who asks AWS: when two identities are the same, and what messages call them. Their sessions' names are tested in
// session-names.test.ts, their roles in identity-roles.test.ts.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Identity, describeIdentity, identityHash } from '../../src/domain/identity.ts';
import { aDefaultIdentity, aNamespaceIdentity, aRole, aWebIdentity } from '../support/views.ts';

const reader = 'arn:aws:iam::111122223333:role/reader';

describe('the hash of an identity', () => {
  const others: readonly (readonly [string, Identity])[] = [
    ['nothing', aDefaultIdentity()],
    ['the role of the environment', aDefaultIdentity({ roleArn: reader })],
    ['the profile', aDefaultIdentity({ profile: reader })],
    ['the access key', aDefaultIdentity({ accessKeyId: reader })],
    ['the session name', aDefaultIdentity({ sessionName: reader })],
    ['being a role that is assumed', aRole()],
    ['the role that is assumed', aRole({ roleArn: reader })],
    ['the external id', aRole({ externalId: 'partner' })],
    ['another external id', aRole({ externalId: 'partner-2' })],
    ['a tag', aRole({ tags: { team: 'a' } })],
    ['the value of a tag', aRole({ tags: { team: 'b' } })],
    ['a tag without a value', aRole({ tags: { team: '' } })],
    ['the key of a tag', aRole({ tags: { Team: 'a' } })],
    ['one more tag', aRole({ tags: { team: 'a', tier: 'b' } })],
    ['the values of two tags being swapped', aRole({ tags: { team: 'b', tier: 'a' } })],
    ['the session name of the assumed role', aRole({ sessionName: 'other' })],
    ['the role of its base', aRole({ base: aDefaultIdentity({ roleArn: reader }) })],
    ['the profile of its base', aRole({ base: aDefaultIdentity({ profile: reader }) })],
    ['the access key of its base', aRole({ base: aDefaultIdentity({ accessKeyId: reader }) })],
    ['the session name of its base', aRole({ base: aDefaultIdentity({ sessionName: 'other' }) })],
    ['assuming the role by web identity', aWebIdentity()],
    ['the role by web identity', aWebIdentity({ roleArn: reader })],
    ['the session name by web identity', aWebIdentity({ sessionName: 'other' })],
    ['assuming the role as a namespace', aNamespaceIdentity()],
    ['the namespace', aNamespaceIdentity({ namespace: 'team-b' })],
    ['the ServiceAccount', aNamespaceIdentity({ serviceAccount: 'other' })],
    ['the uid of the ServiceAccount', aNamespaceIdentity({ uid: 'made-anew' })],
    ['the audience', aNamespaceIdentity({ audience: 'sts.amazonaws.com.cn' })],
    ['the role of a namespace', aNamespaceIdentity({ roleArn: reader })],
    ['the session name of a namespace', aNamespaceIdentity({ sessionName: 'other' })],
  ];

  test.each(others)('tells one apart that differs by %s', (_, identity) => {
    const same = others.filter(([, other]) => identityHash(other) === identityHash(identity));
    expect(same).toHaveLength(1);
    expect(identityHash(identity)).toMatch(/^[0-9a-f]{16}$/);
  });

  test('is the same for equal ones, whatever the order of their fields', () => {
    const { kind, base, roleArn, externalId, tags, sessionName } = aRole();
    expect(identityHash({ sessionName, tags, roleArn, externalId, base, kind })).toBe(identityHash(aRole()));
    const own = Object.entries(aNamespaceIdentity());
    expect(identityHash(Object.fromEntries(own.toReversed()) as unknown as Identity)).toBe(
      identityHash(aNamespaceIdentity()),
    );
  });

  test('is the same whatever the order of tags, of which there are as many as STS takes', () => {
    const keys = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 50 });
    fc.assert(
      fc.property(keys, fc.infiniteStream(fc.nat()), (names, order) => {
        const tags = names.map((name, index) => [name, `value ${index}`] as const);
        const mixed = tags
          .map((tag) => ({ tag, place: order.next().value ?? 0 }))
          .toSorted((a, b) => a.place - b.place)
          .map(({ tag }) => tag);
        const one = aRole({ tags: Object.fromEntries(tags) });
        expect(identityHash(aRole({ tags: Object.fromEntries(mixed) }))).toBe(identityHash(one));
        const [first = '', ...rest] = names;
        const changed = { ...one.tags, [first]: 'changed' };
        const fewer = Object.fromEntries(rest.map((name) => [name, one.tags[name] ?? '']));
        expect(identityHash(aRole({ tags: changed }))).not.toBe(identityHash(one));
        expect(identityHash(aRole({ tags: fewer }))).not.toBe(identityHash(one));
      }),
    );
  });

  test('is written down, since another one rewrites every Secret of every installation', () => {
    const kinds: readonly Identity[] = [aDefaultIdentity(), aRole(), aWebIdentity(), aNamespaceIdentity()];
    expect(kinds.map((identity) => `${identity.kind} ${identityHash(identity)}`)).toMatchInlineSnapshot(`
      [
        "default 6b3ea7fc6c8b467f",
        "chain 33a6d1bbd653b564",
        "webIdentity 75dac76aa8bef21c",
        "namespace 92cbf474ae0d2a6c",
      ]
    `);
  });

  test.each<[string, readonly string[], (fields: Readonly<Record<string, string>>) => Identity]>([
    [
      'the default',
      ['roleArn', 'profile', 'accessKeyId', 'sessionName'],
      (fields) => aDefaultIdentity(fields),
    ],
    ['a role', ['roleArn', 'externalId', 'sessionName'], (fields) => aRole(fields)],
    ['a role with tags', ['a', 'b', 'c'], (tags) => aRole({ tags })],
    ['a web identity', ['roleArn', 'sessionName'], (fields) => aWebIdentity(fields)],
    [
      'a namespace',
      ['namespace', 'serviceAccount', 'uid', 'audience', 'roleArn', 'sessionName'],
      (fields) => aNamespaceIdentity(fields),
    ],
  ])('is not confused by texts that look like the form it is made from: %s', (_, names, make) => {
    const texts = fc.stringMatching(/^[a",\][{}]{0,3}$/);
    const fields = fc.record(Object.fromEntries(names.map((name) => [name, texts])));
    fc.assert(
      fc.property(fields, fields, (one, other) => {
        const equal = names.every((name) => one[name] === other[name]);
        expect(identityHash(make(one)) === identityHash(make(other))).toBe(equal);
      }),
    );
  });
});

describe('messages call an identity', () => {
  test.each<[string, Identity, string]>([
    ['by its role', aRole({ roleArn: reader }), reader],
    ['by its role where that comes by web identity', aWebIdentity({ roleArn: reader }), reader],
    ['by the role of the environment', aDefaultIdentity({ roleArn: reader, profile: 'dev' }), reader],
    ['by its profile where there is no role', aDefaultIdentity({ profile: 'dev' }), 'AWS profile dev'],
    ['the default credentials where there is neither', aDefaultIdentity(), 'the default AWS credentials'],
    [
      'the default credentials, never by an access key',
      aDefaultIdentity({ accessKeyId: 'AKIAX' }),
      'the default AWS credentials',
    ],
    [
      'by role and ServiceAccount where a namespace chose them',
      aNamespaceIdentity({ roleArn: reader }),
      `${reader} by ServiceAccount puller`,
    ],
  ])('%s', (_, identity, name) => {
    expect(describeIdentity(identity)).toBe(name);
  });

  test('by the beginning of a role whose ARN is longer than an Event bears', () => {
    const roleArn = `arn:aws:iam::111122223333:role/${'x'.repeat(2_000)}`;
    for (const identity of [
      aDefaultIdentity({ roleArn }),
      aRole({ roleArn }),
      aWebIdentity({ roleArn }),
      aNamespaceIdentity({ roleArn, serviceAccount: 's'.repeat(253) }),
    ]) {
      expect(describeIdentity(identity).slice(0, 200)).toBe(roleArn.slice(0, 200));
      expect(Buffer.byteLength(describeIdentity(identity))).toBeLessThan(300);
    }
  });

  test('never by an external id, which some take for a secret, nor by a uid', () => {
    expect(describeIdentity(aRole({ externalId: 'partner', tags: { team: 'x' } }))).not.toMatch(
      /partner|team/,
    );
    expect(describeIdentity(aNamespaceIdentity())).not.toContain('account-uid');
  });
});
