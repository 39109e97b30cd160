// The roles of identities: which texts are the ARN of one, of which partition and account, and what a session of a role that a
// namespace chose is limited to. Values only; STS itself is in the adapter tests.
import { describe, expect, test } from 'vitest';
import {
  type Identity,
  accountOf,
  isRoleArn,
  partitionOfRole,
  sessionPolicy,
} from '../../src/domain/identity.ts';
import { aDefaultIdentity, aNamespaceIdentity, aRole, aWebIdentity } from '../support/views.ts';

const inPartition = (partition: string) => `arn:${partition}:iam::111122223333:role/puller`;
const partitions = [
  'aws',
  'aws-cn',
  'aws-us-gov',
  'aws-eusc',
  'aws-iso',
  'aws-iso-b',
  'aws-iso-e',
  'aws-iso-f',
];

describe('the ARN of a role', () => {
  test.each<readonly [string, string]>([
    ...partitions.map((partition) => [`of ${partition}`, inPartition(partition)] as const),
    ['with a path', 'arn:aws:iam::111122223333:role/teams/a/puller'],
    ['with every legal character', 'arn:aws:iam::000000000000:role/a+b=c,d.e@f-g_h/I+J=K,1.2@3-4_5'],
    ['of a service', 'arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRole'],
    ['of one letter', 'arn:aws:iam::111122223333:role/a'],
    ['of 2,048 characters', inPartition('aws').padEnd(2_048, 'x')],
  ])('is one: %s', (_, arn) => {
    expect(isRoleArn(arn)).toBe(true);
  });

  test.each([
    ['an empty text', ''],
    ['a name', 'puller'],
    ['a user', 'arn:aws:iam::111122223333:user/puller'],
    ['an assumed role', 'arn:aws:sts::111122223333:assumed-role/puller/session'],
    ['a policy', 'arn:aws:iam::111122223333:policy/puller'],
    ['an instance profile', 'arn:aws:iam::111122223333:instance-profile/puller'],
    ['one of a partition that is none', inPartition('aws-moon')],
    ['one whose partition every object has', inPartition('constructor')],
    ['one without a partition', inPartition('')],
    ['one in upper case', inPartition('AWS')],
    ['one with a region', 'arn:aws:iam:eu-west-1:111122223333:role/puller'],
    ['one with 11 digits', 'arn:aws:iam::11112222333:role/puller'],
    ['one with 13 digits', 'arn:aws:iam::1111222233334:role/puller'],
    ['one with full-width digits', 'arn:aws:iam::１１１１２２２２３３３３:role/puller'],
    ['one for every account', 'arn:aws:iam::*:role/puller'],
    ['one without an account', 'arn:aws:iam:::role/puller'],
    ['one without a name', 'arn:aws:iam::111122223333:role/'],
    ['one that ends with a slash', 'arn:aws:iam::111122223333:role/puller/'],
    ['one with two slashes', 'arn:aws:iam::111122223333:role//puller'],
    ['one with a star', 'arn:aws:iam::111122223333:role/*'],
    ['one with a place for the namespace', 'arn:aws:iam::111122223333:role/{namespace}'],
    ['one with white space', 'arn:aws:iam::111122223333:role/a b'],
    ['one with white space around it', ` ${inPartition('aws')} `],
    ['one with a line break', `${inPartition('aws')}\n`],
    ['one with a second line', `${inPartition('aws')}\n${inPartition('aws')}`],
    ['one with a letter of another alphabet', 'arn:aws:iam::111122223333:role/рuller'],
    ['one with something before it', `x${inPartition('aws')}`],
    ['one with more parts', `${inPartition('aws')}:x`],
    ['one of 2,049 characters', inPartition('aws').padEnd(2_049, 'x')],
    ['a megabyte of slashes', `arn:aws:iam::111122223333:role/${'a/'.repeat(500_000)}`],
  ])('is not %s', (_, text) => {
    expect(isRoleArn(text)).toBe(false);
  });

  test.each(partitions)('says its partition: %s', (partition) => {
    expect(partitionOfRole(inPartition(partition))).toBe(partition);
  });

  test.each(['', 'puller', inPartition('aws-moon'), inPartition('toString')])(
    'says no partition where it is %j',
    (text) => {
      expect(partitionOfRole(text)).toBeUndefined();
    },
  );
});

const ofAccount = (account: string) => `arn:aws:iam::${account}:role/x`;
const base = aDefaultIdentity({ roleArn: ofAccount('999999999999') });

describe('the account that STS counts an identity’s calls against', () => {
  test.each<[string, Identity, string]>([
    ['is that of the role of the environment', base, '999999999999'],
    ['is that of the base where a role is chained, since that signs', aRole({ base }), '999999999999'],
    ['is nobody’s where only AWS knows', aDefaultIdentity({ accessKeyId: 'AKIAX' }), ''],
    ['is nobody’s where the base is nobody’s', aRole({ roleArn: ofAccount('111111111111') }), ''],
    [
      'is that of the role by web identity, which nobody signs',
      aWebIdentity({ roleArn: ofAccount('222222222222') }),
      '222222222222',
    ],
    [
      'is that of the role that a namespace chose',
      aNamespaceIdentity({ roleArn: ofAccount('333333333333') }),
      '333333333333',
    ],
  ])('%s', (_, identity, account) => {
    expect(accountOf(identity)).toBe(account);
  });
});

describe('the policy of a namespace’s session', () => {
  const policyIn = (partition: string) =>
    sessionPolicy(aNamespaceIdentity({ roleArn: inPartition(partition) }));

  test.each(partitions)('is the managed one for pulling, of the role’s partition: %s', (partition) => {
    expect(policyIn(partition).managed).toEqual([
      `arn:${partition}:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly`,
    ]);
  });

  test('allows besides the login to ECR Public, and nothing else', () => {
    expect(JSON.parse(policyIn('aws').inline)).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['ecr-public:GetAuthorizationToken', 'sts:GetServiceBearerToken'],
          Resource: '*',
        },
      ],
    });
  });

  test('fits into the 2,048 characters that STS allows for both', () => {
    const { managed, inline } = policyIn('aws-us-gov');
    expect([inline, ...managed].join('').length).toBeLessThan(1_000);
  });
});
