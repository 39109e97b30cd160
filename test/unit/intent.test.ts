// Which namespaces are served, and with what: the precedence list of the contract, in its order and in combination.
// How one annotation's value is read is tested in annotations.test.ts; the messages' form in intent-messages.test.ts.
import { describe, expect, test } from 'vitest';
import { readIntent } from '../../src/domain/intent.ts';
import type { NamespaceSelection, Settings } from '../../src/domain/settings.ts';
import type { NamespaceView } from '../../src/domain/views.ts';
import {
  aNamespace,
  aProfile,
  aProfileRole,
  aRegistry,
  aRole,
  aSettings,
  hostIn,
  usualHost,
} from '../support/views.ts';

const inParis = hostIn('eu-west-3');
const inOhio = hostIn('us-east-2');
const role = aRole({ roleArn: 'arn:aws:iam::111122223333:role/reader' });

const selection = (overrides: Partial<NamespaceSelection>): NamespaceSelection => ({
  ...aSettings().namespaces,
  ...overrides,
});

/** Profiles: `paris` and `ohio` for all, `secret` for team-z only, `both` overlaps with paris. */
const settings = aSettings({
  attachTo: ['default', 'builder'],
  profiles: {
    paris: aProfile({ registries: [aRegistry(inParis)], role: aProfileRole({ roleArn: role.roleArn }) }),
    ohio: aProfile({ registries: [aRegistry(inOhio)] }),
    both: aProfile({ registries: [aRegistry(inParis), aRegistry(inOhio)] }),
    secret: aProfile({ namespaces: ['team-z', 'z-?'] }),
  },
});
const all: Settings = { ...settings, namespaces: selection({ mode: 'all' }) };

/** What the tables compare: the decision, the hosts where there are any, and the reasons of the problems. */
function decide(
  annotations: NamespaceView['annotations'],
  by = settings,
  namespace: Partial<NamespaceView> = {},
) {
  const decision = readIntent(aNamespace({ ...namespace, annotations }), by);
  const hosts = decision.kind === 'wanted' ? decision.intent.wanted.map(({ registry }) => registry.host) : [];
  return { kind: decision.kind, hosts, reasons: decision.problems.map(({ reason }) => reason) };
}

const unselected = { kind: 'unselected', hosts: [], reasons: [] };
const off = { kind: 'off', hosts: [], reasons: [] };
const wanted = (...hosts: readonly string[]) => ({ kind: 'wanted', hosts, reasons: [] });
const refused = (...reasons: readonly string[]) => ({ kind: 'refused', hosts: [], reasons });

describe('first, a namespace that is never served', () => {
  const only = (overrides: Partial<NamespaceSelection>, mode: 'annotated' | 'all') => ({
    ...settings,
    namespaces: selection({ mode, ...overrides }),
  });
  const everyWish = [{ enabled: 'true' }, { enabled: 'false' }, { registries: inParis }, { typo: 'x' }];

  test.each([
    ['one in exclude', {}, 'kube-system'],
    ['one outside include', { include: ['team-?', 'prod'] }, 'team-aa'],
    ['one in both include and exclude', { include: ['*'], exclude: ['team-a'] }, 'team-a'],
    ['any, where include is empty', { include: [] }, 'team-a'],
  ])('is %s, in both modes and whatever its annotations; these are a Warning', (_, overrides, name) => {
    for (const mode of ['annotated', 'all'] as const) {
      expect(decide({}, only(overrides, mode), { name })).toEqual(unselected);
      for (const annotations of everyWish) {
        const decision = decide(annotations, only(overrides, mode), { name });
        expect(decision).toEqual({ ...unselected, reasons: ['NamespaceExcluded'] });
      }
    }
  });

  test('is one that is being deleted; no Event can be made there, so there is no Warning', () => {
    for (const by of [settings, all]) {
      for (const annotations of [{}, ...everyWish]) {
        expect(decide(annotations, by, { terminating: true })).toEqual(unselected);
      }
    }
  });

  test.each([
    ['a dot stands for itself', ['a.b'], 'axb'],
    ['the whole name must match', ['team'], 'team-a'],
    ['a question mark is one character, not none', ['team-a?'], 'team-a'],
    ['a bracket is no class', ['team-[a]'], 'team-a'],
  ])('is found by patterns in which %s', (_, include, name) => {
    expect(decide({}, only({ include }, 'all'), { name })).toEqual(unselected);
  });

  test.each([
    ['a star may stand for nothing', ['team-a*'], 'team-a'],
    ['a star may stand for much', ['t*a'], 'team-a'],
    ['a question mark is one character', ['team-?'], 'team-a'],
    ['one of several is enough', ['prod', 'team-a'], 'team-a'],
  ])('is not one that include admits: %s', (_, include, name) => {
    expect(decide({}, only({ include }, 'all'), { name })).toEqual(wanted(usualHost));
  });
});

describe('second, enabled: "false"', () => {
  test.each([
    ['alone', {}, []],
    ['beside registries', { registries: inParis }, []],
    ['beside a profile', { profile: 'paris' }, []],
    ['beside what would be refused', { profile: 'nope', registries: '*', 'role-arn': 'x' }, []],
    ['beside an unknown key, which is still a Warning', { typo: 'x' }, ['AnnotationUnknown']],
  ])('is off in both modes, %s', (_, others, reasons) => {
    expect(decide({ enabled: 'false', ...others })).toEqual({ ...off, reasons });
    expect(decide({ enabled: 'false', ...others }, all)).toEqual({ ...off, reasons });
  });
});

