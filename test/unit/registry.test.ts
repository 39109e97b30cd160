// Which texts name an ECR registry, and what is said of those that do not. Values only; who uses them is tested elsewhere.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRegistry, partitionOf } from '../../src/domain/registry.ts';

const host = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';

/** The problem of a text that must be refused. */
function problemOf(text: string): string {
  const result = parseRegistry(text);
  return 'problem' in result ? result.problem : `accepted as ${result.registry.host}`;
}

describe('a host', () => {
  test.each([
    { title: 'of the commercial partition', host, region: 'eu-west-1', partition: 'aws' },
    {
      title: 'of a region with two digits and a long name',
      host: '000000000001.dkr.ecr.ap-southeast-12.amazonaws.com',
      region: 'ap-southeast-12',
      partition: 'aws',
    },
    {
      title: 'of GovCloud, whose domain is the commercial one',
      host: '999999999999.dkr.ecr.us-gov-west-1.amazonaws.com',
      region: 'us-gov-west-1',
      partition: 'aws-us-gov',
    },
    {
      title: 'of China, with its own domain',
      host: '111122223333.dkr.ecr.cn-northwest-1.amazonaws.com.cn',
      region: 'cn-northwest-1',
      partition: 'aws-cn',
    },
  ])('$title is read into account, region and partition', (row) => {
    expect(parseRegistry(row.host)).toEqual({
      registry: {
        host: row.host,
        account: row.host.slice(0, 12),
        region: row.region,
        partition: row.partition,
        service: 'private',
      },
    });
  });

  test.each([
    ['a host alone', host],
    ['an https URL', `https://${host}`],
    ['a URL with a closing slash', `https://${host}/`],
    ['a URL of the registry API', `https://${host}/v2/_catalog`],
    ['a chart reference', `oci://${host}/charts/web`],
    ['an image reference without a tag', `${host}/team/app`],
    ['an image reference with a tag', `${host}/team/app:v1.2.3`],
    ['an image reference with a digest', `${host}/app@sha256:${'0123456789abcdef'.repeat(4)}`],
    ['an image reference with both', `${host}/app:v1@sha256:${'0123456789abcdef'.repeat(4)}`],
    ['upper case', host.toUpperCase()],
    ['an upper-case scheme', `HTTPS://${host}`],
    ['white space around it', `\t ${host}/app \n`],
  ])('is cut out of %s', (_, text) => {
    expect(parseRegistry(text)).toEqual(parseRegistry(host));
    expect(parseRegistry(text)).toHaveProperty('registry.host', host);
  });
});

