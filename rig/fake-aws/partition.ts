// The partitions of AWS: which one a region and an ARN are of, and how its host names end. Used by authenticate, sts and ecr
// of the fake AWS, and for the certificate of tls-face. Written down apart from the product's own table, so that the two check each other.

interface Row {
  readonly partition: string;
  /** Its regions begin so. */
  readonly prefix: string;
  /** Its hosts end so. */
  readonly suffix: string;
  /** Its dual-stack hosts end so; source: the partition table of the AWS SDKs. */
  readonly dualStack: string;
}

/** Every region that is of none of these is of `aws`. */
const rows: readonly Row[] = [
  {
    partition: 'aws-cn',
    prefix: 'cn-',
    suffix: 'amazonaws.com.cn',
    dualStack: 'api.amazonwebservices.com.cn',
  },
  { partition: 'aws-us-gov', prefix: 'us-gov-', suffix: 'amazonaws.com', dualStack: 'api.aws' },
  { partition: 'aws-eusc', prefix: 'eusc-', suffix: 'amazonaws.eu', dualStack: 'api.amazonwebservices.eu' },
  { partition: 'aws-iso', prefix: 'us-iso-', suffix: 'c2s.ic.gov', dualStack: 'api.aws.ic.gov' },
  { partition: 'aws-iso-b', prefix: 'us-isob-', suffix: 'sc2s.sgov.gov', dualStack: 'api.aws.scloud' },
  {
    partition: 'aws-iso-e',
    prefix: 'eu-isoe-',
    suffix: 'cloud.adc-e.uk',
    dualStack: 'api.cloud-aws.adc-e.uk',
  },
  { partition: 'aws-iso-f', prefix: 'us-isof-', suffix: 'csp.hci.ic.gov', dualStack: 'api.aws.hci.ic.gov' },
];

const commercial: Row = { partition: 'aws', prefix: '', suffix: 'amazonaws.com', dualStack: 'api.aws' };

const rowOf = (region: string): Row => rows.find(({ prefix }) => region.startsWith(prefix)) ?? commercial;

/** The partition of a region. */
export function partitionOfRegion(region: string): string {
  return rowOf(region).partition;
}

/** The partition of an ARN. */
export function partitionOfArn(arn: string): string {
  return arn.split(':')[1] ?? '';
}

/** How host names of the region end, without a leading dot. */
export function suffixOf(region: string): string {
  return rowOf(region).suffix;
}

/** The names of every endpoint that is played in a region, for a certificate: `*.` stands for one label. */
export function endpointNames(region: string): readonly string[] {
  const { suffix, dualStack } = rowOf(region);
  return [
    `*.${region}.${suffix}`,
    ...['ecr', 'ecr-fips', 'ecr-public'].map((service) => `*.${service}.${region}.${suffix}`),
    `*.${region}.${dualStack}`,
    ...['ecr-fips', 'ecr-public', 'ecr-public-fips'].map((service) => `*.${service}.${region}.${dualStack}`),
  ];
}
