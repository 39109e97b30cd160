// Which texts name an ECR registry, and what is read out of each. Values only. What is refused is in
// registry-refused.test.ts, any text at all in registry-properties.test.ts, further keys in registry-keys.test.ts.
import { describe, expect, test } from 'vitest';
import {
  type Partition,
  type RegistryForm,
  isPartition,
  parseRegistry,
  partitionOf,
} from '../../src/domain/registry.ts';

const host = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';

interface HostRow {
  readonly title: string;
  readonly host: string;
  readonly region: string;
  readonly partition: Partition;
  readonly form: RegistryForm;
}

const row = (title: string, text: string, partition: Partition, form: RegistryForm): HostRow => ({
  title,
  host: text,
  // Of every form what stands behind the word `ecr`.
  region: /\.(?:dkr[.-]ecr(?:-fips)?)\.([^.]+)\./.exec(text)?.[1] ?? '',
  partition,
  form,
});

const hosts: readonly HostRow[] = [
  row('Ireland', host, 'aws', 'standard'),
  row('Virginia', '000000000000.dkr.ecr.us-east-1.amazonaws.com', 'aws', 'standard'),
  row('Mexico', '999999999999.dkr.ecr.mx-central-1.amazonaws.com', 'aws', 'standard'),
  row('Israel', '012345678901.dkr.ecr.il-central-1.amazonaws.com', 'aws', 'standard'),
  row('Canada', '111122223333.dkr.ecr.ca-west-1.amazonaws.com', 'aws', 'standard'),
  row('Africa', '111122223333.dkr.ecr.af-south-1.amazonaws.com', 'aws', 'standard'),
  row('the Middle East', '111122223333.dkr.ecr.me-central-1.amazonaws.com', 'aws', 'standard'),
  row('South America', '111122223333.dkr.ecr.sa-east-1.amazonaws.com', 'aws', 'standard'),
  row('a region of two digits', '000000000001.dkr.ecr.ap-southeast-12.amazonaws.com', 'aws', 'standard'),
  row('FIPS', '111122223333.dkr.ecr-fips.us-west-2.amazonaws.com', 'aws', 'fips'),
  row('dual-stack', '111122223333.dkr-ecr.eu-west-1.on.aws', 'aws', 'dualStack'),
  row('dual-stack in Virginia', '111122223333.dkr-ecr.us-east-1.on.aws', 'aws', 'dualStack'),
  row('dual-stack FIPS', '111122223333.dkr-ecr-fips.us-east-2.on.aws', 'aws', 'dualStackFips'),
  row('GovCloud west', '111122223333.dkr.ecr.us-gov-west-1.amazonaws.com', 'aws-us-gov', 'standard'),
  row('GovCloud east', '111122223333.dkr.ecr.us-gov-east-1.amazonaws.com', 'aws-us-gov', 'standard'),
  row('GovCloud FIPS', '111122223333.dkr.ecr-fips.us-gov-west-1.amazonaws.com', 'aws-us-gov', 'fips'),
  row('GovCloud dual-stack', '111122223333.dkr-ecr.us-gov-east-1.on.aws', 'aws-us-gov', 'dualStack'),
  row(
    'GovCloud dual-stack FIPS',
    '111122223333.dkr-ecr-fips.us-gov-west-1.on.aws',
    'aws-us-gov',
    'dualStackFips',
  ),
  row('Beijing', '111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn', 'aws-cn', 'standard'),
  row('Ningxia', '111122223333.dkr.ecr.cn-northwest-1.amazonaws.com.cn', 'aws-cn', 'standard'),
  row(
    'Beijing dual-stack',
    '111122223333.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn',
    'aws-cn',
    'dualStack',
  ),
  row(
    'Ningxia dual-stack',
    '111122223333.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn',
    'aws-cn',
    'dualStack',
  ),
  row('the sovereign cloud', '111122223333.dkr.ecr.eusc-de-east-1.amazonaws.eu', 'aws-eusc', 'standard'),
  row('ISO', '111122223333.dkr.ecr.us-iso-east-1.c2s.ic.gov', 'aws-iso', 'standard'),
  row('ISO west', '111122223333.dkr.ecr.us-iso-west-1.c2s.ic.gov', 'aws-iso', 'standard'),
  row('ISO-B', '111122223333.dkr.ecr.us-isob-east-1.sc2s.sgov.gov', 'aws-iso-b', 'standard'),
  row('ISO-E', '111122223333.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk', 'aws-iso-e', 'standard'),
  row('ISO-F south', '111122223333.dkr.ecr.us-isof-south-1.csp.hci.ic.gov', 'aws-iso-f', 'standard'),
  row('ISO-F east', '111122223333.dkr.ecr.us-isof-east-1.csp.hci.ic.gov', 'aws-iso-f', 'standard'),
];

