// Which hosts are ECR registries and what each of them says: account, region, partition. Used wherever a host enters
// (configuration, annotations). A new kind of host is a row of `forms`; a new partition a row of `partitions`.
// Facts: the host patterns of the kubelet's ECR credential provider (kubernetes/cloud-provider-aws,
// cmd/ecr-credential-provider) and the AWS General Reference, "Amazon ECR endpoints". Anchored: a host that merely
// contains an ECR name is refused.

export type Partition = 'aws' | 'aws-us-gov' | 'aws-cn';

/** Which ECR API issues the token. ECR Public will be the second one. */
export type RegistryService = 'private';

/** One registry as it appears as a key of `auths`. */
export interface Registry {
  /** Lower case, without scheme, port or path. */
  readonly host: string;
  readonly account: string;
  readonly region: string;
  readonly partition: Partition;
  readonly service: RegistryService;
}

/** The region names of each partition, as the AWS SDKs' partition table writes them. */
const partitions: Readonly<Record<Partition, RegExp>> = {
  aws: /^(af|ap|ca|eu|il|me|mx|sa|us)-(?!gov-|iso[a-z]?-)[a-z]+-\d{1,2}$/,
  'aws-us-gov': /^us-gov-[a-z]+-\d{1,2}$/,
  'aws-cn': /^cn-[a-z]+-\d{1,2}$/,
};

interface RegistryForm {
  readonly service: RegistryService;
  /** Anchored; groups: account, region. */
  readonly pattern: RegExp;
  /** The partitions whose registries are written in this form. */
  readonly partitions: readonly Partition[];
}

const forms: readonly RegistryForm[] = [
  {
    service: 'private',
    pattern: /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com$/,
    partitions: ['aws', 'aws-us-gov'],
  },
  {
    service: 'private',
    pattern: /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\.cn$/,
    partitions: ['aws-cn'],
  },
];

const expected = '<12-digit account>.dkr.ecr.<region>.amazonaws.com (China: .amazonaws.com.cn)';

/** A piece of somebody's text as we repeat it in a message: not long, and without a password that was pasted with it. */
function quoted(text: string): string {
  const shown = text.replace(/^([a-z]+:\/\/)?[^/]*@(?!sha256:)/i, '$1…@');
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 80)}…` : shown);
}

/** The partition of a region, or undefined for a name that is no AWS region we know the partition of. */
export function partitionOf(region: string): Partition | undefined {
  return (Object.keys(partitions) as Partition[]).find((partition) => partitions[partition].test(region));
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

/**
 * Reads one registry.
 * @param text a host, or a pasted image reference or URL of one
 * @returns the registry, or what is wrong with the text and what it should have been
 */
export function parseRegistry(text: string): { registry: Registry } | { problem: string } {
  const host = hostOf(text);
  const account = /^(\d+)\.dkr/.exec(host)?.[1];
  if (account !== undefined && account.length !== 12) {
    return { problem: `${quoted(text)}: an AWS account has 12 digits, this one has ${account.length}` };
  }
  for (const form of forms) {
    const match = form.pattern.exec(host);
    if (match === null) continue;
    const [, accountId = '', region = ''] = match;
    const partition = partitionOf(region);
    if (partition === undefined)
      return { problem: `${quoted(text)}: ${quoted(region)} is not an AWS region` };
    if (!form.partitions.includes(partition)) continue;
    return { registry: { host, account: accountId, region, partition, service: form.service } };
  }
  return { problem: `${quoted(text)} is not an ECR registry; expected ${expected}` };
}
