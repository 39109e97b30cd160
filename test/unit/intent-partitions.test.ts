// Host and identity of different partitions: AWS knows no way across, so it is said without a call. Values only: what is not
// wanted is never asked for. That the configuration finds it at start is tested in config-environment.test.ts.
import { describe, expect, test } from 'vitest';
import { type Decision, readIntent, sourcesOf } from '../../src/domain/intent.ts';
import type { Settings } from '../../src/domain/settings.ts';
import {
  aDefaultIdentity,
  aNamespace,
  aProfile,
  aProfileRole,
  aRegistry,
  aServiceAccount,
  aSettings,
  hostIn,
} from '../support/views.ts';

const commercial = hostIn('eu-west-1');
const china = '111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn';
const gov = hostIn('us-gov-west-1');
const roleOf = (partition: string) => `arn:${partition}:iam::111122223333:role/puller`;

const settings = aSettings({
  registries: [aRegistry(commercial), aRegistry(china)],
  identity: { serviceAccounts: ['puller'], audience: 'sts.amazonaws.com' },
  profiles: {
    mixed: aProfile({ registries: [aRegistry(commercial), aRegistry(china)] }),
    chinese: aProfile({
      registries: [aRegistry(commercial)],
      role: aProfileRole({ roleArn: roleOf('aws-cn') }),
    }),
    plain: aProfile({ registries: [aRegistry(commercial), aRegistry(china)], role: undefined }),
  },
});
const withRole = (partition: string): Settings => ({
  ...settings,
  defaultIdentity: aDefaultIdentity({ roleArn: roleOf(partition) }),
});

function decide(annotations: Readonly<Record<string, string>>, by = settings): Decision {
  return readIntent(aNamespace({ annotations: { enabled: 'true', ...annotations } }), by, (name) =>
    aServiceAccount({ name, roleArn: roleOf('aws-us-gov') }),
  );
}

const own = (partition?: string) => ({
  'identity-service-account': 'puller',
  ...(partition !== undefined && { 'role-arn': roleOf(partition) }),
});

function summary(decision: Decision) {
  const wanted = decision.kind === 'wanted' ? decision.intent.wanted : [];
  return {
    hosts: wanted.map(({ registry }) => registry.host),
    refused: decision.problems.map(({ reason, subject }) => `${reason} ${subject}`),
    asked: [...sourcesOf(wanted).values()].map(({ region }) => region),
  };
}

const isRefused = (host: string) => `IdentityRefused ${host}`;

describe('a host of another partition than the role is refused, and no token of its region is asked for', () => {
  test.each<[string, Readonly<Record<string, string>>, Settings]>([
    ['the role of the environment', {}, withRole('aws')],
    ['the role of a profile', { profile: 'mixed' }, settings],
    ['the role of the environment, by a profile without one', { profile: 'plain' }, withRole('aws')],
    ['the role that the namespace chose', own('aws'), settings],
  ])('%s; the host of its own partition goes on', (_, annotations, by) => {
    const decision = decide(annotations, by);
    expect(decision.kind).toBe('wanted');
    expect(summary(decision)).toEqual({
      hosts: [commercial],
      refused: [isRefused(china)],
      asked: ['eu-west-1'],
    });
  });

  test.each<[string, Readonly<Record<string, string>>, Settings, readonly string[]]>([
    ['of the environment', { registries: gov }, withRole('aws'), [gov]],
    ['of a profile', { profile: 'chinese' }, settings, [commercial]],
    ['of the ServiceAccount', own(), settings, [china, commercial]],
    ['that the namespace chose', { ...own('aws-eusc'), registries: gov }, settings, [gov]],
  ])('where all are, the namespace is refused, and not told to name others: the role %s', (_, ...rest) => {
    const [annotations, by, hosts] = rest;
    const decision = decide(annotations, by);
    expect(decision.kind).toBe('refused');
    expect(summary(decision).refused.toSorted()).toEqual(hosts.map(isRefused));
  });

  test('ECR Public is of the commercial one only', () => {
    expect(summary(decide({ registries: 'public.ecr.aws' }, withRole('aws-cn'))).refused).toEqual([
      isRefused('public.ecr.aws'),
    ]);
    expect(summary(decide({ registries: 'public.ecr.aws' }, withRole('aws'))).hosts).toEqual([
      'public.ecr.aws',
    ]);
  });
});

describe('without a role', () => {
  test.each<[string, Readonly<Record<string, string>>]>([
    ['of the environment', {}],
    ['in a profile', { profile: 'plain' }],
  ])('nothing is known of the partition, and nothing is refused: %s', (_, annotations) => {
    expect(summary(decide(annotations))).toEqual({
      hosts: [china, commercial],
      refused: [],
      asked: ['cn-north-1', 'eu-west-1'],
    });
  });
});

test('further keys are of hosts that are served, never of one that is refused', () => {
  const keys = { fips: true, dualStack: true, wildcard: false };
  expect(summary(decide({}, { ...withRole('aws'), keys })).hosts).toEqual([
    '111122223333.dkr-ecr.eu-west-1.on.aws',
    commercial,
  ]);
});

describe('the problem', () => {
  test('names host, partition and role, and what to do', () => {
    const [problem] = decide({}, withRole('aws')).problems;
    expect(problem?.note).toContain(china);
    expect(problem?.note).toContain('aws-cn');
    expect(problem?.note).toContain(roleOf('aws'));
    expect(problem?.note).toContain('name a role of that partition');
  });

  test('is told of ten hosts at the most', () => {
    const accounts = Array.from({ length: 30 }, (_, index) => `${100_000_000_000 + index}`);
    const registries = accounts.map((account) => china.replace('111122223333', account)).join();
    const decision = decide({ registries }, withRole('aws'));
    expect(decision.kind).toBe('refused');
    expect(decision.problems).toHaveLength(10);
  });
});
