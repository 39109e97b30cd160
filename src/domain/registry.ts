// Which hosts are ECR registries, what each of them says (account, region, partition, form), and how it is written. Used
// wherever a host enters (configuration, annotations). A new partition is a row of `partitions`, a new kind of host a row of
// `forms`; what is nearly one is told what it should have been by near-miss.
// Facts: ECR User Guide, "Making requests to Amazon ECR registries"; AWS General Reference, "Amazon ECR endpoints"; the host
// pattern of the kubelet's ECR credential provider (kubernetes/cloud-provider-aws, cmd/ecr-credential-provider).
import { digitsProblem, nearMiss, quoted } from './near-miss.ts';

/** Which ECR API issues the token. */
export type RegistryService = 'private' | 'public';

/** How a host is written; `public`: one of ECR Public's two. */
export type RegistryForm = 'standard' | 'fips' | 'dualStack' | 'dualStackFips' | 'public';

interface PartitionFacts {
  /** Its region names, as the partition table of the AWS SDKs has them. */
  readonly regions: RegExp;
  /** Ends the hosts of the forms `standard` and `fips`. */
  readonly suffix: string;
  /** Ends those of the dual-stack forms, where the partition has them. */
  readonly dualStack?: string;
  /** The regions whose registries have FIPS hosts; absent: none. */
  readonly fips?: RegExp;
}

const partitions = {
  aws: {
    regions: /^(us|eu|ap|sa|ca|me|af|il|mx)-(?!gov-|iso[a-z]?-)[a-z]+-\d{1,2}$/,
    suffix: 'amazonaws.com',
    dualStack: 'on.aws',
    fips: /^us-/,
  },
  'aws-us-gov': {
    regions: /^us-gov-[a-z]+-\d{1,2}$/,
    suffix: 'amazonaws.com',
    dualStack: 'on.aws',
    fips: /./,
  },
  'aws-cn': {
    regions: /^cn-[a-z]+-\d{1,2}$/,
    suffix: 'amazonaws.com.cn',
    dualStack: 'on.amazonwebservices.com.cn',
  },
  'aws-eusc': { regions: /^eusc-de-[a-z]+-\d{1,2}$/, suffix: 'amazonaws.eu' },
  'aws-iso': { regions: /^us-iso-[a-z]+-\d{1,2}$/, suffix: 'c2s.ic.gov' },
  'aws-iso-b': { regions: /^us-isob-[a-z]+-\d{1,2}$/, suffix: 'sc2s.sgov.gov' },
  'aws-iso-e': { regions: /^eu-isoe-[a-z]+-\d{1,2}$/, suffix: 'cloud.adc-e.uk' },
  'aws-iso-f': { regions: /^us-isof-[a-z]+-\d{1,2}$/, suffix: 'csp.hci.ic.gov' },
} as const satisfies Record<string, PartitionFacts>;

export type Partition = keyof typeof partitions;

/** True for a partition that we know. */
export const isPartition = (name: string): name is Partition => Object.hasOwn(partitions, name);

const factsOf = (partition: Partition): PartitionFacts => partitions[partition];

/** One registry as it appears as a key of `auths`. */
export interface Registry {
  /** Lower case, without scheme, port or path. */
  readonly host: string;
  /** Twelve digits; `*` in a key for every account of the region; empty for ECR Public. */
  readonly account: string;
  /** Where its token is issued; of ECR Public always us-east-1. */
  readonly region: string;
  readonly partition: Partition;
  readonly service: RegistryService;
  readonly form: RegistryForm;
}

/** What stands between account and region, and which end of the partition's follows. */
const forms = {
  standard: { middle: 'dkr.ecr', end: 'suffix' },
  fips: { middle: 'dkr.ecr-fips', end: 'suffix' },
  dualStack: { middle: 'dkr-ecr', end: 'dualStack' },
  dualStackFips: { middle: 'dkr-ecr-fips', end: 'dualStack' },
} as const satisfies Record<Exclude<RegistryForm, 'public'>, { middle: string; end: keyof PartitionFacts }>;

type PrivateForm = keyof typeof forms;

