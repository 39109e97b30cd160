// Each setting of the configuration by itself: values that are good and what they become, values that are bad and the
// path that is named. The file as a whole is tested in config.test.ts.
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/config/config.ts';
import { aRegistry, usualHost } from '../support/views.ts';

const long = (length: number) => 'x'.repeat(length);

describe('a good value is taken', () => {
  test.each([
    ['a short instance', 'instance: a'],
    ['an instance of 63 characters', `instance: ${long(63)}`],
    ['a name of the cluster with any characters', 'clusterName: "Prod EU / 1"'],
    ['mode all', 'namespaces: {mode: all}'],
    ['namespaces by name', 'namespaces: {only: [team-a, b], mode: all}'],
    ['a selector without names', 'namespaces: {only: [], selector: team=a}'],
    ['no pattern at all', 'namespaces: {include: [], exclude: []}'],
    ['patterns', 'namespaces: {include: ["team-*", "?-prod"], exclude: [a]}'],
    ['a selector', 'namespaces: {selector: "team=a,tier in (web, api)"}'],
    ['a Secret name with dots', 'secretName: ecr.pull.secret-1'],
    ['a Secret name of 253 characters', `secretName: ${long(253)}`],
    ['former Secret names', 'formerSecretNames: [registry-creds, old.name]'],
    ['labels', 'secretLabels: {team: infra, example.com/Cost_Center: "42", empty: ""}'],
    ['annotations with any text', 'secretAnnotations: {example.com/why: "because: of\\n this"}'],
    ['a label of 63 characters', `secretLabels: {${long(63)}: ${long(63)}}`],
    ['no ServiceAccount', 'attachTo: []'],
    ['ServiceAccounts', 'attachTo: [default, builder.v2]'],
    ['a fraction close to the bound', 'refresh: {atFraction: 0.8, spread: 0}'],
    ['a fraction and spread at the bound', 'refresh: {atFraction: 0.4, spread: 1}'],
    ['one worker', 'workers: 1'],
    ['256 workers', 'workers: 256'],
    ['one call at once', 'aws: {concurrency: 1}'],
    ['a hundred calls at once', 'aws: {concurrency: 100}'],
    ['one registry a namespace', 'limits: {registriesPerNamespace: 1}'],
    ['five hundred registries a namespace', 'limits: {registriesPerNamespace: 500}'],
  ])('%s', (_, text) => {
    const result = readConfig(text, { AWS_REGION: 'eu-west-1' });
    expect(result).toHaveProperty('settings');
    expect('settings' in result && result.settings).toMatchObject(parse(text) as object);
  });

  test('registries as hosts, references and URLs', () => {
    const result = readConfig(`registries: [${usualHost}, "https://${usualHost}/app:v1"]`, {
      AWS_REGION: 'eu-west-1',
    });
    expect(result).toMatchObject({ settings: { registries: [aRegistry(), aRegistry()] } });
  });
});

