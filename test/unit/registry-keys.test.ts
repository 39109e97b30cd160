// The further keys of a registry in `auths`: each combination of what the administrator asks for, for each partition and form.
// None is made up that does not exist; a wildcard only when it is asked for. Whose token they get is in intent-keys.test.ts.
import { describe, expect, test } from 'vitest';
import { type KeyOptions, type Registry, furtherKeys, parseRegistry } from '../../src/domain/registry.ts';
import { aRegistry } from '../support/views.ts';

const none: KeyOptions = { fips: false, dualStack: false, wildcard: false };
const account = '111122223333';

const hostsOf = (host: string, options: Partial<KeyOptions>): readonly string[] =>
  furtherKeys(aRegistry(host), { ...none, ...options }).map((registry) => registry.host);

const standard = (region: string, end: string) => `${account}.dkr.ecr.${region}.${end}`;

/** What there is in a region besides its usual host, as AWS documents it; by form. */
const places = [
  {
    region: 'us-east-1',
    usual: standard('us-east-1', 'amazonaws.com'),
    fips: 'dkr.ecr-fips.us-east-1.amazonaws.com',
    dualStack: 'dkr-ecr.us-east-1.on.aws',
    dualStackFips: 'dkr-ecr-fips.us-east-1.on.aws',
  },
  {
    region: 'us-gov-west-1',
    usual: standard('us-gov-west-1', 'amazonaws.com'),
    fips: 'dkr.ecr-fips.us-gov-west-1.amazonaws.com',
    dualStack: 'dkr-ecr.us-gov-west-1.on.aws',
    dualStackFips: 'dkr-ecr-fips.us-gov-west-1.on.aws',
  },
  {
    region: 'eu-west-1, which has no FIPS hosts',
    usual: standard('eu-west-1', 'amazonaws.com'),
    dualStack: 'dkr-ecr.eu-west-1.on.aws',
  },
  {
    region: 'cn-north-1, which has no FIPS hosts',
    usual: standard('cn-north-1', 'amazonaws.com.cn'),
    dualStack: 'dkr-ecr.cn-north-1.on.amazonwebservices.com.cn',
  },
  { region: 'eusc-de-east-1', usual: standard('eusc-de-east-1', 'amazonaws.eu') },
  { region: 'us-iso-east-1', usual: standard('us-iso-east-1', 'c2s.ic.gov') },
  { region: 'us-isob-east-1', usual: standard('us-isob-east-1', 'sc2s.sgov.gov') },
  { region: 'eu-isoe-west-1', usual: standard('eu-isoe-west-1', 'cloud.adc-e.uk') },
  { region: 'us-isof-south-1', usual: standard('us-isof-south-1', 'csp.hci.ic.gov') },
] as const;

interface Forms {
  readonly usual: string;
  readonly fips?: string;
  readonly dualStack?: string;
  readonly dualStackFips?: string;
}

/** The forms that the options ask for and the place has, without an account. */
function askedFor(forms: Forms, { fips, dualStack }: KeyOptions): readonly string[] {
  return [
    fips ? forms.fips : undefined,
    dualStack ? forms.dualStack : undefined,
    fips && dualStack ? forms.dualStackFips : undefined,
  ].filter((form) => form !== undefined);
}

const combinations: readonly KeyOptions[] = [false, true].flatMap((fips) =>
  [false, true].flatMap((dualStack) => [false, true].map((wildcard) => ({ fips, dualStack, wildcard }))),
);
const named = (options: KeyOptions): string =>
  Object.entries(options)
    .filter(([, on]) => on)
    .map(([key]) => key)
    .join(' and ') || 'nothing';

const rows = places.flatMap((place) =>
  combinations.map((options) => ({ title: `${place.region}, asked for ${named(options)}`, place, options })),
);

describe('a registry of', () => {
  test.each(rows)('$title gets exactly the hosts that exist there', ({ place, options }) => {
    const forms = [place.usual.slice(account.length + 1), ...askedFor(place, options)];
    const own = forms.map((form) => `${account}.${form}`);
    const everyAccount = options.wildcard ? forms.map((form) => `*.${form}`) : [];
    const expected = [...own, ...everyAccount].filter((host) => host !== place.usual);
    expect(hostsOf(place.usual, options).toSorted()).toEqual(expected.toSorted());
  });
});

const everyForm = places.flatMap((place: Forms) =>
  [place.fips, place.dualStack, place.dualStackFips]
    .filter((form) => form !== undefined)
    .map((form) => ({ form: `${account}.${form}`, place })),
);

describe('a registry that is not listed by its usual host', () => {
  test.each(everyForm)('$form gets the others that are asked for, never itself', ({ form, place }) => {
    for (const options of combinations) {
      const rest = [form.slice(account.length + 1), ...askedFor(place, options)];
      const expected = rest.flatMap((one) => [
        `${account}.${one}`,
        ...(options.wildcard ? [`*.${one}`] : []),
      ]);
      const without = [...new Set(expected)].filter((host) => host !== form);
      expect(hostsOf(form, options).toSorted()).toEqual(without.toSorted());
    }
  });

  test('does not get the usual host, which nobody named', () => {
    const all = { fips: true, dualStack: true, wildcard: true };
    const hosts = hostsOf('111122223333.dkr-ecr.us-east-1.on.aws', all);
    expect(hosts).not.toContain('111122223333.dkr.ecr.us-east-1.amazonaws.com');
    expect(hosts).not.toContain('*.dkr.ecr.us-east-1.amazonaws.com');
  });
});

describe('ECR Public', () => {
  test.each([
    ['public.ecr.aws', 'ecr-public.aws.com'],
    ['ecr-public.aws.com', 'public.ecr.aws'],
  ])('%s gets its other host where dual-stack is asked for, and nothing else', (host, other) => {
    for (const options of combinations)
      expect(hostsOf(host, options)).toEqual(options.dualStack ? [other] : []);
  });
});

const everything = { fips: true, dualStack: true, wildcard: true };
const derived = [...places.map(({ usual }) => usual), 'public.ecr.aws'].flatMap((host) =>
  furtherKeys(aRegistry(host), everything).map((registry) => ({ host: registry.host, of: host, registry })),
);

describe('a further key', () => {
  test('is one of 26, or these tables test nothing', () => {
    expect(derived).toHaveLength(26);
  });

  test.each(derived)('$host takes the token of $of', ({ registry, of }) => {
    const { service, region, partition }: Registry = aRegistry(of);
    expect(registry).toMatchObject({ service, region, partition });
  });

  test.each(derived)('$host says of itself what is read from it; a star is every account', ({ registry }) => {
    const host = registry.host.replace('*', account);
    const owner = registry.host.startsWith('*') ? '*' : aRegistry(host).account;
    expect(registry.account).toBe(owner);
    expect({ ...registry, host, account: aRegistry(host).account }).toEqual(aRegistry(host));
  });

  test.each(derived.filter(({ registry }) => registry.account === '*'))(
    '$host cannot be listed by anybody: it comes by that setting only',
    ({ host }) => {
      expect(parseRegistry(host)).toHaveProperty('problem');
    },
  );
});
