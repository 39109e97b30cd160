// Values that the chart refuses, with the words that a person sees: by its schema, or by a template with a sentence.
// The names that RBAC rules are made from: chart-names.test.ts.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { ChartValues } from '../../rig/installation/render-chart.ts';
import { ChartScene } from './chart-scene.ts';

let scene: ChartScene;
beforeAll(async () => {
  scene = await ChartScene.open(inject('plane'), 'system');
});
afterAll(() => scene.close());

const role = 'arn:aws:iam::111122223333:role/ecr-pull-secrets';
type Row = readonly [sentence: string, values: ChartValues, words: string];

const bySchema: readonly Row[] = [
  ['an unknown value', { replica: 2 }, "additional properties 'replica' not allowed"],
  [
    'an unknown setting',
    { config: { registry: 'a' } },
    "at '/config': additional properties 'registry' not allowed",
  ],
  [
    'an unknown setting of a profile',
    { config: { profiles: { p: { registries: ['a'], namespaces: ['*'], role: 'r' } } } },
    "at '/config/profiles/p': additional properties 'role' not allowed",
  ],
  [
    'a profile without namespaces',
    { config: { profiles: { p: { registries: ['a'] } } } },
    "at '/config/profiles/p': missing property 'namespaces'",
  ],
  ['a text for a list', { config: { registries: 'a,b' } }, "at '/config/registries': got string, want array"],
  [
    'a text for the list of namespaces',
    { config: { namespaces: { only: 'team-a' } } },
    "at '/config/namespaces/only': got string, want array",
  ],
  [
    'an unknown mode',
    { config: { namespaces: { mode: 'some' } } },
    "at '/config/namespaces/mode': value must be one of 'annotated', 'all'",
  ],
  ['an empty instance', { config: { instance: '' } }, "at '/config/instance': minLength: got 0, want 1"],
  [
    'a number of seconds for a duration',
    { config: { refresh: { maxAge: 3600 } } },
    "at '/config/refresh/maxAge': got number, want null or string",
  ],
  ['half a worker', { config: { workers: 0.5 } }, "at '/config/workers': got number, want integer"],
  ['no worker', { config: { workers: 0 } }, "at '/config/workers': minimum: got 0, want 1"],
  [
    'a label that YAML takes for a boolean',
    { podLabels: { a: true } },
    "at '/podLabels/a': got boolean, want string",
  ],
  ['half a replica', { replicas: 1.5 }, "at '/replicas': got number, want integer"],
  [
    'an unknown log level',
    { logLevel: 'trace' },
    "at '/logLevel': value must be one of 'debug', 'info', 'warn', 'error'",
  ],
  ['no log level', { logLevel: null }, "missing property 'logLevel'"],
  [
    'an unknown pull policy',
    { image: { pullPolicy: 'Sometimes' } },
    "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'",
  ],
  ['no image', { image: { repository: '' } }, "at '/image/repository': minLength: got 0, want 1"],
  [
    'a token that the API server would not issue',
    { aws: { accountTokenExpirationSeconds: 300 } },
    "at '/aws/accountTokenExpirationSeconds': minimum: got 300, want 600",
  ],
  ['a variable without a name', { extraEnv: [{ value: 'x' }] }, "at '/extraEnv/0': missing property 'name'"],
  [
    'an API server without a port',
    { networkPolicy: { apiServerPorts: [] } },
    "at '/networkPolicy/apiServerPorts': minItems: got 0, want 1",
  ],
  [
    'a pull secret as a text',
    { imagePullSecrets: ['s'] },
    "at '/imagePullSecrets/0': got string, want object",
  ],
];

