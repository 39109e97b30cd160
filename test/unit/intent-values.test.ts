// What a served namespace is to hold: hosts, identities, ServiceAccounts, and which bad value blocks what. Whether it is
// served at all is tested in intent.test.ts.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Intent, readIntent, sourcesOf } from '../../src/domain/intent.ts';
import type { Settings } from '../../src/domain/settings.ts';
import { aNamespace, aProfile, aRegistry, aRole, aSettings, hostIn, usualHost } from '../support/views.ts';

const inParis = hostIn('eu-west-3');
const inOhio = hostIn('us-east-2');
const settings = aSettings({
  attachTo: ['default', 'builder'],
  profiles: {
    paris: aProfile({ registries: [aRegistry(inParis)] }),
    plain: aProfile({ registries: [aRegistry(inOhio)], role: undefined }),
    secret: aProfile({ namespaces: ['team-z', 'z-?'] }),
  },
});

function decide(annotations: Readonly<Record<string, string>>, by: Settings = settings, name = 'team-a') {
  return readIntent(aNamespace({ name, annotations }), by);
}

/** The intent of a namespace that is served. */
function intentOf(annotations: Readonly<Record<string, string>>, by: Settings = settings): Intent {
  const decision = decide(annotations, by);
  if (decision.kind !== 'wanted') throw new Error(`${decision.kind}: ${JSON.stringify(decision.problems)}`);
  return decision.intent;
}

const hostsOf = ({ wanted }: Intent): readonly string[] => wanted.map(({ registry }) => registry.host);

describe('hosts', () => {
  test('are sorted, each once, however they are written', () => {
    const registries = `${inOhio}, https://${inParis}/app:v1 ${inParis.toUpperCase()},${usualHost}\n${inOhio}/x`;
    expect(hostsOf(intentOf({ registries }))).toEqual([usualHost, inParis, inOhio]);
  });

  test('are sorted, each once, for any list', () => {
    const regions = fc.constantFrom('eu-west-1', 'eu-west-3', 'us-east-1', 'ap-south-1', 'sa-east-1');
    const accounts = fc.constantFrom('000000000001', '111122223333', '999999999999');
    const hosts = fc.array(
      fc.tuple(regions, accounts).map(([region, account]) => hostIn(region, account)),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(hosts, (some) => {
        const expected = [...new Set(some)].toSorted();
        expect(hostsOf(intentOf({ registries: some.join(' ') }))).toEqual(expected);
        const byDefault = { ...settings, registries: some.map(aRegistry) };
        expect(hostsOf(intentOf({ enabled: 'true' }, byDefault))).toEqual(expected);
      }),
    );
  });

  test('that do not parse are reported each, and the others go on', () => {
    const decision = decide({ registries: `nope ${inParis}, *,${inOhio}` });
    expect(decision).toMatchObject({ kind: 'wanted' });
    expect(hostsOf(intentOf({ registries: `nope ${inParis}, *,${inOhio}` }))).toEqual([inParis, inOhio]);
    expect(decision.problems.map(({ subject }) => subject)).toEqual([
      'ecr-pull-secrets/registries',
      'ecr-pull-secrets/registries',
    ]);
  });

  test.each([
    ['exactly the limit are served', 3, 'wanted'],
    ['one more than the limit are refused', 2, 'refused'],
  ])('%s', (_, registriesPerNamespace, kind) => {
    const limited = { ...settings, limits: { registriesPerNamespace } };
    expect(decide({ registries: [usualHost, inParis, inOhio].join() }, limited).kind).toBe(kind);
  });

  test('count once each against the limit', () => {
    const limited = { ...settings, limits: { registriesPerNamespace: 1 } };
    expect(decide({ registries: `${inParis} ${inParis}/app` }, limited).kind).toBe('wanted');
  });
});

