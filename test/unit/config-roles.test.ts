// Settings that are checked against each other or against what is ours alone: the partition of a profile's role and of its
// registries, the form of a role, reserved labels and annotations.
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { hostIn } from '../support/views.ts';

const china = '111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn';
const commercial = hostIn('eu-west-1');
const gov = hostIn('us-gov-west-1');

function problemsOf(text: string): readonly string[] {
  const result = readConfig(text, { AWS_REGION: 'eu-west-1' });
  return 'problems' in result ? result.problems : [];
}

const profile = (roleArn: string, ...hosts: readonly string[]): string =>
  `profiles: {p: {registries: [${hosts.join()}], namespaces: ['*'], roleArn: ${JSON.stringify(roleArn)}}}`;

describe('a role', () => {
  test.each([
    ['commercial', 'arn:aws:iam::111122223333:role/puller', commercial],
    ['of another account than the registry', 'arn:aws:iam::999999999999:role/puller', commercial],
    ['of China', 'arn:aws-cn:iam::111122223333:role/puller', china],
    ['of GovCloud', 'arn:aws-us-gov:iam::111122223333:role/puller', gov],
    ['with a path', 'arn:aws:iam::111122223333:role/teams/a/puller', commercial],
    ['with every legal character', 'arn:aws:iam::111122223333:role/a+b=c,d.e@f-g_h', commercial],
  ])('goes together with registries of its partition: %s', (_, roleArn, host) => {
    expect(problemsOf(profile(roleArn, host))).toEqual([]);
  });

  test.each([
    ['commercial, with China', 'aws', china],
    ['commercial, with GovCloud', 'aws', gov],
    ['of China, with commercial', 'aws-cn', commercial],
    ['of GovCloud, with China', 'aws-us-gov', china],
    ['of the sovereign cloud, with commercial', 'aws-eusc', commercial],
  ])('does not go together with registries of another: %s', (_, partition, host) => {
    expect(problemsOf(profile(`arn:${partition}:iam::111122223333:role/puller`, host))).toEqual([
      `profiles.p.roleArn: is of partition ${partition}, ${host} of another; they cannot go together`,
    ]);
  });

  test('is told of each host that does not fit, and of no other', () => {
    const problems = problemsOf(profile('arn:aws:iam::111122223333:role/x', commercial, china, gov));
    expect(problems.map((problem) => problem.includes(china))).toEqual([true, false]);
    expect(problems.map((problem) => problem.includes(gov))).toEqual([false, true]);
  });

  test('need not be there: without one, a profile may have registries of any partition', () => {
    expect(problemsOf(`profiles: {p: {registries: [${commercial}, ${china}], namespaces: ['*']}}`)).toEqual(
      [],
    );
  });

  test.each([
    ['empty', ''],
    ['a name', 'puller'],
    ['a user', 'arn:aws:iam::111122223333:user/puller'],
    ['an assumed role', 'arn:aws:sts::111122223333:assumed-role/puller/session'],
    ['with 11 digits', 'arn:aws:iam::11112222333:role/puller'],
    ['without a name', 'arn:aws:iam::111122223333:role/'],
    ['with white space', 'arn:aws:iam::111122223333:role/a b'],
    ['with a line break', 'arn:aws:iam::111122223333:role/a\n'],
    ['with a star', 'arn:aws:iam::111122223333:role/*'],
    ['with something before it', 'xarn:aws:iam::111122223333:role/a'],
    ['of a partition that is none', 'arn:aws-moon:iam::111122223333:role/a'],
  ])('must have the form of one: %s', (_, roleArn) => {
    expect(problemsOf(profile(roleArn, commercial))).toEqual([
      'profiles.p.roleArn: must be the ARN of a role: arn:aws:iam::<account>:role/<name>, where {namespace} may be a whole path segment or the whole name',
    ]);
  });
});

describe('what the controller sets itself cannot be configured', () => {
  test.each([
    ['our label', 'secretLabels', 'app.kubernetes.io/managed-by'],
    ['a label under our prefix', 'secretLabels', 'ecr-pull-secrets/team'],
    ['our instance annotation', 'secretAnnotations', 'ecr-pull-secrets/instance'],
    ['our record of tokens', 'secretAnnotations', 'ecr-pull-secrets/tokens'],
    ['any annotation under our prefix', 'secretAnnotations', 'ecr-pull-secrets/note'],
  ])('%s', (_, group, key) => {
    expect(problemsOf(`${group}: {${key}: x}`)).toEqual([`${group}.${key}: is set by the controller itself`]);
  });

  test.each([
    ['a label of the same prefix with another name', 'secretLabels', 'app.kubernetes.io/part-of'],
    ['a key that is our prefix without the slash', 'secretLabels', 'ecr-pull-secrets'],
    ['a prefix that ends as ours', 'secretAnnotations', 'my-ecr-pull-secrets/x'],
  ])('others can: %s', (_, group, key) => {
    expect(problemsOf(`${group}: {${key}: x}`)).toEqual([]);
  });
});

test.each([
  ['default', true],
  ['constructor', false],
  ['prototype', false],
])('a profile called %s is there or refused, never dropped: %s', (name, taken) => {
  const text = `profiles: {${name}: {registries: [${commercial}], namespaces: ['*']}}`;
  const result = readConfig(text, { AWS_REGION: 'eu-west-1' });
  expect('settings' in result ? Object.keys(result.settings.profiles) : 'refused').toEqual(
    taken ? [name] : 'refused',
  );
});