const bySentence: readonly Row[] = [
  [
    'two replicas without a lease',
    { replicas: 2, config: { leaderElection: { enabled: false } } },
    'replicas must be 1 where config.leaderElection.enabled is false: they would all write',
  ],
  [
    'two replicas of a CronJob',
    { replicas: 2, cronJob: { enabled: true } },
    'replicas must be 1 where cronJob.enabled is true: a CronJob makes one pass at a time',
  ],
  [
    'a role without a region',
    { aws: { roleArn: role } },
    'aws.region is required with aws.roleArn: STS is asked there',
  ],
  [
    'keys without a region',
    { aws: { existingSecret: { name: 'k' } } },
    'aws.region is required with aws.existingSecret.name: the controller does not start without AWS_REGION',
  ],
  [
    'a role and keys',
    { aws: { region: 'eu-west-1', roleArn: role, existingSecret: { name: 'k' } } },
    'aws.roleArn and aws.existingSecret.name cannot go together',
  ],
  [
    'a role that is none',
    { aws: { region: 'eu-west-1', roleArn: 'ecr-pull-secrets' } },
    'aws.roleArn is "ecr-pull-secrets", which is not the ARN of a role',
  ],
  ['a digest that is none', { image: { digest: 'latest' } }, 'image.digest is "latest", which is no digest'],
  [
    'a variable that the chart sets',
    { aws: { region: 'eu-west-1' }, extraEnv: [{ name: 'AWS_REGION', value: 'eu-west-1' }] },
    'extraEnv has AWS_REGION, which is there already',
  ],
  [
    'a variable twice',
    { extraEnv: [{ name: 'A' }, { name: 'A' }] },
    'extraEnv has A, which is there already',
  ],
  [
    "somebody else's ServiceAccount without its name",
    { serviceAccount: { create: false } },
    'serviceAccount.name is required where serviceAccount.create is false',
  ],
  [
    'a label of the selector for all',
    { commonLabels: { 'app.kubernetes.io/name': 'x' } },
    'commonLabels has app.kubernetes.io/name, which the chart sets itself',
  ],
  [
    'a label of the selector for the pod',
    { podLabels: { 'app.kubernetes.io/instance': 'x' } },
    'podLabels has app.kubernetes.io/instance, which the chart sets itself',
  ],
  [
    'a label twice',
    { commonLabels: { a: 'b' }, podLabels: { a: 'c' } },
    'podLabels has a, which is in commonLabels already',
  ],
  [
    "the chart's own annotation",
    { podAnnotations: { 'checksum/config': 'x' } },
    'podAnnotations has checksum/config, which the chart sets itself',
  ],
  [
    'a label of the ServiceMonitor twice',
    { commonLabels: { a: 'b' }, serviceMonitor: { labels: { a: 'c' } } },
    'serviceMonitor.labels has a, which is in commonLabels already',
  ],
  [
    'a name with a dot, which a Service cannot have',
    { fullnameOverride: 'a.b' },
    'a.b cannot be the name of a Service',
  ],
  [
    'a name that begins with a digit, which a Service of 1.30 cannot have',
    { fullnameOverride: '1st' },
    '1st cannot be the name of a Service',
  ],
  [
    'a selector together with listed namespaces',
    { config: { namespaces: { only: ['a'], selector: 'x=y' } } },
    'config.namespaces.selector cannot go together with config.namespaces.only',
  ],
];

describe('the schema refuses', () => {
  test.each(bySchema)('%s', async (_, values, words) => {
    expect(await scene.refusal(values)).toContain(words);
  });
});

describe('the templates refuse in a sentence', () => {
  test.each(bySentence)('%s', async (_, values, words) => {
    expect(await scene.refusal(values)).toContain(words);
  });
});

test('a region by extraEnv is a region', async () => {
  const extraEnv = [{ name: 'AWS_REGION', value: 'eu-west-1' }];
  expect(await scene.refusal({ aws: { roleArn: role }, extraEnv })).toBe('');
  expect(await scene.refusal({ aws: { existingSecret: { name: 'k' } }, extraEnv })).toBe('');
});

test('a Kubernetes that is too old is refused', async () => {
  expect(await scene.refusal({}, ['--kube-version', 'v1.29.9'])).toContain(
    'chart requires kubeVersion: >=1.30.0-0',
  );
});
