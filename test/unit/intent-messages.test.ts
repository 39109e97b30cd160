// What a tenant reads when a namespace is not served: each message stands alone (an Event shows nothing but it), so it
// names the annotation, the value and the cure, and it fits into an Event. When each is made is tested in intent.test.ts.
import { describe, expect, test } from 'vitest';
import type { Problem } from '../../src/domain/errors.ts';
import { describeForeign } from '../../src/domain/foreign.ts';
import { readIntent } from '../../src/domain/intent.ts';
import type { Settings } from '../../src/domain/settings.ts';
import {
  aNamespace,
  aProfile,
  aRegistry,
  aSecret,
  aServiceAccount,
  aSettings,
  anIntent,
  hostIn,
  usualHost,
} from '../support/views.ts';

const inParis = hostIn('eu-west-3');
const role = (name: string, partition = 'aws') => `arn:${partition}:iam::111122223333:role/${name}`;
const settings = aSettings({
  attachTo: ['default', 'builder'],
  profiles: {
    one: aProfile({ registries: [aRegistry(inParis)] }),
    two: aProfile({ registries: [aRegistry(inParis)] }),
    secret: aProfile({ namespaces: ['team-z'] }),
  },
});

/** Namespaces may have identities of their own, by a ServiceAccount without a role. */
const own = aSettings({ identity: { serviceAccounts: ['puller'], audience: 'sts.amazonaws.com' } });

type Annotations = Readonly<Record<string, string>>;

function problemsOf(annotations: Annotations, by: Settings = settings, name = 'team-a'): readonly Problem[] {
  const find = (account: string) => aServiceAccount({ name: account });
  return readIntent(aNamespace({ name, annotations }), by, find).problems;
}

interface MessageRow {
  readonly title: string;
  readonly annotations: Annotations;
  readonly by?: Settings;
  readonly name?: string;
  /** What the last message must name. */
  readonly says: readonly string[];
}

const rows: readonly MessageRow[] = [
  {
    title: 'a host that does not parse',
    annotations: { registries: `${inParis} ghcr.io/app` },
    says: ['ecr-pull-secrets/registries', '"ghcr.io/app"', 'expected <12-digit account>'],
  },
  {
    title: 'a profile that is not there',
    annotations: { profile: 'nope' },
    says: ['ecr-pull-secrets/profile', '"nope"', 'administrator'],
  },
  {
    title: 'a profile that the namespace may not use',
    annotations: { profile: 'secret' },
    says: ['ecr-pull-secrets/profile', '"secret"', 'may not use', 'administrator'],
  },
  {
    title: 'a profile beside registries',
    annotations: { profile: 'one', registries: usualHost },
    says: ['ecr-pull-secrets/profile', 'registries', 'choose one'],
  },
  {
    title: 'a host in two profiles',
    annotations: { profile: 'one two' },
    says: ['ecr-pull-secrets/profile', inParis, 'only one'],
  },
  {
    title: 'an identity of its own, where none may have one',
    annotations: { enabled: 'true', 'role-arn': 'x' },
    says: [
      'ecr-pull-secrets/identity-service-account',
      'ecr-pull-secrets/role-arn',
      'remove',
      'administrator list ServiceAccounts under identity.serviceAccounts',
    ],
  },
  {
    title: 'a role alone',
    annotations: { enabled: 'true', 'role-arn': role('x') },
    by: own,
    says: ['ecr-pull-secrets/role-arn', 'only together with ecr-pull-secrets/identity-service-account'],
  },
  {
    title: 'a ServiceAccount that gives no identities',
    annotations: { enabled: 'true', 'identity-service-account': 'admin' },
    by: own,
    says: ['ecr-pull-secrets/identity-service-account', '"admin"', 'identity.serviceAccounts (puller)'],
  },
  {
    title: 'a ServiceAccount without a role',
    annotations: { enabled: 'true', 'identity-service-account': 'puller' },
    by: own,
    says: [
      '"puller"',
      'set annotation ecr-pull-secrets/role-arn',
      'eks.amazonaws.com/role-arn on the ServiceAccount',
    ],
  },
  {
    title: 'a role that is none',
    annotations: { enabled: 'true', 'identity-service-account': 'puller', 'role-arn': 'nonsense' },
    by: own,
    says: ['ecr-pull-secrets/role-arn is "nonsense"', 'arn:aws:iam::<account>:role/<name>'],
  },
  {
    title: 'a role of another partition',
    annotations: { enabled: 'true', 'identity-service-account': 'puller', 'role-arn': role('x', 'aws-cn') },
    by: own,
    says: [usualHost, 'partition aws', role('x', 'aws-cn'), 'by ServiceAccount puller', 'name a role'],
  },
  {
    title: 'a ServiceAccount that is not listed',
    annotations: { enabled: 'true', 'attach-to': 'admin' },
    says: ['ecr-pull-secrets/attach-to', '"admin"', 'attachTo (default, builder)'],
  },
  {
    title: 'a ServiceAccount where none is listed',
    annotations: { enabled: 'true', 'attach-to': 'admin' },
    by: aSettings({ attachTo: [] }),
    says: ['ecr-pull-secrets/attach-to', '"admin"', 'attachTo (none)'],
  },
  {
    title: 'no registry at all',
    annotations: { enabled: 'true' },
    by: aSettings({ registries: [] }),
    says: ['ecr-pull-secrets/registries', 'ecr-pull-secrets/profile', 'registries in the configuration'],
  },
  {
    title: 'too many registries',
    annotations: { registries: `${inParis} ${usualHost}` },
    by: aSettings({ limits: { registriesPerNamespace: 1 } }),
    says: ['ecr-pull-secrets/registries', '1', 'limits.registriesPerNamespace'],
  },
  {
    title: 'a namespace that is excluded',
    annotations: { enabled: 'true' },
    name: 'kube-system',
    says: ['kube-system', 'namespaces.include', 'namespaces.exclude'],
  },
  {
    title: 'keys that have no effect alone',
    annotations: { 'attach-to': 'none' },
    says: ['attach-to', 'ecr-pull-secrets/enabled: "true"'],
  },
  {
    title: 'an enabled that cannot be read',
    annotations: { enabled: 'yes' },
    says: ['ecr-pull-secrets/enabled', '"yes"', 'write "true" or "false"', 'kept fresh'],
  },
  {
    title: 'a key that is not known',
    annotations: { enabled: 'true', typo: 'x' },
    says: ['ecr-pull-secrets/typo', 'known are: enabled, registries'],
  },
];