describe('third, what opts in', () => {
  test.each([
    ['enabled: "true" gives the defaults', { enabled: 'true' }, usualHost],
    ['registries gives these instead of the defaults', { registries: inParis }, inParis],
    ['a profile gives its registries', { profile: 'paris' }, inParis],
    ['enabled does not change what registries give', { enabled: 'true', registries: inParis }, inParis],
    ['enabled does not change what a profile gives', { enabled: 'true', profile: 'paris' }, inParis],
  ])('%s, in both modes', (_, annotations, host) => {
    expect(decide(annotations)).toEqual(wanted(host));
    expect(decide(annotations, all)).toEqual(wanted(host));
  });

  test('nothing does, where there is no annotation and the mode is annotated', () => {
    expect(decide({})).toEqual(unselected);
  });

  test('everything does in mode all', () => {
    expect(decide({}, all)).toEqual(wanted(usualHost));
    expect(decide({ 'attach-to': 'none' }, all)).toEqual(wanted(usualHost));
  });

  test.each([
    ['attach-to', { 'attach-to': 'default' }, ['AnnotationInvalid']],
    ['an identity', { 'identity-service-account': 'puller' }, ['AnnotationInvalid']],
    ['a role', { 'role-arn': 'arn:aws:iam::111122223333:role/x' }, ['AnnotationInvalid']],
    ['an unknown key', { typo: 'x' }, ['AnnotationUnknown', 'AnnotationInvalid']],
  ])('%s alone does not in mode annotated, and that is a Warning', (_, annotations, reasons) => {
    expect(decide(annotations)).toEqual({ ...unselected, reasons });
  });
});

describe('fourth, what does not go together', () => {
  test.each([
    ['a profile and registries', { profile: 'paris', registries: inOhio }, ['ProfileRefused']],
    ['a profile and empty registries', { profile: 'paris', registries: '' }, ['ProfileRefused']],
    ['a profile and the same registry', { profile: 'paris', registries: inParis }, ['ProfileRefused']],
    [
      'a profile and an identity',
      { profile: 'paris', 'identity-service-account': 'puller' },
      ['ProfileRefused'],
    ],
    ['a profile and a role', { profile: 'paris', 'role-arn': 'x' }, ['ProfileRefused']],
    ['a profile and an empty role', { profile: 'paris', 'role-arn': '' }, ['ProfileRefused']],
    ['two profiles with one host in both', { profile: 'paris, both' }, ['ProfileRefused']],
    [
      'two profiles with two hosts in both',
      { profile: 'paris, ohio, both' },
      ['ProfileRefused', 'ProfileRefused'],
    ],
  ])('%s are refused in both modes', (_, annotations, reasons) => {
    expect(decide(annotations)).toEqual(refused(...reasons));
    expect(decide({ enabled: 'true', ...annotations }, all)).toEqual(refused(...reasons));
  });

  test.each([
    ['two profiles with different hosts', 'paris ohio', [inParis, inOhio]],
    ['a profile that is named twice', 'paris, paris', [inParis]],
  ])('%s do', (_, profile, hosts) => {
    expect(decide({ profile })).toEqual(wanted(...hosts));
  });

  test('a host that one profile lists twice is not in two profiles', () => {
    const twice = aProfile({ registries: [aRegistry(inParis), aRegistry(inParis)] });
    expect(decide({ profile: 'twice' }, aSettings({ profiles: { twice } }))).toEqual(wanted(inParis));
  });
});

describe('fifth, an enabled that cannot be read', () => {
  test.each([
    ['alone, in mode annotated', { enabled: 'yes' }, settings, { onlyExisting: true, host: usualHost }],
    ['alone, in mode all', { enabled: 'no' }, all, { onlyExisting: true, host: usualHost }],
    [
      'beside registries, which opt in',
      { enabled: 'yes', registries: inParis },
      settings,
      { onlyExisting: false, host: inParis },
    ],
    [
      'beside a profile, which opts in',
      { enabled: 'yes', profile: 'paris' },
      settings,
      { onlyExisting: false, host: inParis },
    ],
  ])('keeps fresh what exists: %s', (_, annotations, by, { onlyExisting, host }) => {
    expect(decide(annotations, by)).toEqual({ ...wanted(host), reasons: ['AnnotationInvalid'] });
    const decision = readIntent(aNamespace({ annotations }), by);
    expect(decision).toMatchObject({ intent: { onlyExisting } });
  });

  test('does not lift what is refused', () => {
    expect(decide({ enabled: 'yes', 'role-arn': 'x' })).toEqual(
      refused('AnnotationInvalid', 'IdentityRefused'),
    );
  });

  test('every readable opt-in makes what does not exist', () => {
    for (const annotations of [{ enabled: 'true' }, { registries: inParis }, { profile: 'paris' }]) {
      expect(readIntent(aNamespace({ annotations }), settings)).toMatchObject({
        intent: { onlyExisting: false },
      });
    }
  });
});

describe('sixth, no host at all', () => {
  const bare = { ...settings, registries: [] };

  test.each([
    ['no default', { enabled: 'true' }, ['NoRegistries']],
    ['registries that are empty', { registries: ' , ' }, ['NoRegistries']],
    ['a profile that is empty', { profile: '' }, ['NoRegistries']],
    [
      'registries of which none parses',
      { registries: 'a b' },
      ['AnnotationInvalid', 'AnnotationInvalid', 'NoRegistries'],
    ],
  ])('is refused: %s', (_, annotations, reasons) => {
    expect(decide(annotations, bare)).toEqual(refused(...reasons));
  });

  test('does not matter where registries are named', () => {
    expect(decide({ registries: inParis }, bare)).toEqual(wanted(inParis));
  });
});

describe('seventh, an unknown key', () => {
  test('is a Warning only', () => {
    const decision = decide({ enabled: 'true', typo: 'x' });
    expect(decision).toEqual({ ...wanted(usualHost), reasons: ['AnnotationUnknown'] });
  });
});