describe('a host', () => {
  test.each(hosts)('of $title is read into account, region, partition and form', (good) => {
    const { title: _, ...parts } = good;
    const account = good.host.slice(0, 12);
    expect(parseRegistry(good.host)).toEqual({ registry: { ...parts, account, service: 'private' } });
    expect(partitionOf(good.region)).toBe(good.partition);
  });

  test.each(['public.ecr.aws', 'ecr-public.aws.com'])(
    'of ECR Public, %s, has no account, and its tokens come from us-east-1',
    (text) => {
      expect(parseRegistry(text)).toEqual({
        registry: {
          host: text,
          account: '',
          region: 'us-east-1',
          partition: 'aws',
          service: 'public',
          form: 'public',
        },
      });
    },
  );

  test.each(hosts)('of $title is known also as a pasted reference, a URL and in upper case', (good) => {
    for (const text of [`${good.host}/app:v1`, `https://${good.host}/`, good.host.toUpperCase()]) {
      expect(parseRegistry(text)).toEqual(parseRegistry(good.host));
    }
  });
});

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('what people paste is cut to its host', () => {
  test.each([
    ['a host alone', host, host],
    ['an https URL', `https://${host}`, host],
    ['an http URL', `http://${host}`, host],
    ['a URL with a closing slash', `https://${host}/`, host],
    ['a URL of the registry API', `https://${host}/v2/_catalog`, host],
    ['a URL with a query behind its path', `https://${host}/v2/?n=1#top`, host],
    ['a chart reference', `oci://${host}/charts/web`, host],
    ['what skopeo takes', `docker://${host}/app:v1`, host],
    ['an image reference without a tag', `${host}/team/app`, host],
    ['an image reference with a tag', `${host}/team/app:v1.2.3`, host],
    ['an image reference with a digest', `${host}/app@${digest}`, host],
    ['an image reference with both', `${host}/app:v1@${digest}`, host],
    ['a host with a digest', `${host}@${digest}`, host],
    ['upper case', host.toUpperCase(), host],
    ['an upper-case scheme', `HTTPS://${host}`, host],
    ['an upper-case repository, which no registry has', `${host}/APP`, host],
    ['white space around it', `\t ${host}/app \n`, host],
    ['an image of ECR Public', 'public.ecr.aws/docker/library/nginx:1', 'public.ecr.aws'],
    ['a URL of ECR Public', 'https://public.ecr.aws/', 'public.ecr.aws'],
    ['ECR Public in upper case', 'PUBLIC.ECR.AWS/nginx', 'public.ecr.aws'],
    ['an image of ECR Public by IPv6', 'ecr-public.aws.com/eks/coredns@sha256:00', 'ecr-public.aws.com'],
    [
      'an image of China by IPv6',
      'oci://111122223333.DKR-ECR.cn-north-1.on.amazonwebservices.com.cn/a',
      '111122223333.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn',
    ],
  ])('%s', (_, text, cut) => {
    expect(parseRegistry(text)).toHaveProperty('registry.host', cut);
  });
});

describe('the partitions', () => {
  test.each([
    ['aws', true],
    ['aws-cn', true],
    ['aws-us-gov', true],
    ['aws-eusc', true],
    ['aws-iso', true],
    ['aws-iso-b', true],
    ['aws-iso-e', true],
    ['aws-iso-f', true],
    ['aws-moon', false],
    ['AWS', false],
    ['', false],
    ['constructor', false],
    ['__proto__', false],
  ])('%j is one: %s', (name, known) => {
    expect(isPartition(name)).toBe(known);
  });

  test.each([
    ['', 'empty'],
    ['eu-west', 'without a number'],
    ['eu-west-', 'with a hyphen at its end'],
    ['eu-west-1a', 'that is an availability zone'],
    ['EU-WEST-1', 'in upper case'],
    [' eu-west-1', 'with white space'],
    ['eu-west-1\n', 'with a line break'],
    ['moon-east-1', 'of no partition'],
    ['aws-global', 'that is a pseudo region'],
    ['us-gov-1', 'of GovCloud without a place'],
    ['us-isoz-east-1', 'of an isolated partition that nobody knows'],
    ['xeu-west-1', 'with something before it'],
    ['eusc-fr-west-1', 'of another sovereign cloud'],
    [`us-${'a'.repeat(59)}-1`, 'longer than a label of DNS'],
    [`us-${'a'.repeat(100_000)}-1`, 'longer than any Event'],
  ])('%j is no region: one %s', (region) => {
    expect(partitionOf(region)).toBeUndefined();
  });
});