describe('the message names the annotation, the value and the cure', () => {
  test.each(rows)('$title', ({ annotations, by, name, says }) => {
    const note = problemsOf(annotations, by, name).at(-1)?.note;
    for (const part of says) expect(note).toContain(part);
  });

  test.each(rows)('$title, the same each time', ({ annotations, by, name }) => {
    expect(problemsOf(annotations, by, name)).toEqual(problemsOf(annotations, by, name));
  });

  test('an enabled that cannot be read beside registries, which are served: nobody is told that they are not', () => {
    const [problem] = problemsOf({ enabled: 'yes', registries: inParis });
    expect(problem?.note).not.toContain('none is made');
  });
});

describe('the message fits into an Event', () => {
  const forty = Array.from({ length: 40 }, (_, index) => `service-account-with-a-long-name-${index}`);
  const crowded = aSettings({ attachTo: forty, identity: { serviceAccounts: forty, audience: 'x' } });
  const values = ['x', '\u0001', '🐳', '"', '…'].map((letter) => letter.repeat(20_000));

  test.each(['enabled', 'registries', 'profile', 'attach-to', 'identity-service-account', 'role-arn'])(
    'whatever is written into %s',
    (key) => {
      const puller = { enabled: 'true', 'identity-service-account': 'puller' };
      for (const value of values) {
        const problems = [
          ...problemsOf({ enabled: 'true', [key]: value }),
          ...problemsOf({ ...puller, [key]: value }, own),
        ];
        expect(problems.length).toBeGreaterThan(0);
        for (const { note } of problems) {
          expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_000);
          expect(note).not.toMatch(/\p{Cc}/u);
        }
      }
    },
  );

  test('also where the configuration lists forty ServiceAccounts', () => {
    for (const key of ['attach-to', 'identity-service-account']) {
      const [problem] = problemsOf({ enabled: 'true', [key]: 'admin' }, crowded);
      expect(problem?.note).toContain('"admin"');
      expect(Buffer.byteLength(problem?.note ?? '')).toBeLessThanOrEqual(1_000);
    }
  });

  test('also with a hundred unknown keys of the greatest length', () => {
    const keys = Array.from({ length: 100 }, (_, index) => `${'k'.repeat(60)}${index}`);
    const problems = problemsOf(Object.fromEntries(keys.map((key) => [key, 'x'])));
    expect(problems).toHaveLength(101);
    for (const { note } of problems) expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_000);
  });
});

describe('a Secret that is not ours', () => {
  const observed = {
    intent: anIntent(),
    settings: aSettings(),
    knownAsOurs: false,
    contentChanged: false,
    serviceAccounts: [],
    former: [],
    now: 0,
  };

  test.each([
    ['another installation is named', aSecret({ annotations: { instance: 'other' } }), '"other"'],
    ['the label is named', aSecret({ managedBy: undefined }), 'app.kubernetes.io/managed-by'],
    ['the field manager is named', aSecret({ appliedByUs: false }), 'field manager ecr-pull-secrets'],
    ['a long name is cut', aSecret({ annotations: { instance: '\u0001'.repeat(9_000) } }), 'installation'],
  ])('is left untouched, with an advice how to hand it over: %s', (_, secret, why) => {
    const { reason, subject, note } = describeForeign({ ...observed, secret });
    expect({ reason, subject }).toEqual({ reason: 'SecretForeign', subject: 'ecr-pull-secret' });
    expect(note).toContain('Secret team-a/ecr-pull-secret is left untouched');
    expect(note).toContain(why);
    expect(note).toContain('To hand it over, delete it');
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_000);
  });
});
