// The AWS variables of the environment, alone and together with the file: what is wrong is found at start, each with the name
// of the variable or the path of the setting. What they become is tested in config.test.ts.
import { describe, expect, test } from 'vitest';
import type { AwsEnvironment } from '../../src/config/aws-environment.ts';
import { readConfig } from '../../src/config/config.ts';
import { hostIn, usualHost } from '../support/views.ts';

const china = '111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn';
const gov = hostIn('us-gov-west-1');
const roleOf = (partition: string) => `arn:${partition}:iam::111122223333:role/puller`;
const good: AwsEnvironment = {
  AWS_REGION: 'eu-west-1',
  AWS_ROLE_ARN: roleOf('aws'),
  AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/secrets/eks.amazonaws.com/serviceaccount/token',
};

function problemsOf(text: string, environment: AwsEnvironment): readonly string[] {
  const result = readConfig(text, environment);
  return 'problems' in result ? result.problems : [];
}

const profile = (name: string, fields: string) => `${name}: {namespaces: ['*'], ${fields}}`;
const profiles = (...all: readonly string[]) => `profiles: {${all.join(', ')}}`;

describe('AWS_REGION', () => {
  const missing =
    'AWS_REGION: is not set: set it (the chart does by aws.region) to the region where STS is to be asked, such as that of your registries';

  test.each<[string, AwsEnvironment]>([
    ['absent', {}],
    ['undefined', { AWS_REGION: undefined }],
    ['empty', { AWS_REGION: '' }],
    ['absent, though there are keys', { AWS_ACCESS_KEY_ID: 'AKIAX' }],
    ['absent, though there is a profile', { AWS_PROFILE: 'dev' }],
  ])('is required: %s', (_, environment) => {
    expect(problemsOf('', environment)).toEqual([missing]);
  });

  test.each([
    'eu-west-1',
    'us-gov-east-1',
    'cn-northwest-1',
    'eusc-de-east-1',
    'us-iso-west-1',
    'us-isob-east-1',
    'eu-isoe-west-1',
    'us-isof-south-1',
    'ap-southeast-12',
  ])('may be %s', (AWS_REGION) => {
    expect(problemsOf('', { AWS_REGION })).toEqual([]);
  });

  test.each([
    'eu-west',
    'eu-west-1a',
    'EU-WEST-1',
    ' eu-west-1',
    'eu-west-1\n',
    'aws-global',
    'nowhere',
    '🐳',
  ])('may not be %j, and that is said', (AWS_REGION) => {
    expect(problemsOf('', { AWS_REGION })).toEqual([
      `AWS_REGION: ${JSON.stringify(AWS_REGION)} is not an AWS region`,
    ]);
  });
});

describe.each(['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'] as const)('%s', (name) => {
  test.each(['', 'http://proxy.example.com:3128', 'https://me:pw@proxy.example.com', 'HTTP://p:1'])(
    'may be %j',
    (url) => {
      expect(problemsOf('', { ...good, [name]: url })).toEqual([]);
    },
  );

  test.each(['proxy.example.com:3128', 'socks5://p:1', 'http://me:sesame@', 'http://'])(
    'may not be %j: Node would leave it aside without a word; its login is not repeated',
    (url) => {
      expect(problemsOf('', { ...good, [name]: url })).toEqual([
        `${name}: is not the URL of an HTTP proxy, such as http://proxy.example.com:3128`,
      ]);
    },
  );
});

describe('AWS_ROLE_ARN', () => {
  test.each(['', roleOf('aws'), roleOf('aws-us-gov'), 'arn:aws-cn:iam::111122223333:role/a/b'])(
    'may be %j',
    (AWS_ROLE_ARN) => {
      expect(problemsOf('', { ...good, AWS_ROLE_ARN })).toEqual([]);
    },
  );

  test.each([
    'puller',
    ' ',
    roleOf('aws-moon'),
    `${roleOf('aws')}\n`,
    'arn:aws:iam::111122223333:role/{namespace}',
  ])('may not be %j', (AWS_ROLE_ARN) => {
    expect(problemsOf('', { ...good, AWS_ROLE_ARN })).toEqual([
      `AWS_ROLE_ARN: ${JSON.stringify(AWS_ROLE_ARN)} is not the ARN of a role: arn:aws:iam::<account>:role/<name>`,
    ]);
  });

  test.each(['x'.repeat(100_000), 'AWS_REGION', '\u001B[31m'])(
    'is repeated in one short line: %j',
    (wrong) => {
      for (const environment of [
        { ...good, AWS_ROLE_ARN: wrong },
        { ...good, AWS_REGION: wrong },
      ]) {
        const [problem = ''] = problemsOf('', environment);
        expect(problem.length).toBeGreaterThan(10);
        expect(problem.length).toBeLessThan(600);
        expect(problem).not.toMatch(/\p{Cc}/u);
      }
    },
  );
});

