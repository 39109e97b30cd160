// The names of sessions at STS, as CloudTrail shows them: legal whatever clusters and namespaces are called, ours, and telling
// namespaces apart. Values only; which identity gets which of them is tested in profile-identity and own-identity.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { namespaceSessionName, sharedSessionName } from '../../src/domain/identity.ts';

/** What STS takes (API reference, AssumeRole, RoleSessionName). */
const legal = /^[\w+=,.@-]{2,64}$/;

const anyName = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.string({ minLength: 40, maxLength: 60 }),
  fc.constantFrom('', '-', '$&', '\n', 'ü', '🐳'.repeat(40), 'x'.repeat(300)),
);
/** A namespace's name as Kubernetes allows it. */
const namespaces = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);

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
    fc.assert(
      fc.property(anyName, (clusterName) => {
        const name = sharedSessionName(clusterName);
        expect(name).toMatch(legal);
        expect(name.startsWith('ecr-pull-secrets')).toBe(true);
        expect(sharedSessionName(clusterName)).toBe(name);
      }),
    );
  });
});

describe('the session name that is one namespace’s alone', () => {
  test.each([
    ['with the namespace', '', 'team-a', 'ecr-pull-secrets-team-a'],
    ['with cluster and namespace', 'prod', 'team-a', 'ecr-pull-secrets-prod-team-a'],
    ['uncut at 64 characters', '', 'n'.repeat(47), `ecr-pull-secrets-${'n'.repeat(47)}`],
  ])('is ours %s', (_, clusterName, namespace, name) => {
    expect(namespaceSessionName(clusterName, namespace)).toBe(name);
  });

  test('is cut to 64 characters, with a piece of a hash at its end', () => {
    const name = namespaceSessionName('prod', 'n'.repeat(63));
    expect(name).toMatch(/^ecr-pull-secrets-prod-n{33}-[0-9a-f]{8}$/);
  });

  test('is legal for STS whatever cluster and namespace are called, and the same each time', () => {
    fc.assert(
      fc.property(anyName, fc.oneof(namespaces, anyName), (clusterName, namespace) => {
        const name = namespaceSessionName(clusterName, namespace);
        expect(name).toMatch(legal);
        expect(name.startsWith('ecr-pull-secrets')).toBe(true);
        expect(namespaceSessionName(clusterName, namespace)).toBe(name);
      }),
      { numRuns: 1_000 },
    );
  });

  test('tells any two namespaces of a cluster apart, also where they differ in what is cut off', () => {
    const oneOff = fc.tuple(fc.stringMatching(/^[a-z0-9]{30,62}$/), fc.constantFrom('a', 'b', '0'));
    const pairs = fc.oneof(
      fc.tuple(namespaces, namespaces),
      oneOff.map(([beginning, end]) => [`${beginning}${end}`, `${beginning}z`] as const),
    );
    let cut = 0;
    fc.assert(
      fc.property(anyName, pairs, (clusterName, [one, other]) => {
        const names = [one, other].map((namespace) => namespaceSessionName(clusterName, namespace));
        if (!names[0]?.endsWith(one)) cut += 1;
        expect(names[0] === names[1]).toBe(one === other);
      }),
      { numRuns: 2_000 },
    );
    expect(cut).toBeGreaterThan(100);
  });

  test('tells a namespace from the cluster as a whole', () => {
    fc.assert(
      fc.property(anyName, namespaces, (clusterName, namespace) => {
        expect(namespaceSessionName(clusterName, namespace)).not.toBe(sharedSessionName(clusterName));
      }),
    );
  });
});