describe('a bad value is refused with its path', () => {
  test.each([
    ['instance', 'in upper case', 'instance: Blue'],
    ['instance', 'empty', 'instance: ""'],
    ['instance', 'of 64 characters', `instance: ${long(64)}`],
    ['instance', 'with a dot', 'instance: a.b'],
    ['instance', 'that ends with a hyphen', 'instance: a-'],
    ['instance', 'that ends with a line break', 'instance: "a\\n"'],
    ['instance', 'that is a number', 'instance: 5'],
    ['clusterName', 'that is a number', 'clusterName: 5'],
    ['namespaces.mode', 'that is no mode', 'namespaces: {mode: All}'],
    ['namespaces.only', 'that is a text', 'namespaces: {only: team-a}'],
    ['namespaces.only.0', 'with a pattern', 'namespaces: {only: ["team-*"]}'],
    ['namespaces.only.1', 'with an empty name', 'namespaces: {only: [a, ""]}'],
    ['namespaces.only.0', 'with a name of 64 characters', `namespaces: {only: [${long(64)}]}`],
    ['namespaces.only', 'with a name twice', 'namespaces: {only: [a, b, a]}'],
    ['namespaces.selector', 'beside names', 'namespaces: {only: [a], selector: team=a}'],
    ['namespaces.include', 'that is a text', 'namespaces: {include: "*"}'],
    ['namespaces.include.1', 'that is empty', 'namespaces: {include: ["*", ""]}'],
    ['namespaces.exclude.0', 'that is a number', 'namespaces: {exclude: [5]}'],
    ['namespaces.selector', 'that is no selector', 'namespaces: {selector: "a b"}'],
    ['registries', 'that is a text', `registries: ${usualHost}`],
    ['registries.0', 'that is no ECR host', 'registries: [ghcr.io]'],
    ['registries.0', 'that is a wildcard', 'registries: ["*"]'],
    ['registries.1', 'that is empty', `registries: [${usualHost}, ""]`],
    ['secretName', 'in upper case', 'secretName: Secret'],
    ['secretName', 'with an underscore', 'secretName: a_b'],
    ['secretName', 'empty', 'secretName: ""'],
    ['secretName', 'of 254 characters', `secretName: ${long(254)}`],
    ['secretName', 'that is a path', 'secretName: ../other'],
    ['formerSecretNames', 'that is a text', 'formerSecretNames: old'],
    ['formerSecretNames.1', 'in upper case', 'formerSecretNames: [old, Old]'],
    ['formerSecretNames.0', 'empty', 'formerSecretNames: [""]'],
    ['formerSecretNames', 'with the present name', 'formerSecretNames: [old, new]\nsecretName: new'],
    ['formerSecretNames', 'with the present name by default', 'formerSecretNames: [ecr-pull-secret]'],
    ['secretLabels.a', 'with white space', 'secretLabels: {a: b c}'],
    ['secretLabels.a', 'of 64 characters', `secretLabels: {a: ${long(64)}}`],
    ['secretLabels.a', 'that is a number', 'secretLabels: {a: 5}'],
    ['secretLabels.-a', 'whose key is illegal', 'secretLabels: {"-a": x}'],
    ['secretLabels.a/b/c', 'whose key has two slashes', 'secretLabels: {a/b/c: x}'],
    ['secretAnnotations.a', 'that is a number', 'secretAnnotations: {a: 5}'],
    ['secretAnnotations.a b', 'whose key has white space', 'secretAnnotations: {a b: x}'],
    ['attachTo', 'that is a text', 'attachTo: default'],
    ['attachTo.0', 'in upper case', 'attachTo: [Default]'],
    ['attachTo.0', 'that is a star', 'attachTo: ["*"]'],
    ['profiles.P', 'in upper case', `profiles: {P: {registries: [${usualHost}], namespaces: []}}`],
    ['profiles.p.registries', 'that is missing', 'profiles: {p: {namespaces: ["*"]}}'],
    ['profiles.p.namespaces', 'that is missing', `profiles: {p: {registries: [${usualHost}]}}`],
    ['profiles.p.registries', 'that is empty', 'profiles: {p: {registries: [], namespaces: ["*"]}}'],
    ['profiles.p.registries.0', 'that is no ECR host', 'profiles: {p: {registries: [x], namespaces: []}}'],
    ['refresh.atFraction', 'that is 0', 'refresh: {atFraction: 0}'],
    ['refresh.atFraction', 'that is a text', 'refresh: {atFraction: half}'],
    ['refresh.spread', 'below 0', 'refresh: {spread: -0.1}'],
    ['refresh', 'that leaves no time for tries', 'refresh: {atFraction: 0.5, spread: 0.61}'],
    ['refresh', 'whose fraction alone is too large', 'refresh: {atFraction: 0.81, spread: 0}'],
    ['refresh', 'whose fraction is too large with the usual spread', 'refresh: {atFraction: 0.75}'],
    ['aws.concurrency', 'that is 0', 'aws: {concurrency: 0}'],
    ['aws.concurrency', 'that is too large', 'aws: {concurrency: 101}'],
    ['limits.registriesPerNamespace', 'that is 0', 'limits: {registriesPerNamespace: 0}'],
    ['limits.registriesPerNamespace', 'that is too large', 'limits: {registriesPerNamespace: 501}'],
    ['leaderElection', 'whose deadline is too late', 'leaderElection: {renewDeadline: 15s}'],
    ['leaderElection', 'whose attempts are too far apart', 'leaderElection: {retryPeriod: 9s}'],
    ['leaderElection.enabled', 'that is a text', 'leaderElection: {enabled: "no"}'],
    ['leaderElection.leaseDuration', 'that is a number', 'leaderElection: {leaseDuration: 15}'],
    ['workers', 'that is 0', 'workers: 0'],
    ['workers', 'that is too large', 'workers: 257'],
    ['workers', 'with a fraction', 'workers: 1.5'],
    ['workers', 'that is a text', 'workers: "8"'],
    ['workers', 'that is not a number', 'workers: .nan'],
    ['workers', 'without end', 'workers: .inf'],
    ['workers', 'that is null', 'workers: null'],
  ])('%s %s', (path, _, text) => {
    const result = readConfig(text, { AWS_REGION: 'eu-west-1' });
    const problems = 'problems' in result ? result.problems : [];
    expect(problems).toHaveLength(1);
    expect(problems[0]?.startsWith(`${path}: `)).toBe(true);
  });
});

