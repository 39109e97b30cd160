// What is no ECR registry, and what is said of it: what it should have been, as exactly as the text allows; never a password
// that was pasted with it. Values only. What is accepted is in registry.test.ts.
import { describe, expect, test } from 'vitest';
import { parseRegistry } from '../../src/domain/registry.ts';

const account = '111122223333';
const ireland = `${account}.dkr.ecr.eu-west-1.amazonaws.com`;
const someAccount = '<12-digit account>';
const anyOfIreland = `${someAccount}.dkr.ecr.eu-west-1.amazonaws.com`;

/** The problem of a text that must be refused, without the text itself. */
function problemOf(text: string): string {
  const result = parseRegistry(text);
  return 'problem' in result ? result.problem : `accepted as ${result.registry.host}`;
}

describe('what is nearly a host is refused with the host that it should have been', () => {
  test.each([
    ['China without its domain', 'dkr.ecr.cn-north-1.amazonaws.com', 'dkr.ecr.cn-north-1.amazonaws.com.cn'],
    ['Ireland with that of China', 'dkr.ecr.eu-west-1.amazonaws.com.cn', 'dkr.ecr.eu-west-1.amazonaws.com'],
    ['Ireland with that of Europe', 'dkr.ecr.eu-west-1.amazonaws.eu', 'dkr.ecr.eu-west-1.amazonaws.com'],
    [
      'GovCloud with that of China',
      'dkr.ecr.us-gov-west-1.amazonaws.com.cn',
      'dkr.ecr.us-gov-west-1.amazonaws.com',
    ],
    [
      'the sovereign cloud with the usual domain',
      'dkr.ecr.eusc-de-east-1.amazonaws.com',
      'dkr.ecr.eusc-de-east-1.amazonaws.eu',
    ],
    ['ISO with the usual domain', 'dkr.ecr.us-iso-east-1.amazonaws.com', 'dkr.ecr.us-iso-east-1.c2s.ic.gov'],
    ['ISO-B with that of ISO', 'dkr.ecr.us-isob-east-1.c2s.ic.gov', 'dkr.ecr.us-isob-east-1.sc2s.sgov.gov'],
    [
      'ISO-E with that of GovCloud',
      'dkr.ecr.eu-isoe-west-1.amazonaws.com',
      'dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk',
    ],
    ['ISO-F with that of ISO', 'dkr.ecr.us-isof-east-1.c2s.ic.gov', 'dkr.ecr.us-isof-east-1.csp.hci.ic.gov'],
    ['dual-stack with a dot', 'dkr.ecr.eu-west-1.on.aws', 'dkr-ecr.eu-west-1.on.aws'],
    ['the usual host with a hyphen', 'dkr-ecr.eu-west-1.amazonaws.com', 'dkr.ecr.eu-west-1.amazonaws.com'],
    ['dual-stack FIPS with a dot', 'dkr.ecr-fips.us-east-1.on.aws', 'dkr-ecr-fips.us-east-1.on.aws'],
    ['FIPS with a hyphen', 'dkr-ecr-fips.us-east-1.amazonaws.com', 'dkr.ecr-fips.us-east-1.amazonaws.com'],
    [
      'China dual-stack with the usual domain',
      'dkr-ecr.cn-north-1.on.aws',
      'dkr-ecr.cn-north-1.on.amazonwebservices.com.cn',
    ],
    [
      'Ireland dual-stack with that of China',
      'dkr-ecr.eu-west-1.on.amazonwebservices.com.cn',
      'dkr-ecr.eu-west-1.on.aws',
    ],
    [
      'a domain that goes on',
      'dkr.ecr.eu-west-1.amazonaws.com.evil.example',
      'dkr.ecr.eu-west-1.amazonaws.com',
    ],
    [
      'a domain glued to ours',
      'dkr.ecr.eu-west-1.amazonaws.com-evil.example',
      'dkr.ecr.eu-west-1.amazonaws.com',
    ],
    ['a final dot', 'dkr.ecr.eu-west-1.amazonaws.com.', 'dkr.ecr.eu-west-1.amazonaws.com'],
    ['two dots in a row', 'dkr.ecr..eu-west-1.amazonaws.com', 'dkr.ecr.eu-west-1.amazonaws.com'],
    ['no dkr', 'ecr.eu-west-1.amazonaws.com', 'dkr.ecr.eu-west-1.amazonaws.com'],
    ['another domain', 'dkr.ecr.eu-west-1.amazon.com', 'dkr.ecr.eu-west-1.amazonaws.com'],
    ['no domain', 'dkr.ecr.eu-west-1', 'dkr.ecr.eu-west-1.amazonaws.com'],
    ['a port number as a label', 'dkr.ecr.eu-west-1.amazonaws.com.443', 'dkr.ecr.eu-west-1.amazonaws.com'],
  ])('%s', (_, wrong, right) => {
    const text = `${account}.${wrong}`;
    const said = ` is not an ECR registry; it should have been ${account}.${right}`;
    expect(problemOf(text)).toBe(`${JSON.stringify(text)}${said}`);
    expect(parseRegistry(`${account}.${right}`)).toHaveProperty('registry.host', `${account}.${right}`);
  });

  test.each([
    ['the API of a region', 'api.ecr.eu-west-1.amazonaws.com', anyOfIreland],
    ['the endpoint of the SDK', 'ecr.eu-west-1.api.aws', anyOfIreland],
    [
      'the FIPS endpoint',
      'ecr-fips.us-east-1.amazonaws.com',
      `${someAccount}.dkr.ecr-fips.us-east-1.amazonaws.com`,
    ],
    ['a host of PrivateLink', 'vpce-0a.api.ecr.eu-west-1.vpce.amazonaws.com', anyOfIreland],
    ['a letter behind the account', '111122223333x.dkr.ecr.eu-west-1.amazonaws.com', anyOfIreland],
    ['a name before the account', `evil-${ireland}`, anyOfIreland],
    ['an account with a letter', '11112222333a.dkr.ecr.eu-west-1.amazonaws.com', anyOfIreland],
    ['another character for a dot', '111122223333xdkr.ecr.eu-west-1.amazonaws.com', anyOfIreland],
    ['no account', 'dkr.ecr.eu-west-1.amazonaws.com', anyOfIreland],
    ['a subdomain', `evil.${ireland}`, ireland],
    ['the region at the wrong place', `eu-west-1.${account}.dkr.ecr.amazonaws.com`, ireland],
  ])('%s, whose account may have to be filled in', (_, text, right) => {
    expect(problemOf(text)).toBe(
      `${JSON.stringify(text)} is not an ECR registry; it should have been ${right}`,
    );
  });

  test.each([
    ['the gallery', 'gallery.ecr.aws/eks/coredns'],
    ['the gallery as a web page', 'https://www.gallery.ecr.aws'],
    ['the domain of a region', 'public.ecr.us-east-1.amazonaws.com'],
    ['a domain that goes on', 'public.ecr.aws.evil.example'],
    ['its API', 'ecr-public.us-east-1.amazonaws.com'],
    ['the name that AWS has for it', 'public.ecr.amazonaws.com'],
  ])('%s of ECR Public', (_, text) => {
    expect(problemOf(text)).toBe(
      `${JSON.stringify(text)} is not an ECR registry; that of ECR Public is public.ecr.aws`,
    );
  });

  test.each([
    ['the sovereign cloud', `${account}.dkr-ecr.eusc-de-east-1.on.aws`],
    ['ISO', `${account}.dkr-ecr.us-iso-east-1.on.aws`],
    ['ISO-F, with FIPS', `${account}.dkr-ecr-fips.us-isof-south-1.on.aws`],
  ])('dual-stack in %s, of which none is known', (_, text) => {
    expect(problemOf(text)).toContain('dual-stack and FIPS hosts are not known there');
  });
});

