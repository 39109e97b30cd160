// Further keys that the administrator asks for, in what a namespace is to hold: each is its registry's identity's, explicit hosts
// go first, and what two identities would both give is nobody's. Which keys there are is tested in registry-keys.test.ts.
import { describe, expect, test } from 'vitest';
import { identityHash } from '../../src/domain/identity.ts';
import { readIntent, sourcesOf } from '../../src/domain/intent.ts';
import type { KeyOptions } from '../../src/domain/registry.ts';
import type { Settings } from '../../src/domain/settings.ts';
import {
  aDefaultIdentity,
  aNamespace,
  aProfile,
  aProfileRole,
  aRegistry,
  aRole,
  aSettings,
  hostIn,
} from '../support/views.ts';

const keys = (asked: Partial<KeyOptions>): KeyOptions => ({
  fips: false,
  dualStack: false,
  wildcard: false,
  ...asked,
});
const other = '999999999999';
const standard = (account: string) => hostIn('us-east-1', account);
const dualStack = (account: string) => `${account}.dkr-ecr.us-east-1.on.aws`;
const mine = '111122223333';
const roleArn = 'arn:aws:iam::999999999999:role/partner';

const settings = aSettings({
  registries: [aRegistry(standard(mine))],
  profiles: {
    partner: aProfile({ registries: [aRegistry(standard(other))], role: aProfileRole({ roleArn }) }),
    plain: aProfile({ registries: [aRegistry(standard(mine))], role: undefined }),
    // The same host as plain's, written otherwise.
    doubled: aProfile({ registries: [aRegistry(dualStack(mine))], role: aProfileRole({ roleArn }) }),
    alike: aProfile({ registries: [aRegistry(standard(other))], role: undefined }),
    paris: aProfile({ registries: [aRegistry(hostIn('eu-west-3'))], role: aProfileRole({ roleArn }) }),
    public: aProfile({ registries: [aRegistry('public.ecr.aws')], role: aProfileRole({ roleArn }) }),
  },
});

/** Who gives the token of each host; refusals as an error. */
function givers(
  annotations: Readonly<Record<string, string>>,
  asked: Partial<KeyOptions>,
  by: Settings = settings,
): Readonly<Record<string, string>> {
  const decision = readIntent(aNamespace({ annotations }), { ...by, keys: keys(asked) });
  if (decision.kind !== 'wanted') throw new Error(decision.problems.map(({ note }) => note).join('\n'));
  const { wanted } = decision.intent;
  expect(wanted.map(({ registry }) => registry.host)).toEqual(
    [...new Set(wanted.map(({ registry }) => registry.host))].toSorted(),
  );
  return Object.fromEntries(
    wanted.map(({ registry, identity }) => [
      registry.host,
      identity.kind === 'default' ? 'us' : identity.roleArn,
    ]),
  );
}

describe('further keys', () => {
  test('are not there where none is asked for', () => {
    expect(givers({ enabled: 'true' }, {})).toEqual({ [standard(mine)]: 'us' });
  });

  test.each<[string, Partial<KeyOptions>, readonly string[]]>([
    ['FIPS', { fips: true }, [`${mine}.dkr.ecr-fips.us-east-1.amazonaws.com`]],
    ['dual-stack', { dualStack: true }, [dualStack(mine)]],
    ['a wildcard', { wildcard: true }, [standard('*')]],
    [
      'all',
      { fips: true, dualStack: true, wildcard: true },
      [mine, '*'].flatMap((account) => [
        standard(account),
        `${account}.dkr.ecr-fips.us-east-1.amazonaws.com`,
        dualStack(account),
        `${account}.dkr-ecr-fips.us-east-1.on.aws`,
      ]),
    ],
  ])('have the identity of their registry, and cost no further token: %s', (_, asked, hosts) => {
    const all = [...new Set([standard(mine), ...hosts])];
    expect(givers({ enabled: 'true' }, asked)).toEqual(Object.fromEntries(all.map((host) => [host, 'us'])));
    const decision = readIntent(aNamespace(), { ...settings, keys: keys(asked) });
    expect(decision.kind === 'wanted' && sourcesOf(decision.intent.wanted).size).toBe(1);
  });

  test('are those of registries that a namespace names, too, and of profiles', () => {
    expect(givers({ registries: standard(other) }, { dualStack: true })).toEqual({
      [standard(other)]: 'us',
      [dualStack(other)]: 'us',
    });
    expect(givers({ profile: 'partner' }, { dualStack: true })).toEqual({
      [standard(other)]: roleArn,
      [dualStack(other)]: roleArn,
    });
  });
});

describe('what two identities would both give', () => {
  test('is left out: a wildcard would hand the pods of one account the token of another', () => {
    expect(givers({ profile: 'partner plain' }, { wildcard: true })).toEqual({
      [standard(mine)]: 'us',
      [standard(other)]: roleArn,
    });
  });

  test('is left out for this region alone', () => {
    expect(givers({ profile: 'partner plain paris' }, { wildcard: true })).toEqual({
      [standard(mine)]: 'us',
      [standard(other)]: roleArn,
      [hostIn('eu-west-3')]: roleArn,
      [hostIn('eu-west-3', '*')]: roleArn,
    });
  });

  test('is there where two registries have the same identity', () => {
    expect(givers({ profile: 'alike plain' }, { wildcard: true })).toEqual({
      [standard(mine)]: 'us',
      [standard(other)]: 'us',
      [standard('*')]: 'us',
    });
  });

  test('is told by the identity’s hash: equal ones made anew for each profile are one', () => {
    const again = aRole({ base: aDefaultIdentity(), roleArn });
    expect(identityHash(again)).toBe(identityHash(aRole({ roleArn })));
    const profiles = {
      one: aProfile({ registries: [aRegistry(standard(mine))], role: aProfileRole({ roleArn }) }),
      two: aProfile({ registries: [aRegistry(standard(other))], role: aProfileRole({ roleArn }) }),
    };
    const hosts = givers({ profile: 'one two' }, { wildcard: true }, { ...settings, profiles });
    expect(hosts[standard('*')]).toBe(roleArn);
  });
});

describe('a host that is listed', () => {
  test('keeps its own identity, though another registry’s further key would be the same', () => {
    expect(givers({ profile: 'plain doubled' }, { dualStack: true })).toEqual({
      [standard(mine)]: 'us',
      [dualStack(mine)]: roleArn,
    });
  });

  test('of ECR Public keeps it as well', () => {
    const profiles = {
      ...settings.profiles,
      six: aProfile({ registries: [aRegistry('ecr-public.aws.com')], role: undefined }),
    };
    expect(givers({ profile: 'public six' }, { dualStack: true }, { ...settings, profiles })).toEqual({
      'public.ecr.aws': roleArn,
      'ecr-public.aws.com': 'us',
    });
    expect(givers({ profile: 'public' }, { dualStack: true }, { ...settings, profiles })).toEqual({
      'public.ecr.aws': roleArn,
      'ecr-public.aws.com': roleArn,
    });
  });
});

describe('the limit of registries', () => {
  const all = { fips: true, dualStack: true, wildcard: true };
  const registries = [standard(mine), standard(other)].join();
  const limited = (registriesPerNamespace: number) => ({ ...settings, limits: { registriesPerNamespace } });

  test('counts those that are listed only', () => {
    expect(Object.keys(givers({ registries }, all, limited(2)))).toHaveLength(12);
    expect(() => givers({ registries }, all, limited(1))).toThrow('more than 1 registries');
  });
});
