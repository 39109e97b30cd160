// The configuration file as a whole: defaults, what settings become, faults of YAML, unknown keys, several problems at
// once. Each setting by itself is tested in config-settings.test.ts.
import { describe, expect, test } from 'vitest';
import type { AwsEnvironment } from '../../src/config/aws-environment.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Settings } from '../../src/domain/settings.ts';
import { aDefaultIdentity, aRegistry, aSettings, usualHost } from '../support/views.ts';

function settingsOf(text: string, environment: AwsEnvironment = {}): Settings {
  const result = readConfig(text, { AWS_REGION: 'eu-west-1', ...environment });
  if ('problems' in result) throw new Error(result.problems.join('\n'));
  return result.settings;
}

function problemsOf(text: string): readonly string[] {
  const result = readConfig(text, { AWS_REGION: 'eu-west-1' });
  return 'problems' in result ? result.problems : [];
}

describe('defaults', () => {
  test.each([
    ['an empty file', ''],
    ['white space', '\n \n'],
    ['comments only', '# nothing\n'],
    ['null', 'null'],
    ['an empty document', '---\n'],
    ['an empty mapping', '{}'],
    ['empty mappings', '{namespaces: {}, refresh: {}, aws: {}, limits: {}, profiles: {}, secretLabels: {}}'],
    ['empty mappings of what is further', '{keys: {}, identity: {}, secretAnnotations: {}}'],
  ])('are those of the contract for %s', (_, text) => {
    expect(settingsOf(text)).toEqual({
      instance: 'ecr-pull-secrets',
      clusterName: '',
      namespaces: { mode: 'annotated', only: [], include: ['*'], exclude: ['kube-*'], selector: '' },
      registries: [],
      secretName: 'ecr-pull-secret',
      formerSecretNames: [],
      secretLabels: {},
      secretAnnotations: {},
      attachTo: ['default'],
      keys: { fips: false, dualStack: false, wildcard: false },
      identity: { serviceAccounts: [], audience: 'sts.amazonaws.com' },
      profiles: {},
      defaultIdentity: {
        kind: 'default',
        roleArn: '',
        profile: '',
        accessKeyId: '',
        sessionName: 'ecr-pull-secrets',
      },
      refresh: { atFraction: 0.5, spread: 0.1, maxAge: null },
      aws: { concurrency: 8, timeoutMs: 10_000 },
      limits: { registriesPerNamespace: 50 },
      leaderElection: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 },
      workers: 16,
    });
  });

  test('stay for what a group does not name', () => {
    expect(settingsOf('refresh: {spread: 0}').refresh).toEqual({ atFraction: 0.5, spread: 0, maxAge: null });
    expect(settingsOf('namespaces: {mode: all}').namespaces).toEqual({
      ...aSettings().namespaces,
      mode: 'all',
    });
  });

  test('are those that the tests’ own settings have, but for the registry', () => {
    expect(settingsOf(`registries: [${usualHost}]`)).toEqual(aSettings());
  });
});

describe('who we are for AWS', () => {
  test('comes from the environment', () => {
    const roleArn = 'arn:aws:iam::111122223333:role/base';
    const environment = { AWS_ROLE_ARN: roleArn, AWS_PROFILE: 'dev', AWS_ACCESS_KEY_ID: 'AKIAX' };
    expect(settingsOf('', environment).defaultIdentity).toEqual(
      aDefaultIdentity({ roleArn, profile: 'dev', accessKeyId: 'AKIAX' }),
    );
  });

  test('bears the name of the cluster', () => {
    expect(settingsOf('clusterName: prod eu').defaultIdentity.sessionName).toBe('ecr-pull-secrets-prod-eu');
  });

  test('is not what a profile holds, which is its role as it was written, or none', () => {
    const { profiles } = settingsOf(
      `clusterName: prod
profiles:
  plain: {registries: [${usualHost}], namespaces: ['*']}
  chained: {registries: [${usualHost}], namespaces: [a, 'b-*'], roleArn: 'arn:aws:iam::111122223333:role/path/puller'}`,
      { AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/base' },
    );
    const registries = [aRegistry()];
    expect(profiles).toEqual({
      plain: { registries, namespaces: ['*'], role: undefined },
      chained: {
        registries,
        namespaces: ['a', 'b-*'],
        role: {
          roleArn: 'arn:aws:iam::111122223333:role/path/puller',
          via: 'chain',
          externalId: '',
          tags: {},
          perNamespace: false,
        },
      },
    });
  });
});

describe('the file is not readable as YAML', () => {
  test.each([
    ['a list that is not closed', 'registries: [', 'line 1'],
    ['a quotation mark that is not closed', 'clusterName: "x', 'line 1'],
    ['a tab as indentation', 'namespaces:\n\tmode: all', 'line 2'],
    ['a key that is there twice', 'workers: 1\nworkers: 2', 'unique at line 2'],
    ['a key that is there twice in a group', 'aws:\n  concurrency: 1\n  concurrency: 2', 'unique at line 3'],
    ['two documents', 'workers: 1\n---\nworkers: 2', 'multiple documents'],
    ['a star without quotation marks', 'namespaces: {include: [*]}', 'Alias'],
    ['a pattern that begins with a star, without quotation marks', 'namespaces: {include: [*-dev]}', 'lias'],
    ['an alias of nothing', 'registries: *hosts', 'lias'],
  ])('for %s, and that is one problem that says where or what', (_, text, says) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^not readable as YAML: .+$/);
    expect(problems[0]).toContain(says);
  });

  test('but for anchors and aliases that fit', () => {
    const { profiles, registries } = settingsOf(
      `registries: &hosts [${usualHost}]\nprofiles: {p: {registries: *hosts, namespaces: ['*']}}`,
    );
    expect(profiles['p']?.registries).toEqual(registries);
  });
});

