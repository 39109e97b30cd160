// Who asks AWS: when two identities are the same, the name of their sessions, and what messages call them.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Identity,
  describeIdentity,
  identityHash,
  sharedSessionName,
} from '../../src/domain/identity.ts';
import { aDefaultIdentity, aRole } from '../support/views.ts';

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
    ['the session name of the assumed role', aRole({ sessionName: 'other' })],
    ['the role of its base', aRole({ base: aDefaultIdentity({ roleArn: reader }) })],
    ['the profile of its base', aRole({ base: aDefaultIdentity({ profile: reader }) })],
    ['the access key of its base', aRole({ base: aDefaultIdentity({ accessKeyId: reader }) })],
    ['the session name of its base', aRole({ base: aDefaultIdentity({ sessionName: 'other' }) })],
  ];

  test.each(others)('tells one apart that differs by %s', (_, identity) => {
    const same = others.filter(([, other]) => identityHash(other) === identityHash(identity));
    expect(same).toHaveLength(1);
    expect(identityHash(identity)).toMatch(/^[0-9a-f]{16}$/);
  });

  test('is the same for equal ones, whatever the order of their fields', () => {
    const { kind, base, roleArn, sessionName } = aRole();
    expect(identityHash({ sessionName, roleArn, base, kind })).toBe(identityHash(aRole()));
  });

  test('is written down, since another one rewrites every Secret of every installation', () => {
    expect([identityHash(aDefaultIdentity()), identityHash(aRole())]).toMatchInlineSnapshot(`
      [
        "6b3ea7fc6c8b467f",
        "e7fe33c37ac7585c",
      ]
    `);
  });

  test('is not confused by texts that look like the form it is made from', () => {
    const texts = fc.stringMatching(/^[a",\][]{0,4}$/);
    const fields = fc.record({ roleArn: texts, profile: texts, accessKeyId: texts, sessionName: texts });
    fc.assert(
      fc.property(fields, fields, (one, other) => {
        const equal = JSON.stringify(one) === JSON.stringify(other);
        const [first, second] = [aDefaultIdentity(one), aDefaultIdentity(other)];
        expect(identityHash(first) === identityHash(second)).toBe(equal);
      }),
    );
  });
});

describe('the session name that namespaces share', () => {
  test.each([
    ['ours alone where the cluster has no name', '', 'ecr-pull-secrets'],
    ['with the name of the cluster', 'prod-eu', 'ecr-pull-secrets-prod-eu'],
    ['with a name that STS allows as it is', 'a+b=c,d.e@f_g', 'ecr-pull-secrets-a+b=c,d.e@f_g'],
    ['with other characters replaced', 'prod eu/1:ü', 'ecr-pull-secrets-prod-eu-1--'],
    ['uncut at 64 characters', 'x'.repeat(47), `ecr-pull-secrets-${'x'.repeat(47)}`],
  ])('is %s', (_, clusterName, name) => {
    expect(sharedSessionName(clusterName)).toBe(name);
  });

  test('keeps clusters apart whose names differ only at the end of a long name', () => {
    const long = 'x'.repeat(60);
    expect(sharedSessionName(`${long}1`)).not.toBe(sharedSessionName(`${long}2`));
    expect(sharedSessionName(`${long}1`)).toMatch(/^ecr-pull-secrets-x{38}-[0-9a-f]{8}$/);
  });

  test('is legal for STS whatever the cluster is called, and the same each time', () => {
    const names = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 100 }),
      fc.string({ minLength: 40, maxLength: 60 }),
    );
    fc.assert(
      fc.property(names, (clusterName) => {
        const name = sharedSessionName(clusterName);
        expect(name).toMatch(/^[\w+=,.@-]{2,64}$/);
        expect(name.startsWith('ecr-pull-secrets')).toBe(true);
        expect(sharedSessionName(clusterName)).toBe(name);
      }),
    );
  });
});

describe('messages call an identity', () => {
  test.each([
    ['by its role', aRole({ roleArn: reader }), reader],
    ['by the role of the environment', aDefaultIdentity({ roleArn: reader, profile: 'dev' }), reader],
    ['by its profile where there is no role', aDefaultIdentity({ profile: 'dev' }), 'AWS profile dev'],
    ['the default credentials where there is neither', aDefaultIdentity(), 'the default AWS credentials'],
    [
      'the default credentials, never by an access key',
      aDefaultIdentity({ accessKeyId: 'AKIAX' }),
      'the default AWS credentials',
    ],
  ])('%s', (_, identity, name) => {
    expect(describeIdentity(identity)).toBe(name);
  });
});