describe('what is no ECR registry is refused', () => {
  test.each([
    ['an empty text', ''],
    ['white space', ' \t\n'],
    ['a star', '*'],
    ['a wildcard in place of the account', '*.dkr.ecr.eu-west-1.amazonaws.com'],
    ['white space inside', '111122223333 .dkr.ecr.eu-west-1.amazonaws.com'],
    ['two hosts in one', `${host} ${host}`],
    ['a line break inside', `${host}\n.evil.example`],
    ['another registry', 'ghcr.io/team/app'],
    ['Docker Hub, by its short form', 'library/nginx:latest'],
    ['the host of the ECR API', 'api.ecr.eu-west-1.amazonaws.com'],
    ['a domain that goes on after ours', `${host}.evil.example`],
    ['a name that goes on before the account', `evil-${host}`],
    ['a subdomain of the host', `evil.${host}`],
    ['a domain glued to ours', '111122223333.dkr.ecr.eu-west-1.amazonaws.com-evil.example'],
    ['another character for a dot', '111122223333xdkr.ecr.eu-west-1.amazonaws.com'],
    ['a final dot', `${host}.`],
    ['a port', `${host}:443`],
    ['a port before a path', `https://${host}:443/app`],
    ['a tag without a repository', `${host}:latest`],
    ['an account with letters', '11112222333a.dkr.ecr.eu-west-1.amazonaws.com'],
    ['no region', '111122223333.dkr.ecr.amazonaws.com'],
    ['China without its domain', '111122223333.dkr.ecr.cn-north-1.amazonaws.com'],
    ['a commercial region with the domain of China', '111122223333.dkr.ecr.eu-west-1.amazonaws.com.cn'],
    ['GovCloud with the domain of China', '111122223333.dkr.ecr.us-gov-west-1.amazonaws.com.cn'],
    ['a user name before the host', `https://AWS@${host}`],
    ['a user name and password before the host', `https://AWS:secret@${host}/app`],
    ['another host whose user name is ours', `https://${host}@evil.example/app`],
    ['full-width digits', '１１１１２２２２３３３３.dkr.ecr.eu-west-1.amazonaws.com'],
    ['Arabic-Indic digits', '١١١١٢٢٢٢٣٣٣٣.dkr.ecr.eu-west-1.amazonaws.com'],
    ['a Cyrillic letter', '111122223333.dkr.еcr.eu-west-1.amazonaws.com'],
    ['a Kelvin sign for a k', '111122223333.d\u212Ar.ecr.eu-west-1.amazonaws.com'],
    ['an ideographic full stop', '111122223333。dkr.ecr.eu-west-1.amazonaws.com'],
    ['a zero-width space', '111122223333.dkr.ecr\u200B.eu-west-1.amazonaws.com'],
  ])('%s, with the form that was expected', (_, text) => {
    expect(problemOf(text)).toContain('is not an ECR registry');
    expect(problemOf(text)).toContain('<12-digit account>.dkr.ecr.<region>.amazonaws.com');
  });

  test.each([
    ['11', '11112222333'],
    ['13', '1111222233334'],
  ])('an account of %s digits, with the number that it has', (digits, account) => {
    const text = `${account}.dkr.ecr.eu-west-1.amazonaws.com`;
    expect(problemOf(text)).toBe(`"${text}": an AWS account has 12 digits, this one has ${digits}`);
  });

  test.each([
    ['mistyped', 'eu-west'],
    ['of no partition', 'moon-east-1'],
    ['isolated, which has another domain', 'us-isob-east-1'],
    ['European and isolated', 'eu-isoe-west-1'],
  ])('a region that is %s, with its name', (_, region) => {
    const text = `111122223333.dkr.ecr.${region}.amazonaws.com`;
    expect(problemOf(text)).toBe(`"${text}": "${region}" is not an AWS region`);
  });

  test.each([
    ['letters', 'x'.repeat(10_000)],
    ['letters, or a tenth of that,', 'x'.repeat(1_000)],
    ['digits', '1'.repeat(10_000)],
    ['control characters', '\u0001'.repeat(10_000)],
    ['emoji', '🐳'.repeat(5_000)],
    ['a region', `111122223333.dkr.ecr.${'a'.repeat(10_000)}.amazonaws.com`],
    ['an account', `${'1'.repeat(10_000)}.dkr.ecr.eu-west-1.amazonaws.com`],
  ])('10 kB of %s, in a message that fits into an Event', (_, text) => {
    expect(Buffer.byteLength(problemOf(text))).toBeLessThanOrEqual(1_000);
  });

  test('a text with control characters, in a message of one line', () => {
    expect(problemOf('a\nb\u001B[31m')).not.toMatch(/\p{Cc}/u);
  });
});

/** Pieces from which hosts are made, good and nearly good ones. */
const nearlyHosts = fc
  .tuple(
    fc.constantFrom('', ' ', 'https://', 'HTTP://', 'evil-', 'user@', '//'),
    fc.oneof(fc.stringMatching(/^\d{11,13}$/), fc.constant('111122223333')),
    fc.constantFrom('.dkr.ecr.', '.DKR.ECR.', '.dkr-ecr.', '.ecr.', '.d\u212Ar.ecr.'),
    fc.constantFrom('eu-west-1', 'US-EAST-1', 'us-gov-west-1', 'cn-north-1', 'us-iso-east-1', 'x-y-1', ''),
    fc.constantFrom('.amazonaws.com', '.amazonaws.com.cn', '.AmazonAWS.com', '.amazonaws.com.evil.example'),
    fc.constantFrom('', '/', '/app:v1', '@sha256:00', '@evil.example', ':443', '.', ' ', '\n', '?x', '#y'),
  )
  .map((parts) => parts.join(''));

/** Of kubernetes/cloud-provider-aws, cmd/ecr-credential-provider: what the kubelet's own provider takes for ECR. */
const kubeletPattern =
  /^(\d{12})\.dkr[.-]ecr(-fips)?\.([a-zA-Z0-9][a-zA-Z0-9-_]*)\.(amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$/;

describe('for any text', () => {
  test('what is accepted is a host that the kubelet knows as one of ECR, and reads the same again', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(nearlyHosts, fc.string()), (text) => {
        const result = parseRegistry(text);
        if ('problem' in result) return;
        accepted += 1;
        const { registry } = result;
        const [, account, , region] = kubeletPattern.exec(registry.host) ?? [];
        expect({ account, region }).toEqual({ account: registry.account, region: registry.region });
        expect(new URL(`https://${registry.host}`).host).toBe(registry.host);
        expect(partitionOf(registry.region)).toBe(registry.partition);
        expect(parseRegistry(registry.host)).toEqual({ registry });
      }),
      { numRuns: 2_000 },
    );
    expect(accepted).toBeGreaterThan(10);
  });
});