describe('identities', () => {
  test.each([
    ['of the defaults is the default', { enabled: 'true' }, settings.defaultIdentity],
    ['of registries is the default', { registries: inParis }, settings.defaultIdentity],
    ['of a profile with a role is that role', { profile: 'paris' }, aRole()],
    ['of a profile without a role is the default', { profile: 'plain' }, settings.defaultIdentity],
  ])('that %s', (_, annotations, identity) => {
    expect(intentOf(annotations).wanted.map((entry) => entry.identity)).toEqual([identity]);
  });

  test('stay with their hosts where two profiles are named', () => {
    const pairs = intentOf({ profile: 'plain paris' }).wanted.map(({ registry, identity }) => [
      registry.host,
      identity.kind,
    ]);
    expect(pairs).toEqual([
      [inParis, 'chain'],
      [inOhio, 'default'],
    ]);
  });

  test('and regions make the sources of tokens: one for two accounts of a region, two for two regions', () => {
    const registries = [hostIn('eu-west-1'), hostIn('eu-west-1', '999999999999'), inOhio].join();
    const sources = [...sourcesOf(intentOf({ registries }).wanted).values()];
    expect(sources.map(({ region, service }) => [region, service])).toEqual([
      ['eu-west-1', 'private'],
      ['us-east-2', 'private'],
    ]);
  });

  test.each([
    ['a ServiceAccount', { 'identity-service-account': 'puller' }],
    ['a role', { 'role-arn': 'arn:aws:iam::111122223333:role/x' }],
    ['both', { 'identity-service-account': 'puller', 'role-arn': 'arn:aws:iam::111122223333:role/x' }],
  ])('of its own, by %s, refuse the namespace where the installation allows none', (_, annotations) => {
    const decision = decide({ enabled: 'true', ...annotations });
    expect(decision.kind).toBe('refused');
    expect(decision.problems.map(({ reason }) => reason)).toEqual(['IdentityRefused']);
  });
});

describe('a bad profile blocks the namespace', () => {
  test.each([
    ['one that is not there', 'nope'],
    ['one whose name is in another case', 'Paris'],
    ['one of two', 'paris nope'],
    ['one that other namespaces may use', 'secret'],
    ['a name that every object has', 'constructor'],
    ['another name that every object has', 'toString'],
    ['the name of a prototype', '__proto__'],
  ])('%s', (_, profile) => {
    const decision = decide({ profile });
    expect(decision.kind).toBe('refused');
    expect(decision.problems.map(({ reason }) => reason)).toEqual(['ProfileRefused']);
  });

  test('but not the namespaces that may use it', () => {
    expect(decide({ profile: 'secret' }, settings, 'team-z').kind).toBe('wanted');
    expect(decide({ profile: 'secret' }, settings, 'z-1').kind).toBe('wanted');
    expect(decide({ profile: 'secret' }, settings, 'team-zz').kind).toBe('refused');
  });
});

describe('ServiceAccounts', () => {
  test.each([
    ['are the configured ones where none is named', {}, ['default', 'builder']],
    ['are those that are named', { 'attach-to': 'builder' }, ['builder']],
    ['are none by that word', { 'attach-to': 'none' }, []],
    ['are each once', { 'attach-to': 'default,default' }, ['default']],
  ])('%s', (_, annotations, attachTo) => {
    expect(intentOf({ enabled: 'true', ...annotations }).attachTo).toEqual(attachTo);
  });

  test('that the configuration does not list block the namespace, each with a problem', () => {
    const decision = decide({ enabled: 'true', 'attach-to': 'default, admin, root' });
    expect(decision.kind).toBe('refused');
    expect(decision.problems).toHaveLength(2);
    expect(decision.problems.map(({ reason }) => reason)).toEqual([
      'ServiceAccountRefused',
      'ServiceAccountRefused',
    ]);
  });

  test('may not be named at all where the configuration lists none', () => {
    const none = { ...settings, attachTo: [] };
    expect(decide({ enabled: 'true', 'attach-to': 'default' }, none).kind).toBe('refused');
    expect(intentOf({ enabled: 'true' }, none).attachTo).toEqual([]);
  });
});

test('the intent carries the name of its namespace', () => {
  expect(intentOf({ enabled: 'true' }).namespace).toBe('team-a');
});