describe('something else in place of a mapping is a problem', () => {
  const groups = ['namespaces', 'refresh', 'aws', 'limits', 'keys', 'identity'];
  const places = [...groups, 'profiles', 'secretLabels', 'secretAnnotations'];

  test.each(places.flatMap((place) => ['[]', '[a]', 'text', '5', 'null'].map((value) => [place, value])))(
    '%s: %s',
    (place = '', value = '') => {
      const problems = problemsOf(`${place}: ${value}`);
      expect(problems).toEqual([expect.stringMatching(`^${place}[.:]`)]);
    },
  );

  test.each(['[]', '[a]', 'text', '5', 'true'])('the whole file is %s', (text) => {
    expect(problemsOf(text)).toHaveLength(1);
  });
});

describe('a key that is no setting is a problem with its path', () => {
  const good = `registries: [${usualHost}], namespaces: ['*']`;

  test.each([
    ['at the top', 'registry: []', 'registry'],
    ['in another case', 'Workers: 1', 'Workers'],
    ['in namespaces', 'namespaces: {modes: all}', 'namespaces.modes'],
    ['in refresh', 'refresh: {at: 1}', 'refresh.at'],
    ['in aws', 'aws: {region: eu-west-1}', 'aws.region'],
    ['in limits', 'limits: {registries: 1}', 'limits.registries'],
    ['in keys', 'keys: {ipv6: true}', 'keys.ipv6'],
    ['in identity', 'identity: {roleArn: x}', 'identity.roleArn'],
    ['in a profile', `profiles: {p: {${good}, role: x}}`, 'profiles.p.role'],
    ['that every object has', 'constructor: 1', 'constructor'],
    ['that is a number', '1: 2', '1'],
  ])('%s', (_, text, path) => {
    expect(problemsOf(text)).toEqual([`${path}: is no setting; check the spelling`]);
  });
});

describe('several problems are all reported, each with its path', () => {
  const pathsOf = (text: string) => problemsOf(text).map((problem) => problem.split(': ')[0] ?? '');
  const byName = (a: string, b: string) => (a < b ? -1 : 1);

  test('in settings of every level', () => {
    const text = `
instance: UPPER
typo: 1
workers: 0
registries: [nope, ${usualHost}, 5]
namespaces: {mode: some, include: ['']}
refresh: {atFraction: 2, spread: -1, maxAge: soon}
aws: {timeout: 10}
profiles: {p: {namespaces: ['*']}}
secretLabels: {a: 'b c'}`;
    expect(pathsOf(text).toSorted(byName)).toEqual(
      [
        'instance',
        'typo',
        'workers',
        'registries.0',
        'registries.2',
        'namespaces.mode',
        'namespaces.include.0',
        'refresh.atFraction',
        'refresh.spread',
        'refresh.maxAge',
        'aws.timeout',
        'profiles.p.registries',
        'secretLabels.a',
      ].toSorted(byName),
    );
  });

  test('also a role of another partition beside a bad number', () => {
    const china = 'arn:aws-cn:iam::111122223333:role/x';
    const text = `workers: 0\nprofiles: {p: {registries: [${usualHost}], namespaces: ['*'], roleArn: '${china}'}}`;
    expect(pathsOf(text).toSorted(byName)).toEqual(['profiles.p.roleArn', 'workers']);
  });

  test('each in one line', () => {
    const text = 'registries: ["a\\nb"]\nsecretLabels: {"a\\nb": x}\n"c\\nd": 1';
    expect(problemsOf(text)).toHaveLength(3);
    expect(problemsOf(text).filter((problem) => problem.includes('\n'))).toEqual([]);
  });
});
