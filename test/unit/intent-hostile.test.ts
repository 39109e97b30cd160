// Somebody may edit the annotations of one namespace and means harm: whatever is written there, in any combination, gives only
// identities that the administrator allowed this namespace, ServiceAccounts that are configured, and hosts of ECR. Random
// values; single ones are in the other tests of intent.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnnotationKey } from '../../src/domain/annotations.ts';
import { type Identity, identityHash, isRoleArn } from '../../src/domain/identity.ts';
import { type Decision, readIntent } from '../../src/domain/intent.ts';
import { matchesAny } from '../../src/domain/pattern.ts';
import { profileIdentity } from '../../src/domain/profile-identity.ts';
import { parseRegistry } from '../../src/domain/registry.ts';
import type { Settings } from '../../src/domain/settings.ts';
import {
  aNamespace,
  aProfile,
  aProfileRole,
  aRegistry,
  aServiceAccount,
  aSettings,
  hostIn,
  usualHost,
} from '../support/views.ts';

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`;
const china = '111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn';

const base = aSettings({
  clusterName: 'prod',
  attachTo: ['default', 'builder'],
  identity: { serviceAccounts: ['puller', 'builder'], audience: 'sts.amazonaws.com' },
  profiles: {
    plain: aProfile({ registries: [aRegistry(china)], role: undefined }),
    shared: aProfile({ registries: [aRegistry(hostIn('eu-west-3'))] }),
    each: aProfile({
      registries: [aRegistry(hostIn('us-east-2'))],
      role: aProfileRole({ roleArn: role('{namespace}'), tags: { tier: 'x' }, perNamespace: true }),
    }),
    web: aProfile({
      registries: [aRegistry('public.ecr.aws')],
      role: aProfileRole({ roleArn: role('{namespace}/web'), via: 'webIdentity', perNamespace: true }),
    }),
    theirs: aProfile({
      registries: [aRegistry(hostIn('us-west-2'))],
      namespaces: ['team-b'],
      role: aProfileRole({ roleArn: role('team-b-only') }),
    }),
    nobodys: aProfile({ namespaces: [], role: aProfileRole({ roleArn: role('nobody') }) }),
  },
});
const off = { ...base, identity: { ...base.identity, serviceAccounts: [] } };
const everything: Settings = {
  ...base,
  namespaces: { ...base.namespaces, mode: 'all' },
  keys: { fips: true, dualStack: true, wildcard: true },
  limits: { registriesPerNamespace: 500 },
};

/** What somebody may try for each key; everything may stand under every key as well. */
const tries: Readonly<Record<AnnotationKey, readonly string[]>> = {
  enabled: ['true', 'TRUE ', 'false', 'yes', ''],
  registries: [
    usualHost,
    hostIn('eu-west-3'),
    'public.ecr.aws',
    china,
    '*',
    'evil.example',
    `${usualHost}.evil`,
  ],
  profile: [
    'plain',
    'shared',
    'each',
    'web',
    'theirs',
    'nobodys',
    '__proto__',
    'constructor',
    '*',
    'each,theirs',
  ],
  'identity-service-account': [
    'puller',
    'builder',
    'default',
    'admin',
    '../team-b/puller',
    'team-b/puller',
    '*',
    '',
  ],
  'role-arn': [
    role('mine'),
    role('team-b-only'),
    role('{namespace}'),
    'arn:aws-cn:iam::111122223333:role/x',
    role('*'),
    '',
  ],
  'attach-to': ['default', 'builder', 'none', 'admin', 'default,admin', 'team-b/default', '*', ''],
};
const nasty = [
  'system:serviceaccount:team-b:puller',
  '${namespace}',
  '\u0000',
  '\n',
  'team-b',
  '"',
  '$&',
  '🐳',
];
const listed = (values: readonly string[]) =>
  fc
    .array(fc.constantFrom(...values, ...values, ...nasty), { minLength: 1, maxLength: 3 })
    .chain((words) => fc.constantFrom(' ', ',', '\n').map((separator) => words.join(separator)));
const valueOf = (values: readonly string[]) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...values) },
    { weight: 2, arbitrary: listed(values) },
    { weight: 1, arbitrary: fc.constantFrom(...Object.values(tries).flat()) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  );
const keys = [...Object.entries(tries), ['unknown', nasty] as const];
const ofOwnIdentity = keys.filter(([key]) => ['identity-service-account', 'role-arn'].includes(key));
const ofProfile = keys.filter(([key]) => key === 'profile');
/** Few keys at once, since with all of them nearly everything is refused; and now and then all. */
const annotations: fc.Arbitrary<Readonly<Record<string, string>>> = fc
  .oneof(
    { weight: 4, arbitrary: fc.subarray(keys, { minLength: 1, maxLength: 3 }) },
    { weight: 2, arbitrary: fc.subarray(ofOwnIdentity, { minLength: 1 }) },
    { weight: 1, arbitrary: fc.constant(ofProfile) },
    { weight: 1, arbitrary: fc.subarray(keys) },
  )
  .chain((chosen) => fc.tuple(...chosen.map(([key, values]) => valueOf(values).map((value) => [key, value]))))
  .chain((entries) =>
    fc.constantFrom({}, { enabled: 'true' }).map((before) => ({ ...before, ...Object.fromEntries(entries) })),
  );

/** The ServiceAccounts of the namespace, each with whatever role an editor gave it. */
const accounts = fc.record({
  puller: fc.constantFrom(undefined, role('of-puller'), role('team-b-only'), 'nonsense', ''),
  builder: fc.constantFrom(undefined, role('of-builder')),
});

/** The identities that the administrator gives this namespace, by hash. */
function givenTo(name: string, { profiles, clusterName, defaultIdentity }: Settings): ReadonlySet<string> {
  const user = { namespace: name, clusterName, base: defaultIdentity };
  const usable = Object.values(profiles).filter(({ namespaces }) => matchesAny(name, namespaces));
  return new Set(
    [defaultIdentity, ...usable.map((profile) => profileIdentity(profile.role, user))].map(identityHash),
  );
}

/** What an identity is that the namespace chose itself: its own ServiceAccount of today, one of those that are allowed. */
function expectOwn(identity: Identity, { identity: { serviceAccounts, audience } }: Settings): void {
  expect(identity).toEqual({
    kind: 'namespace',
    namespace: 'team-a',
    serviceAccount: expect.toSatisfy((name: string) => serviceAccounts.includes(name)),
    uid: expect.toSatisfy(
      (uid: string) => identity.kind === 'namespace' && uid === `uid-${identity.serviceAccount}`,
    ),
    audience,
    roleArn: expect.toSatisfy(isRoleArn),
    sessionName: 'ecr-pull-secrets-prod-team-a',
  });
}

/** Everything that must hold of a decision. @returns the kinds of identity in it */
function examine(decision: Decision, by: Settings): readonly string[] {
  for (const { note } of decision.problems) {
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_000);
  }
  if (decision.kind !== 'wanted') return [decision.kind];
  const { wanted, attachTo, namespace } = decision.intent;
  expect(namespace).toBe('team-a');
  expect(by.attachTo).toEqual(expect.arrayContaining([...attachTo]));
  const given = givenTo('team-a', by);
  for (const { registry, identity } of wanted) {
    const host = by.keys.wildcard ? registry.host.replace(/^\*/, '111122223333') : registry.host;
    expect(parseRegistry(host)).toHaveProperty('registry.host', host);
    if (!given.has(identityHash(identity))) expectOwn(identity, by);
    expect(JSON.stringify({ ...identity, roleArn: '' })).not.toMatch(/team-b|admin/);
  }
  return wanted.map(({ identity }) => identity.kind);
}

describe('an editor of annotations', () => {
  test.each([
    [
      'where namespaces may have identities of their own',
      base,
      ['default', 'chain', 'webIdentity', 'namespace'],
    ],
    ['where they may not', off, ['default', 'chain', 'webIdentity']],
    ['in mode all, with every further key', everything, ['default', 'chain', 'webIdentity', 'namespace']],
  ])('gets nothing that the administrator did not allow: %s', (_, by, kinds) => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(annotations, accounts, (written, roles) => {
        const asked: string[] = [];
        const decision = readIntent(aNamespace({ annotations: written }), by, (name) => {
          asked.push(name);
          const roleArn = roles[name as keyof typeof roles];
          return aServiceAccount({ name, uid: `uid-${name}`, roleArn });
        });
        for (const kind of examine(decision, by)) seen.set(kind, (seen.get(kind) ?? 0) + 1);
        // Other ServiceAccounts are not even looked for.
        expect(by.identity.serviceAccounts).toEqual(expect.arrayContaining(asked));
      }),
      { numRuns: 5_000 },
    );
    const identities = [...seen.keys()].filter((kind) => !['off', 'refused', 'unselected'].includes(kind));
    expect(identities.toSorted()).toEqual(kinds.toSorted());
    for (const kind of [...kinds, 'refused', 'off']) expect(seen.get(kind)).toBeGreaterThan(10);
  });

  test('gets no profile of other namespaces, however it is named', () => {
    const forms = [
      'theirs',
      ' theirs ',
      'plain,theirs',
      'theirs,theirs',
      'Theirs',
      'nobodys',
      'shared nobodys',
    ];
    for (const profile of forms) {
      expect(readIntent(aNamespace({ annotations: { profile } }), base)).toMatchObject({ kind: 'refused' });
    }
  });
});
