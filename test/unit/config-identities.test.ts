// The settings by which identities and further keys are given: `keys`, `identity`, and each field of a profile; good values and
// what they become, bad ones and the path that is named, and what contradicts itself. Roles against partitions are tested in
// config-roles.test.ts, the environment in config-environment.test.ts.
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import type { ProfileRole } from '../../src/domain/profile-identity.ts';
import type { Settings } from '../../src/domain/settings.ts';
import { aProfileRole, hostIn, usualHost } from '../support/views.ts';

const environment = { AWS_REGION: 'eu-west-1', AWS_WEB_IDENTITY_TOKEN_FILE: '/token' };
const roleArn = 'arn:aws:iam::111122223333:role/puller';

function problemsOf(text: string): readonly string[] {
  const result = readConfig(text, environment);
  return 'problems' in result ? result.problems : [];
}

function settingsOf(text: string): Settings {
  const result = readConfig(text, environment);
  if ('problems' in result) throw new Error(result.problems.join('\n'));
  return result.settings;
}

/** A file with one profile, of these further fields. */
const file = (fields: string): string =>
  `profiles: {p: {registries: [${usualHost}], namespaces: ['*']${fields === '' ? '' : `, ${fields}`}}}`;
/** With a role as well. */
const withRole = (fields: string): string =>
  file(`roleArn: '${roleArn}'${fields === '' ? '' : `, ${fields}`}`);
const roleOf = (text: string): ProfileRole | undefined => settingsOf(text).profiles['p']?.role;

describe('further keys', () => {
  test.each([
    ['fips', 'keys: {fips: true}', { fips: true, dualStack: false, wildcard: false }],
    ['dualStack', 'keys: {dualStack: true}', { fips: false, dualStack: true, wildcard: false }],
    ['wildcard', 'keys: {wildcard: true}', { fips: false, dualStack: false, wildcard: true }],
    [
      'all',
      'keys: {fips: true, dualStack: true, wildcard: true}',
      { fips: true, dualStack: true, wildcard: true },
    ],
  ])('are asked for each by itself: %s', (_, text, keys) => {
    expect(settingsOf(text).keys).toEqual(keys);
  });

  test.each(['fips', 'dualStack', 'wildcard'])('keys.%s is true or false, nothing like it', (key) => {
    for (const value of ['"true"', '1', 'null', 'yes', '[]']) {
      expect(problemsOf(`keys: {${key}: ${value}}`)).toEqual([`keys.${key}: must be true or false`]);
    }
  });
});

describe('identities of the namespaces’ own', () => {
  test.each([
    ['none', 'identity: {serviceAccounts: []}', { serviceAccounts: [], audience: 'sts.amazonaws.com' }],
    [
      'some',
      'identity: {serviceAccounts: [default, a.b-c]}',
      { serviceAccounts: ['default', 'a.b-c'], audience: 'sts.amazonaws.com' },
    ],
    [
      'another audience',
      'identity: {audience: sts.amazonaws.com.cn}',
      { serviceAccounts: [], audience: 'sts.amazonaws.com.cn' },
    ],
  ])('are allowed by ServiceAccounts: %s', (_, text, identity) => {
    expect(settingsOf(text).identity).toEqual(identity);
  });

  test.each([
    ['identity.serviceAccounts', 'that is a text', 'identity: {serviceAccounts: puller}'],
    ['identity.serviceAccounts', 'that is null', 'identity: {serviceAccounts: null}'],
    ['identity.serviceAccounts.0', 'that is a star', 'identity: {serviceAccounts: ["*"]}'],
    ['identity.serviceAccounts.1', 'in upper case', 'identity: {serviceAccounts: [a, B]}'],
    ['identity.serviceAccounts.0', 'that is empty', 'identity: {serviceAccounts: [""]}'],
    ['identity.serviceAccounts.0', 'that is a path', 'identity: {serviceAccounts: [a/token]}'],
    ['identity.serviceAccounts.0', 'that is a number', 'identity: {serviceAccounts: [5]}'],
    ['identity.audience', 'that is empty', 'identity: {audience: ""}'],
    ['identity.audience', 'that is a list', 'identity: {audience: [a]}'],
  ])('%s %s is refused', (path, _, text) => {
    expect(problemsOf(text)).toEqual([expect.stringMatching(`^${path}: `)]);
  });
});