/** The hosts of ECR Public: the usual one, and the one that answers by IPv6 as well. */
const publicHosts = ['public.ecr.aws', 'ecr-public.aws.com'] as const;

const publicRegistry = (host: string): Registry => ({
  host,
  account: '',
  region: 'us-east-1',
  partition: 'aws',
  service: 'public',
  form: 'public',
});

/** The partition of a region, or undefined for a name that is no AWS region we know the partition of. */
export function partitionOf(region: string): Partition | undefined {
  // It is a label of a host name, which DNS limits.
  if (region.length > 63) return undefined;
  return (Object.keys(partitions) as Partition[]).find((partition) =>
    partitions[partition].regions.test(region),
  );
}

/** The host of a private registry; undefined where the partition of its region does not have this form. */
function privateHost(account: string, region: string, form: PrivateForm): string | undefined {
  const partition = partitionOf(region);
  const { middle, end } = forms[form];
  const suffix = partition && factsOf(partition)[end];
  return suffix === undefined ? undefined : `${account}.${middle}.${region}.${suffix}`;
}

/** Cuts a pasted image reference or URL to its host: scheme, path, tag and upper case go. */
function hostOf(text: string): string {
  return text
    .trim()
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .replace(/^[a-z]+:\/\//, '')
    .replace(/\/.*$/s, '')
    .replace(/@sha256:.*$/s, '');
}

/** Account, separator word and region of what may be a private host; the rest is compared as a whole. */
const privatePattern = /^(\d{12})\.(dkr[.-]ecr(?:-fips)?)\.([a-z0-9-]+)\./;

/**
 * Reads one registry.
 * @param text a host, or a pasted image reference or URL of one
 * @returns the registry, or what is wrong with the text and what it should have been
 */
export function parseRegistry(text: string): { registry: Registry } | { problem: string } {
  const host = hostOf(text);
  if (publicHosts.some((known) => known === host)) return { registry: publicRegistry(host) };
  const [, account = '', middle = '', region = ''] = privatePattern.exec(host) ?? [];
  const form = (Object.keys(forms) as PrivateForm[]).find((name) => forms[name].middle === middle);
  const partition = partitionOf(region);
  // Written back it must be the same text: so nothing can stand before or behind it, and a region fits its partition.
  if (form !== undefined && partition !== undefined && privateHost(account, region, form) === host) {
    return { registry: { host, account, region, partition, service: 'private', form } };
  }
  const digits = digitsProblem(host);
  return { problem: `${quoted(text)}${digits ?? nearMiss(host, privateHost)}` };
}

/** Which further keys each registry gets in `auths`. */
export interface KeyOptions {
  readonly fips: boolean;
  readonly dualStack: boolean;
  /** A key for every account of the region, which the kubelet understands and docker clients ignore. */
  readonly wildcard: boolean;
}

/** The further keys of a registry: the hosts that it has besides, in its partition and region. */
export function furtherKeys(registry: Registry, options: KeyOptions): readonly Registry[] {
  const { account, region, form } = registry;
  if (form === 'public') {
    return options.dualStack ? otherThan(registry, publicHosts.map(publicRegistry)) : [];
  }
  const owners = options.wildcard ? [account, '*'] : [account];
  const written = [...new Set([form, ...keyForms(registry, options)])].flatMap((other) =>
    owners.flatMap((owner) => {
      const host = privateHost(owner, region, other);
      return host === undefined ? [] : [{ ...registry, host, account: owner, form: other }];
    }),
  );
  return otherThan(registry, written);
}

function keyForms({ partition, region }: Registry, { fips, dualStack }: KeyOptions): readonly PrivateForm[] {
  const hasFips = fips && factsOf(partition).fips?.test(region) === true;
  return [
    ...(hasFips ? (['fips'] as const) : []),
    ...(dualStack ? (['dualStack'] as const) : []),
    ...(hasFips && dualStack ? (['dualStackFips'] as const) : []),
  ];
}

const otherThan = ({ host }: Registry, registries: readonly Registry[]): readonly Registry[] =>
  registries.filter((other) => other.host !== host);