describe('an account or a region that cannot be is named', () => {
  test.each([
    ['1', '7'],
    ['11', '11112222333'],
    ['13', '1111222233334'],
  ])('an account of %s digits, with the number that it has', (digits, other) => {
    const text = `${other}.dkr.ecr.eu-west-1.amazonaws.com`;
    expect(problemOf(text)).toBe(`"${text}": an AWS account has 12 digits, this one has ${digits}`);
  });

  test.each([
    ['mistyped', 'eu-west'],
    ['of no partition', 'moon-east-1'],
    ['an availability zone', 'eu-west-1a'],
    ['of an isolated partition that nobody knows', 'us-isoz-east-1'],
    ['of a sovereign cloud that is not there', 'eusc-fr-west-1'],
    ['with a number too long', 'eu-west-100'],
  ])('a region that is %s, with its name', (_, region) => {
    for (const text of [
      `${account}.dkr.ecr.${region}.amazonaws.com`,
      `${account}.dkr-ecr.${region}.on.aws`,
    ]) {
      expect(problemOf(text)).toBe(`"${text}": "${region}" is not an AWS region`);
    }
  });
});

describe('what has nothing to do with ECR is refused with the form that is expected', () => {
  test.each([
    ['an empty text', ''],
    ['white space', ' \t\n'],
    ['a star', '*'],
    ['a wildcard in place of the account', '*.dkr.ecr.eu-west-1.amazonaws.com'],
    ['white space inside', '111122223333 .dkr.ecr.eu-west-1.amazonaws.com'],
    ['two hosts in one', `${ireland} ${ireland}`],
    ['a line break inside', `${ireland}\n.evil.example`],
    ['another registry', 'ghcr.io/team/app'],
    ['Docker Hub, by its short form', 'library/nginx:latest'],
    ['another service of AWS', 'eu-west-1.s3.amazonaws.com'],
    ['a port', `${ireland}:443`],
    ['a port before a path', `https://${ireland}:443/app`],
    ['a tag without a repository', `${ireland}:latest`],
    ['no region', '111122223333.dkr.ecr.amazonaws.com'],
    ['an empty region', '111122223333.dkr.ecr..amazonaws.com'],
    ['two schemes', `https://https://${ireland}`],
    ['another host whose user name is ours', `https://${ireland}@evil.example/app`],
    ['full-width digits', '１１１１２２２２３３３３.dkr.ecr.eu-west-1.amazonaws.com'],
    ['Arabic-Indic digits', '١١١١٢٢٢٢٣٣٣٣.dkr.ecr.eu-west-1.amazonaws.com'],
    ['a Cyrillic letter', '111122223333.dkr.еcr.eu-west-1.amazonaws.com'],
    ['a Kelvin sign for a k', '111122223333.d\u212Ar.ecr.eu-west-1.amazonaws.com'],
    ['an ideographic full stop', '111122223333。dkr.ecr.eu-west-1.amazonaws.com'],
    ['a zero-width space', '111122223333.dkr.ecr\u200B.eu-west-1.amazonaws.com'],
    ['a byte order mark inside', '111122223333.\uFEFFdkr.ecr.eu-west-1.amazonaws.com'],
    ['a backslash for a slash', `https:\\\\${ireland}`],
    ['a percent sign', '111122223333.dkr%2Eecr.eu-west-1.amazonaws.com'],
    ['a query behind the host', `${ireland}?x=/`],
    ['a fragment behind the host', `${ireland}#/app`],
    ['an underscore', '111122223333.dkr.ecr.eu_west_1.amazonaws.com'],
  ])('%s', (_, text) => {
    expect(problemOf(text)).toContain(
      'is not an ECR registry; expected <12-digit account>.dkr.ecr.<region>.',
    );
  });
});

