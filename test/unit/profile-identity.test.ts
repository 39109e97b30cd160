// Which identity a profile gives to which namespace: role, tags, session name; shared by all, or each its own. Values only. Who
// may use a profile is tested in intent-values.test.ts, the configuration's rules in config-profiles.test.ts.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identityHash } from '../../src/domain/identity.ts';
import { type ProfileRole, namespaceTags, profileIdentity } from '../../src/domain/profile-identity.ts';
import { aDefaultIdentity, aProfileRole } from '../support/views.ts';

const base = aDefaultIdentity({ roleArn: 'arn:aws:iam::999999999999:role/controller' });
const puller = aProfileRole().roleArn;

/** The identity of a profile in a namespace of cluster `prod`. */
const identityIn = (namespace: string, role?: Partial<ProfileRole>, clusterName = 'prod') =>
  profileIdentity(role && aProfileRole(role), { namespace, clusterName, base });

describe('a profile', () => {
  test('without a role is the default identity', () => {
    expect(identityIn('team-a')).toBe(base);
  });

  test('with a role is that role, assumed with the default identity, by the session name that all share', () => {
    expect(identityIn('team-a', {})).toEqual({
      kind: 'chain',
      base,
      roleArn: puller,
      externalId: '',
      tags: {},
      sessionName: 'ecr-pull-secrets-prod',
    });
  });

  test('hands on external id and tags', () => {
    const role = { externalId: 'partner', tags: { team: 'a', tier: 'web' } };
    expect(identityIn('team-a', role)).toMatchObject({ kind: 'chain', ...role });
  });

  test('by web identity is that role and nothing more', () => {
    expect(identityIn('team-a', { via: 'webIdentity' })).toEqual({
      kind: 'webIdentity',
      roleArn: puller,
      sessionName: 'ecr-pull-secrets-prod',
    });
  });

  test.each(['chain', 'webIdentity'] as const)('has the name of no namespace in it, by %s', (via) => {
    expect(JSON.stringify(identityIn('team-a', { via }))).not.toContain('team-a');
  });
});

describe('the place of the namespace in the role', () => {
  const account = 'arn:aws:iam::111122223333:role';

  test.each([
    ['as the name', `${account}/{namespace}`, `${account}/team-a`],
    ['as the name behind a path', `${account}/teams/{namespace}`, `${account}/teams/team-a`],
    ['as a segment', `${account}/{namespace}/puller`, `${account}/team-a/puller`],
    ['as a segment within others', `${account}/a/{namespace}/b/puller`, `${account}/a/team-a/b/puller`],
    ['twice', `${account}/{namespace}/{namespace}`, `${account}/team-a/team-a`],
    ['nowhere', `${account}/puller`, `${account}/puller`],
    ['not in another case', `${account}/{Namespace}`, `${account}/{Namespace}`],
  ])('is filled in: %s', (_, roleArn, filled) => {
    expect(identityIn('team-a', { roleArn }).roleArn).toBe(filled);
    expect(identityIn('team-a', { roleArn, via: 'webIdentity' }).roleArn).toBe(filled);
  });

  test('makes a role for each namespace, still with the session name that all share', () => {
    const role = { roleArn: `${account}/{namespace}`, tags: { team: 'x' } };
    expect(identityIn('team-b', role)).toMatchObject({
      roleArn: `${account}/team-b`,
      tags: { team: 'x' },
      sessionName: 'ecr-pull-secrets-prod',
    });
  });
});

describe('perNamespace', () => {
  test('adds the tags of namespace and cluster to those of the profile, and the namespace to the session name', () => {
    expect(identityIn('team-a', { perNamespace: true, tags: { tier: 'web' } })).toMatchObject({
      roleArn: puller,
      tags: {
        tier: 'web',
        'ecr-pull-secrets-namespace': 'team-a',
        'ecr-pull-secrets-cluster': 'prod',
      },
      sessionName: 'ecr-pull-secrets-prod-team-a',
    });
  });

  test('adds no tag of the cluster where that has no name', () => {
    expect(identityIn('team-a', { perNamespace: true }, '')).toMatchObject({
      tags: { 'ecr-pull-secrets-namespace': 'team-a' },
      sessionName: 'ecr-pull-secrets-team-a',
    });
    expect(identityIn('team-a', { perNamespace: true }, '')).not.toHaveProperty([
      'tags',
      'ecr-pull-secrets-cluster',
    ]);
  });

  test('is told by the session name alone where tags cannot be sent', () => {
    expect(identityIn('team-a', { perNamespace: true, via: 'webIdentity' })).toEqual({
      kind: 'webIdentity',
      roleArn: puller,
      sessionName: 'ecr-pull-secrets-prod-team-a',
    });
  });

  test('does not change the profile itself', () => {
    const role = aProfileRole({ perNamespace: true, tags: Object.freeze({ tier: 'web' }) });
    profileIdentity(Object.freeze(role), { namespace: 'team-a', clusterName: 'prod', base });
    expect(role.tags).toEqual({ tier: 'web' });
  });

  test('has tags of its own names: those of EKS Pod Identity would be refused in a chain', () => {
    const ofPodIdentity = new Set(['eks-cluster-arn', 'eks-cluster-name', 'kubernetes-namespace']);
    expect(Object.values<string>(namespaceTags).filter((key) => ofPodIdentity.has(key))).toEqual([]);
  });
});

describe('two namespaces', () => {
  const names = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
  const via = fc.constantFrom('chain', 'webIdentity');
  const tags = fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.stringMatching(/^[a-z]{0,5}$/));
  const clusters = fc.constantFrom('', 'prod', 'x'.repeat(80));

  test('share one identity, and so one call, where the profile has nothing of the namespace', () => {
    fc.assert(
      fc.property(names, names, fc.record({ via, tags }), clusters, (one, other, role, cluster) => {
        const hashes = [one, other].map((name) => identityHash(identityIn(name, role, cluster)));
        expect(hashes[0]).toBe(hashes[1]);
      }),
    );
    expect(identityHash(identityIn('a'))).toBe(identityHash(identityIn('b')));
  });

  test.each<[string, Partial<ProfileRole>]>([
    ['perNamespace', { perNamespace: true }],
    ['a place for the namespace in its role', { roleArn: 'arn:aws:iam::111122223333:role/{namespace}' }],
    ['a place for the namespace in the path', { roleArn: 'arn:aws:iam::111122223333:role/{namespace}/x' }],
    ['both', { perNamespace: true, roleArn: 'arn:aws:iam::111122223333:role/{namespace}' }],
  ])('never share one where the profile has %s', (_, own) => {
    fc.assert(
      fc.property(names, names, fc.record({ via, tags }), clusters, (one, other, role, cluster) => {
        const hashes = [one, other].map((name) =>
          identityHash(identityIn(name, { ...role, ...own }, cluster)),
        );
        expect(hashes[0] === hashes[1]).toBe(one === other);
      }),
    );
  });
});