describe('a profile', () => {
  test.each<[string, string, Partial<ProfileRole>]>([
    ['nothing else', '', {}],
    ['via chain', 'via: chain', {}],
    ['via webIdentity', 'via: webIdentity', { via: 'webIdentity' }],
    ['a session for each namespace', 'perNamespace: true', { perNamespace: true }],
    [
      'one for each by web identity',
      'via: webIdentity, perNamespace: true',
      { via: 'webIdentity', perNamespace: true },
    ],
    ['an external id', 'externalId: "a:b/c=d@e+f,g.h-i_j"', { externalId: 'a:b/c=d@e+f,g.h-i_j' }],
    ['an external id of two letters', 'externalId: ab', { externalId: 'ab' }],
    [
      'an external id of 1,224 letters',
      `externalId: ${'x'.repeat(1_224)}`,
      { externalId: 'x'.repeat(1_224) },
    ],
    [
      'tags',
      'tags: {team: a, "Kosten Stelle": "ü 1/2", empty: ""}',
      { tags: { team: 'a', 'Kosten Stelle': 'ü 1/2', empty: '' } },
    ],
    [
      'a tag of the greatest length',
      `tags: {${'k'.repeat(128)}: ${'v'.repeat(256)}}`,
      { tags: { ['k'.repeat(128)]: 'v'.repeat(256) } },
    ],
    [
      'a tag that is not quite aws:',
      'tags: {awsome: x, "my-aws:x": y}',
      { tags: { awsome: 'x', 'my-aws:x': 'y' } },
    ],
  ])('with a role may have %s', (_, fields, role) => {
    expect(roleOf(withRole(fields))).toEqual(aProfileRole({ roleArn, ...role }));
  });

  test('has no role where it names none', () => {
    expect(roleOf(file(''))).toBeUndefined();
    expect(roleOf(file("via: chain, perNamespace: false, externalId: '', tags: {}"))).toBeUndefined();
  });

  test.each([
    ['as the name', 'role/{namespace}'],
    ['as the name behind a path', 'role/teams/{namespace}'],
    ['as a segment', 'role/{namespace}/puller'],
    ['twice', 'role/{namespace}/{namespace}'],
  ])('may have the place of the namespace in its role: %s', (_, end) => {
    const arn = `arn:aws:iam::111122223333:${end}`;
    expect(roleOf(file(`roleArn: '${arn}'`))).toEqual(aProfileRole({ roleArn: arn }));
  });

  test.each([
    ['in a part of the name', 'arn:aws:iam::111122223333:role/{namespace}-puller'],
    ['in a part of a segment', 'arn:aws:iam::111122223333:role/a{namespace}/puller'],
    ['twice in one segment', 'arn:aws:iam::111122223333:role/{namespace}{namespace}'],
    ['as the account', 'arn:aws:iam::{namespace}:role/puller'],
    ['as the partition', 'arn:{namespace}:iam::111122223333:role/puller'],
    ['as the kind', 'arn:aws:iam::111122223333:{namespace}/puller'],
    ['as everything', '{namespace}'],
    ['in another case', 'arn:aws:iam::111122223333:role/{Namespace}'],
    ['with another word', 'arn:aws:iam::111122223333:role/{cluster}'],
    ['with white space', 'arn:aws:iam::111122223333:role/{ namespace }'],
  ])('may not have it elsewhere, where a name could forge another role: %s', (_, arn) => {
    expect(problemsOf(file(`roleArn: '${arn}'`))).toEqual([
      expect.stringMatching(/^profiles\.p\.roleArn: must be the ARN of a role: .*\{namespace\}.*segment/),
    ]);
  });
});

