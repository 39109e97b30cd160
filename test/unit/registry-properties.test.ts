// Reading a host for any text at all: what is accepted is what the kubelet's own ECR provider accepts and what fits the AWS
// SDK's table of partitions, and it is written as it was read. Single hosts are in registry.test.ts.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Partition, type Registry, parseRegistry, partitionOf } from '../../src/domain/registry.ts';
import { aRegistry } from '../support/views.ts';

/** Of kubernetes/cloud-provider-aws, cmd/ecr-credential-provider: what the kubelet's own provider takes for ECR. */
const kubeletPattern =
  /^(\d{12})\.dkr[.-]ecr(-fips)?\.([a-zA-Z0-9][a-zA-Z0-9-_]*)\.(amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$/;
const kubeletPublicHosts = ['public.ecr.aws', 'ecr-public.aws.com'];

// The table that the SDK's clients use. It belongs to a package that we do not depend on ourselves, so it is looked for
// where the client finds it.
const ofClient = createRequire(createRequire(import.meta.url).resolve('@aws-sdk/client-ecr'));
const { partition: sdkPartition } = ofClient('@aws-sdk/core/client') as {
  /** Of a region it does not know, the SDK says that it is commercial; `description` is there for those that exist. */
  readonly partition: (region: string) => {
    readonly name: string;
    readonly dnsSuffix: string;
    readonly description?: string;
  };
};

/** Every region that the SDK's table names; the table itself is not exported. */
const realRegions = [
  ...new Set(
    [
      ...readFileSync(ofClient.resolve('@aws-sdk/core/client'), 'utf8').matchAll(
        /"([a-z]+(?:-[a-z]+)+-\d+)":/g,
      ),
    ].map(([, region = '']) => region),
  ),
].filter((region) => sdkPartition(region).description !== undefined);

/** The end of dual-stack hosts, which is not in the SDK's table (facts, 2.1). */
const dualStackSuffixes: Readonly<Partial<Record<string, string>>> = {
  aws: 'on.aws',
  'aws-us-gov': 'on.aws',
  'aws-cn': 'on.amazonwebservices.com.cn',
};

/** The hosts that a registry of this region may have, by the SDK's table. */
function hostsOf(account: string, region: string): readonly string[] {
  const { name, dnsSuffix } = sdkPartition(region);
  const dualStack = dualStackSuffixes[name];
  const usual = ['dkr.ecr', 'dkr.ecr-fips'].map((middle) => `${account}.${middle}.${region}.${dnsSuffix}`);
  if (dualStack === undefined) return usual;
  return [
    ...usual,
    ...['dkr-ecr', 'dkr-ecr-fips'].map((middle) => `${account}.${middle}.${region}.${dualStack}`),
  ];
}

function expectPublic({ host, account, region, form }: Registry): void {
  expect(kubeletPublicHosts).toContain(host);
  expect({ account, region, form }).toEqual({ account: '', region: 'us-east-1', form: 'public' });
}

function expectPrivate({ host, account, region, partition, form }: Registry): void {
  const [, digits, fips, place] = kubeletPattern.exec(host) ?? [];
  expect({ account: digits, region: place }).toEqual({ account, region });
  expect(sdkPartition(region).name).toBe(partition);
  expect(hostsOf(account, region)).toContain(host);
  expect(form.toLowerCase().includes('fips')).toBe(fips !== undefined);
  expect(form.startsWith('dualStack')).toBe(host.includes('dkr-ecr'));
}

/** Checks an accepted registry by what the kubelet and the SDK say, and nothing of our own table. */
function expectGenuine(registry: Registry): void {
  expect(new URL(`https://${registry.host}`).host).toBe(registry.host);
  expect(registry.host.split('.').filter(({ length }) => length > 63)).toEqual([]);
  const check = registry.service === 'public' ? expectPublic : expectPrivate;
  check(registry);
}

const accounts = fc.oneof(fc.stringMatching(/^\d{12}$/), fc.constantFrom('000000000000', '999999999999'));
const invented = fc.stringMatching(
  /^(us|eu|ap|sa|ca|me|af|il|mx|cn|us-gov|eusc-de|us-iso|us-isob|us-isoz|eu-isoe|us-isof|moon|eusc-fr|aws)-([a-z]{1,9}|[a-z]{50,70})-\d{1,3}$/,
);
/** Each partition as often as another, though most regions are commercial. */
const genuine = fc.oneof(
  ...[...Map.groupBy(realRegions, (region) => sdkPartition(region).name).values()].map((some) =>
    fc.constantFrom(...some),
  ),
);
const regions = fc.oneof(genuine, invented);

describe('the partition of a region', () => {
  test.each(realRegions)('%s is that of the SDK', (region) => {
    expect(partitionOf(region)).toBe(sdkPartition(region).name);
  });

  test('is known for all of the SDK’s regions, in eight partitions', () => {
    expect(realRegions.length).toBeGreaterThan(40);
    expect(new Set(realRegions.map(partitionOf)).size).toBe(8);
  });

  test('is that of the SDK also for regions that AWS has yet to open, or none', () => {
    let known = 0;
    fc.assert(
      fc.property(fc.oneof(invented, fc.string({ unit: 'binary' })), (region) => {
        const partition = partitionOf(region);
        // For what it does not know the SDK answers `aws`; we answer nothing.
        if (partition === undefined) return;
        known += 1;
        expect(sdkPartition(region).name).toBe(partition);
      }),
      { numRuns: 5_000 },
    );
    expect(known).toBeGreaterThan(500);
  });
});

describe('reading and writing are inverse', () => {
  test('every host of the SDK’s table is read as its parts, for any account and real region', () => {
    fc.assert(
      fc.property(accounts, genuine, (account, region) => {
        for (const host of hostsOf(account, region)) {
          const registry = aRegistry(host);
          expect(registry).toMatchObject({ host, account, region, service: 'private' });
          expectGenuine(registry);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('no region with the suffix or form of another partition is read as anything', () => {
    const suffixes = [...new Set(realRegions.flatMap((region) => hostsOf('', region)))].map((host) =>
      host.replace(/^\.(dkr[.-]ecr(?:-fips)?)\.[^.]+\./, '$1 '),
    );
    fc.assert(
      fc.property(accounts, regions, fc.constantFrom(...suffixes), (account, region, suffix) => {
        const [middle, end] = suffix.split(' ');
        const host = `${account}.${middle}.${region}.${end}`;
        const fits = partitionOf(region) !== undefined && hostsOf(account, region).includes(host);
        expect('registry' in parseRegistry(host)).toBe(fits);
      }),
      { numRuns: 5_000 },
    );
  });
});

/** Pieces of hosts, good and nearly good ones, and what people and attackers put around them. */
const pieces = {
  before: ['', '', ' ', 'https://', 'HTTP://', 'oci://', 'evil-', 'user@', 'a:b@', '//', '\u200B'],
  account: ['111122223333', '*', '１１１１２２２２３３３３', ''],
  middle: [
    ['.dkr.ecr.', '.dkr.ecr-fips.', '.dkr-ecr.', '.dkr-ecr-fips.', '.DKR.ECR.', '.ecr.', '.dkr_ecr.'],
    ['.d\u212Ar.ecr.', '.dkr.ecr..', 'xdkr.ecr.', '。dkr.ecr.', 'public.ecr.aws', 'ecr-public.aws.com'],
  ].flat(),
  region: ['', 'US-EAST-1', 'eu-west-1.', 'eu_west_1', 'ſa-east-1'],
  suffix: [
    ['.amazonaws.com', '.amazonaws.com.cn', '.amazonaws.eu', '.on.aws', '.on.amazonwebservices.com.cn'],
    ['.c2s.ic.gov', '.sc2s.sgov.gov', '.cloud.adc-e.uk', '.csp.hci.ic.gov', '.AmazonAWS.com', ''],
    ['.amazonaws.com.evil.example', '.amazonaws.com-evil.example', 'xamazonaws.com', '.amazonaws.comx'],
  ].flat(),
  behind: ['', '', '/', '/app:v1', '@sha256:00', '@evil.example', ':443', '.', ' ', '\n', '?x', '#y'],
};
const nearlyHosts = fc
  .tuple(
    fc.constantFrom(...pieces.before),
    fc.oneof(fc.stringMatching(/^\d{11,13}$/), fc.constantFrom(...pieces.account)),
    fc.constantFrom(...pieces.middle),
    fc.oneof(regions, fc.constantFrom(...pieces.region)),
    fc.constantFrom(...pieces.suffix),
    fc.constantFrom(...pieces.behind),
  )
  .map((parts) => parts.join(''));

/** A genuine host, whole or with one letter dropped, added or replaced by any other. */
const mutated = fc
  .tuple(
    accounts,
    genuine,
    fc.nat({ max: 3 }),
    fc.nat({ max: 80 }),
    fc.constantFrom('keep', 'drop', 'replace', 'insert'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  )
  .map(([account, region, form, place, how, letter]) => {
    const hosts = hostsOf(account, region);
    const host = hosts[form % hosts.length] ?? '';
    if (how === 'keep') return host;
    const at = place % host.length;
    const rest = host.slice(how === 'insert' ? at : at + 1);
    return host.slice(0, at) + (how === 'drop' ? '' : letter) + rest;
  });

/** What the kubelet and the SDK know together, as it stands, is never refused; and a refusal is short enough to be told. */
function expectRefusedRightly(text: string, problem: string): void {
  const [, account = '', , region = ''] = kubeletPattern.exec(text) ?? [];
  expect(realRegions.includes(region) && hostsOf(account, region).includes(text)).toBe(false);
  expect(kubeletPublicHosts).not.toContain(text);
  expect(Buffer.byteLength(problem)).toBeLessThanOrEqual(1_000);
}

test('for any text nothing crashes, nothing slips through, and what is accepted reads the same again', () => {
  const accepted = new Map<Partition, number>();
  let refused = 0;
  const anything = fc.oneof(
    { weight: 5, arbitrary: nearlyHosts },
    { weight: 4, arbitrary: mutated },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 300 }) },
  );
  fc.assert(
    fc.property(anything, (text) => {
      const result = parseRegistry(text);
      if ('problem' in result) {
        refused += 1;
        expectRefusedRightly(text, result.problem);
        return;
      }
      const { registry } = result;
      accepted.set(registry.partition, (accepted.get(registry.partition) ?? 0) + 1);
      expectGenuine(registry);
      expect(parseRegistry(registry.host)).toEqual({ registry });
      // The host stands in the text: it is cut out, never made up.
      expect(text.toLowerCase()).toContain(registry.host);
    }),
    { numRuns: 25_000 },
  );
  expect(refused).toBeGreaterThan(10_000);
  expect(accepted.size).toBe(8);
  for (const count of accepted.values()) expect(count).toBeGreaterThan(10);
});