describe('a profile via webIdentity', () => {
  const direct = (name: string) =>
    profile(name, `registries: [${usualHost}], via: webIdentity, roleArn: '${roleOf('aws')}'`);

  test.each<[string, AwsEnvironment]>([
    ['absent', { AWS_REGION: 'eu-west-1' }],
    ['empty', { AWS_REGION: 'eu-west-1', AWS_WEB_IDENTITY_TOKEN_FILE: '' }],
  ])('needs AWS_WEB_IDENTITY_TOKEN_FILE: %s', (_, environment) => {
    expect(problemsOf(profiles(direct('p')), environment)).toEqual([
      'profiles.p.via: webIdentity needs AWS_WEB_IDENTITY_TOKEN_FILE, which is not set (the chart does by aws.roleArn)',
    ]);
  });

  test('has it', () => {
    expect(problemsOf(profiles(direct('p')), good)).toEqual([]);
  });

  test('is not needed by chaining, nor by what namespaces do themselves', () => {
    const chained = profile('p', `registries: [${usualHost}], roleArn: '${roleOf('aws')}'`);
    const text = `${profiles(chained)}\nidentity: {serviceAccounts: [puller]}`;
    expect(problemsOf(text, { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKIAX' })).toEqual([]);
  });
});

describe('the default registries', () => {
  test('must be of the partition of AWS_ROLE_ARN', () => {
    expect(problemsOf(`registries: [${usualHost}, ${china}]`, good)).toEqual([
      `registries: ${china} is of partition aws-cn, AWS_ROLE_ARN of aws: give it a profile with a role of its partition`,
    ]);
    expect(problemsOf('registries: [public.ecr.aws]', { ...good, AWS_ROLE_ARN: roleOf('aws-cn') })).toEqual([
      expect.stringMatching(/^registries: public\.ecr\.aws is of partition aws, AWS_ROLE_ARN of aws-cn/),
    ]);
  });

  test.each<[string, string, AwsEnvironment]>([
    ['of its partition', china, { AWS_REGION: 'cn-north-1', AWS_ROLE_ARN: roleOf('aws-cn') }],
    ['of several, where there is no role', `${china}, ${usualHost}`, { AWS_REGION: 'eu-west-1' }],
    ['of another than AWS_REGION, where there is no role', gov, { AWS_REGION: 'eu-west-1' }],
  ])('may be %s', (_, hosts, environment) => {
    expect(problemsOf(`registries: [${hosts}]`, environment)).toEqual([]);
  });
});

describe('a chain from AWS_ROLE_ARN', () => {
  const across =
    'profiles.p: is of another partition than AWS_ROLE_ARN, from which no chain leads there: use via: webIdentity with a role of its partition';

  test.each([
    ['to a role of another', profile('p', `registries: [${china}], roleArn: '${roleOf('aws-cn')}'`)],
    ['to no role, for hosts of another', profile('p', `registries: [${china}]`)],
  ])('leads to no other partition: %s', (_, text) => {
    expect(problemsOf(profiles(text), good)).toEqual([across]);
  });

  test.each<[string, string, AwsEnvironment]>([
    ['within the partition', profile('p', `registries: [${usualHost}], roleArn: '${roleOf('aws')}'`), good],
    ['to no role, for hosts of its own', profile('p', `registries: [${usualHost}]`), good],
    [
      'from China to China',
      profile('p', `registries: [${china}], roleArn: '${roleOf('aws-cn')}'`),
      { ...good, AWS_ROLE_ARN: roleOf('aws-cn') },
    ],
    [
      'from keys, of which nobody knows the partition',
      profile('p', `registries: [${china}], roleArn: '${roleOf('aws-cn')}'`),
      { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKIAX' },
    ],
    [
      'but a web identity does not chain',
      profile('p', `registries: [${china}], via: webIdentity, roleArn: '${roleOf('aws-cn')}'`),
      good,
    ],
  ])('is good %s', (_, text, environment) => {
    expect(problemsOf(profiles(text), environment)).toEqual([]);
  });
});

test('all that is wrong with the environment is said at once, in the order of the checks', () => {
  const text = `registries: [${china}]\n${profiles(
    profile('direct', `registries: [${usualHost}], via: webIdentity, roleArn: '${roleOf('aws')}'`),
    profile('chained', `registries: [${gov}], roleArn: '${roleOf('aws-us-gov')}'`),
  )}`;
  const environment = { AWS_REGION: 'nowhere', AWS_ROLE_ARN: 'arn:aws:iam::1:role/short' };
  const paths = problemsOf(text, environment).map((problem) => problem.split(': ')[0]);
  expect(paths).toEqual([
    'AWS_REGION',
    'AWS_ROLE_ARN',
    'profiles.direct.via',
    'registries',
    'profiles.chained',
  ]);
  expect(problemsOf(text, { ...environment, AWS_REGION: '' })).toHaveLength(5);
});

test('what is wrong with the variables alone is said together with what is wrong with the file', () => {
  const paths = problemsOf('workers: 0\ntypo: 1', { AWS_ROLE_ARN: 'puller' }).map(
    (problem) => problem.split(': ')[0] ?? '',
  );
  expect(paths.toSorted()).toEqual(['AWS_REGION', 'AWS_ROLE_ARN', 'typo', 'workers']);
});

test('each registry and each profile of another partition is named, in whatever order they stand', () => {
  const text = `registries: [${china}, ${usualHost}, ${gov}]\n${profiles(
    profile('first', `registries: [${china}, ${usualHost}]`),
    profile('second', `registries: [${usualHost}, ${china}]`),
    profile('third', `registries: [${gov}], roleArn: '${roleOf('aws-us-gov')}'`),
    profile('good', `registries: [${usualHost}]`),
  )}`;
  expect(problemsOf(text, good).map((problem) => problem.split(' is of')[0])).toEqual([
    `registries: ${china}`,
    `registries: ${gov}`,
    'profiles.first:',
    'profiles.second:',
    'profiles.third:',
  ]);
});

test('each profile via webIdentity is named where there is no token file', () => {
  const direct = `registries: [${usualHost}], via: webIdentity, roleArn: '${roleOf('aws')}'`;
  const text = profiles(profile('a', direct), profile('b', direct));
  const paths = problemsOf(text, { AWS_REGION: 'eu-west-1' }).map((problem) => problem.split(': ')[0]);
  expect(paths).toEqual(['profiles.a.via', 'profiles.b.via']);
});