describe('a bad field of a profile is refused with its path', () => {
  const tags = Array.from({ length: 49 }, (_, index) => `t${index}: x`).join();

  test.each([
    ['profiles.p.roleArn', 'that is null', file('roleArn: null')],
    ['profiles.p.roleArn', 'that is a list', file(`roleArn: ['${roleArn}']`)],
    ['profiles.p.via', 'that is no way', withRole('via: webidentity')],
    ['profiles.p.via', 'that is null', withRole('via: null')],
    ['profiles.p.externalId', 'of one letter', withRole('externalId: x')],
    ['profiles.p.externalId', 'of 1,225 letters', withRole(`externalId: ${'x'.repeat(1_225)}`)],
    ['profiles.p.externalId', 'with white space', withRole('externalId: a b')],
    ['profiles.p.externalId', 'with a line break', withRole('externalId: "ab\\n"')],
    ['profiles.p.externalId', 'that is a number, as YAML reads it', withRole('externalId: 12345')],
    ['profiles.p.tags', 'that is a list', withRole('tags: [team]')],
    ['profiles.p.tags', 'of which there are 49', withRole(`tags: {${tags}}`)],
    ['profiles.p.tags', 'with a name that would be dropped', withRole('tags: {constructor: x}')],
    ['profiles.p.tags.a', 'that is a number', withRole('tags: {a: 5}')],
    ['profiles.p.tags.a', 'of 257 letters', withRole(`tags: {a: ${'x'.repeat(257)}}`)],
    ['profiles.p.tags.a', 'with a letter that STS refuses', withRole('tags: {a: "x!"}')],
    ['profiles.p.tags.a#b', 'whose key STS refuses', withRole('tags: {"a#b": x}')],
    ['profiles.p.tags.', 'without a key', withRole('tags: {"": x}')],
    [
      `profiles.p.tags.${'k'.repeat(129)}`,
      'with a key of 129 letters',
      withRole(`tags: {${'k'.repeat(129)}: x}`),
    ],
    ['profiles.p.tags.aws:team', 'that AWS reserves', withRole('tags: {"aws:team": x}')],
    ['profiles.p.tags.AWS:team', 'that AWS reserves in any case', withRole('tags: {"AWS:team": x}')],
    [
      'profiles.p.tags.ecr-pull-secrets-namespace',
      'that is ours',
      withRole('tags: {ecr-pull-secrets-namespace: x}'),
    ],
    [
      'profiles.p.tags.ecr-pull-secrets-cluster',
      'that is ours',
      withRole('tags: {ecr-pull-secrets-cluster: x}'),
    ],
    ['profiles.p.perNamespace', 'that is a text', withRole('perNamespace: "true"')],
    [
      'profiles.p.namespaces.0',
      'that is empty',
      `profiles: {p: {registries: [${usualHost}], namespaces: ['']}}`,
    ],
  ])('%s %s', (path, _, text) => {
    expect(problemsOf(text).map((problem) => problem.slice(0, path.length + 2))).toEqual([`${path}: `]);
  });

  test('as many tags as are left to STS’s fifty by our two are taken', () => {
    const most = Array.from({ length: 48 }, (_, index) => `t${index}: x`).join();
    expect(problemsOf(withRole(`tags: {${most}}, perNamespace: true`))).toEqual([]);
  });
});

describe('what contradicts itself is refused, all of it at once', () => {
  test.each<[string, string, readonly string[]]>([
    ['an external id without a role', file('externalId: partner'), ['externalId: needs a roleArn']],
    ['tags without a role', file('tags: {a: b}'), ['tags: need a roleArn']],
    ['perNamespace without a role', file('perNamespace: true'), ['perNamespace: needs a roleArn']],
    ['web identity without a role', file('via: webIdentity'), ['via: needs a roleArn']],
    [
      'all of that',
      file('externalId: ab, tags: {a: b}, perNamespace: true, via: webIdentity'),
      ['externalId: needs', 'tags: need', 'perNamespace: needs', 'via: needs'],
    ],
    [
      'an external id by web identity',
      withRole('via: webIdentity, externalId: partner'),
      ['externalId: is not known to AssumeRoleWithWebIdentity: use via: chain'],
    ],
    [
      'tags by web identity, and an external id',
      withRole('via: webIdentity, tags: {a: b}, externalId: ab'),
      ['externalId: is not known', 'tags: cannot be sent by AssumeRoleWithWebIdentity: use via: chain'],
    ],
    [
      'a role and a host of two partitions, beside that',
      withRole('via: webIdentity, tags: {a: b}').replace(
        usualHost,
        `${usualHost}, ${hostIn('us-gov-east-1')}`,
      ),
      ['tags: cannot', `roleArn: is of partition aws, ${hostIn('us-gov-east-1')} of another`],
    ],
  ])('%s', (_, text, expected) => {
    expect(problemsOf(text)).toEqual(
      expected.map((beginning) => expect.stringContaining(`profiles.p.${beginning}`)),
    );
  });
});