describe('what a message repeats', () => {
  test.each([
    ['letters', 'x'.repeat(10_000)],
    ['letters, or a tenth of that,', 'x'.repeat(1_000)],
    ['digits', '1'.repeat(10_000)],
    ['control characters', '\u0001'.repeat(10_000)],
    ['emoji', '🐳'.repeat(5_000)],
    ['a region', `111122223333.dkr.ecr.${'a'.repeat(10_000)}.amazonaws.com`],
    ['a region with hyphens', `111122223333.dkr.ecr.${'a-'.repeat(5_000)}.amazonaws.com`],
    ['a region that might be one', `111122223333.dkr.ecr.us-${'a'.repeat(10_000)}-1.example`],
    ['an account', `${'1'.repeat(10_000)}.dkr.ecr.eu-west-1.amazonaws.com`],
    ['labels', `ecr.${'a.'.repeat(5_000)}`],
    ['a user name', `https://${'x'.repeat(10_000)}@${ireland}`],
  ])('of 10 kB of %s fits into an Event', (_, text) => {
    expect(Buffer.byteLength(problemOf(text))).toBeLessThanOrEqual(1_000);
  });

  test.each([
    ['a user name', `https://AWS@${ireland}`],
    ['a user name and password', `https://AWS:s3cret@${ireland}/app`],
    ['a password without a scheme', `AWS:s3cret@${ireland}`],
    ['a password behind an upper-case scheme', `HTTPS://AWS:s3cret@${ireland}`],
    ['a password with an at sign', `https://AWS:s3cret@s3cret@${ireland}`],
    ['a password with a slash, as those of ECR have', `https://AWS:s3cret/s3cret@${ireland}`],
    ['a password behind white space', ` https://AWS:s3cret@${ireland}`],
    ['a password behind another scheme', `git+https://AWS:s3cret@${ireland}`],
    ['a password behind two slashes', `//AWS:s3cret@${ireland}`],
    ['a password before a digest', `https://AWS:s3cret@${ireland}/app@sha256:00`],
  ])('is never what was pasted before an at sign: %s', (_, text) => {
    expect(problemOf(text)).toContain('is not an ECR registry');
    expect(problemOf(text)).toContain(`…@${ireland}`);
    expect(problemOf(text)).not.toMatch(/s3cret|AWS[:@]/);
  });

  test('has nothing that cannot be seen, so that it is one line and shows what is wrong', () => {
    for (const unseen of [
      '\n',
      '\u001B',
      '\u007F',
      '\u0085',
      '\u009B',
      '\u200B',
      '\u202E',
      '\u2028',
      '\uFEFF',
    ]) {
      expect(problemOf(`a${unseen}b`)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
    expect(problemOf('a\u200Bb')).toContain(String.raw`"a\u200bb"`);
  });
});