describe('durations', () => {
  test.each([
    ['100ms', 100],
    ['1500ms', 1_500],
    ['0.5s', 500],
    ['10s', 10_000],
    ['1m', 60_000],
    ['60s', 60_000],
  ])('aws.timeout may be %s', (text, timeoutMs) => {
    expect(readConfig(`aws: {timeout: ${text}}`, { AWS_REGION: 'eu-west-1' })).toMatchObject({
      settings: { aws: { timeoutMs } },
    });
  });

  test.each([
    '10',
    '"10"',
    '""',
    '99ms',
    '61s',
    '2m',
    '1d',
    '-1s',
    '1 s',
    '1S',
    's',
    '.5s',
    '1e1s',
    '1h30m',
    '"10s\\n"',
    '10s10s',
  ])('aws.timeout may not be %s', (text) => {
    expect(readConfig(`aws: {timeout: ${text}}`, { AWS_REGION: 'eu-west-1' })).toEqual({
      problems: [expect.stringMatching(/^aws\.timeout: must be a duration.*such as 10s, 5m or 12h$/)],
    });
  });

  test.each([
    ['null', null],
    ['1s', 1],
    ['45m', 2_700],
    ['6h', 21_600],
    ['100h', 360_000],
  ])('refresh.maxAge may be %s, which is kept in seconds', (text, maxAge) => {
    expect(readConfig(`refresh: {maxAge: ${text}}`, { AWS_REGION: 'eu-west-1' })).toMatchObject({
      settings: { refresh: { maxAge } },
    });
  });

  test.each(['0s', '999ms', '101h', '45', 'never', '[]'])('refresh.maxAge may not be %s', (text) => {
    expect(readConfig(`refresh: {maxAge: ${text}}`, { AWS_REGION: 'eu-west-1' })).toEqual({
      problems: [expect.stringMatching(/^refresh\.maxAge: /)],
    });
  });
});

describe('label selectors', () => {
  const acceptance = (selector: string) =>
    'settings' in
    readConfig(`namespaces: {selector: ${JSON.stringify(selector)}}`, { AWS_REGION: 'eu-west-1' });

  test.each([
    '',
    ' ',
    'team',
    '!team',
    'team=a',
    'team==a',
    'team != a',
    'team=',
    'kubernetes.io/metadata.name=a',
    'tier in (web)',
    'tier in (web,api)',
    'tier notin ( web , api )',
    'a=b,c!=d,!e,f in (g,h),i',
    'A_b.c-d=E_f.g-h',
  ])('%j is one', (selector) => {
    expect(acceptance(selector)).toBe(true);
  });

  test.each([
    'team=a b',
    'a b',
    '=a',
    ',',
    'a,',
    ',a',
    'a,,b',
    'a===b',
    'a in web',
    'a in (web',
    'a in web)',
    'a in (web))',
    'a within (web)',
    'in (a)',
    '!a=b',
    '-a',
    'a=-b',
    'a/b/c',
    '/a',
    'a=b;c',
    '*',
    'a=*',
    `${long(64)}=a`,
    `a=${long(64)}`,
  ])('%j is none', (selector) => {
    expect(acceptance(selector)).toBe(false);
  });
});
