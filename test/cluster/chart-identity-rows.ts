// What the values about names, credentials, replicas and the schedule change. Used by chart-values.
import { type ValueRows, among, container, env, having, pod } from './chart-matchers.ts';

const role = 'arn:aws:iam::111122223333:role/ecr-pull-secrets';
const fromSecret = (name: string, key: string): object =>
  container({ env: among({ name, valueFrom: { secretKeyRef: { name: 'keys', key } } }) });
const token = (part: object): object =>
  pod({
    volumes: among({
      name: 'aws-iam-token',
      projected: { sources: [{ serviceAccountToken: having(part) }] },
    }),
  });
const keys = { name: 'keys', accessKeyIdKey: 'id', secretAccessKeyKey: 'secret', sessionTokenKey: 'session' };
const named = { metadata: { name: 'puller', namespace: 'system' } };

export const identityRows: ValueRows = {
  nameOverride: [
    [
      { nameOverride: 'pull' },
      'Service',
      { metadata: { name: 'ecr-pull-secrets', labels: having({ 'app.kubernetes.io/name': 'pull' }) } },
    ],
    [
      { nameOverride: 'pull' },
      'Deployment',
      { spec: { selector: { matchLabels: having({ 'app.kubernetes.io/name': 'pull' }) } } },
    ],
  ],
  fullnameOverride: [
    [{ fullnameOverride: 'puller' }, 'Deployment', named],
    [{ fullnameOverride: 'puller' }, 'ServiceAccount', named],
  ],
  commonLabels: [
    [{ commonLabels: { team: 'x' } }, 'ClusterRole', { metadata: { labels: having({ team: 'x' }) } }],
    [
      { commonLabels: { team: 'x' } },
      'Deployment',
      { spec: { template: { metadata: { labels: having({ team: 'x' }) } } } },
    ],
  ],
  'aws.region': [
    [{ aws: { region: 'eu-west-1' } }, 'Deployment', env('AWS_REGION', 'eu-west-1')],
    [{ aws: { region: 'eu-west-1' } }, 'Deployment', env('AWS_DEFAULT_REGION', 'eu-west-1')],
  ],
  'aws.roleArn': [
    [{ aws: { region: 'eu-west-1', roleArn: role } }, 'Deployment', env('AWS_ROLE_ARN', role)],
    [
      { aws: { region: 'eu-west-1', roleArn: role } },
      'Deployment',
      env('AWS_STS_REGIONAL_ENDPOINTS', 'regional'),
    ],
    [
      { aws: { region: 'eu-west-1', roleArn: role } },
      'Deployment',
      env('AWS_WEB_IDENTITY_TOKEN_FILE', '/var/run/secrets/eks.amazonaws.com/serviceaccount/token'),
    ],
    [
      { aws: { region: 'eu-west-1', roleArn: role } },
      'Deployment',
      container({
        volumeMounts: among({
          name: 'aws-iam-token',
          mountPath: '/var/run/secrets/eks.amazonaws.com/serviceaccount',
          readOnly: true,
        }),
      }),
    ],
    [
      { aws: { region: 'eu-west-1', roleArn: role } },
      'Deployment',
      token({ audience: 'sts.amazonaws.com', expirationSeconds: 86_400, path: 'token' }),
    ],
  ],
  'aws.accountTokenAudience': [
    [
      { aws: { region: 'eu-west-1', roleArn: role, accountTokenAudience: 'own' } },
      'Deployment',
      token({ audience: 'own' }),
    ],
  ],
  'aws.accountTokenExpirationSeconds': [
    [
      { aws: { region: 'eu-west-1', roleArn: role, accountTokenExpirationSeconds: 600 } },
      'Deployment',
      token({ expirationSeconds: 600 }),
    ],
  ],
  'aws.existingSecret.name': [
    [
      { aws: { region: 'eu-west-1', existingSecret: { name: 'keys' } } },
      'Deployment',
      fromSecret('AWS_ACCESS_KEY_ID', 'AWS_ACCESS_KEY_ID'),
    ],
    [
      { aws: { region: 'eu-west-1', existingSecret: { name: 'keys' } } },
      'Deployment',
      fromSecret('AWS_SECRET_ACCESS_KEY', 'AWS_SECRET_ACCESS_KEY'),
    ],
  ],
  'aws.existingSecret.accessKeyIdKey': [
    [
      { aws: { region: 'eu-west-1', existingSecret: keys } },
      'Deployment',
      fromSecret('AWS_ACCESS_KEY_ID', 'id'),
    ],
  ],
  'aws.existingSecret.secretAccessKeyKey': [
    [
      { aws: { region: 'eu-west-1', existingSecret: keys } },
      'Deployment',
      fromSecret('AWS_SECRET_ACCESS_KEY', 'secret'),
    ],
  ],
  'aws.existingSecret.sessionTokenKey': [
    [
      { aws: { region: 'eu-west-1', existingSecret: keys } },
      'Deployment',
      fromSecret('AWS_SESSION_TOKEN', 'session'),
    ],
  ],
  'serviceAccount.name': [
    [{ serviceAccount: { name: 'puller' } }, 'ServiceAccount', named],
    [{ serviceAccount: { name: 'puller' } }, 'Deployment', pod({ serviceAccountName: 'puller' })],
    [
      { serviceAccount: { name: 'puller' } },
      'ClusterRoleBinding',
      { subjects: [{ kind: 'ServiceAccount', name: 'puller', namespace: 'system' }] },
    ],
    [
      { serviceAccount: { name: 'puller' } },
      'RoleBinding',
      { subjects: [{ kind: 'ServiceAccount', name: 'puller', namespace: 'system' }] },
    ],
  ],
  'serviceAccount.annotations': [
    [
      { serviceAccount: { annotations: { a: 'b' } } },
      'ServiceAccount',
      { metadata: { annotations: { a: 'b' } } },
    ],
  ],
  replicas: [
    [{ replicas: 3 }, 'Deployment', { spec: { replicas: 3, strategy: { type: 'RollingUpdate' } } }],
    [{ replicas: 3 }, 'PodDisruptionBudget', { spec: { maxUnavailable: 1 } }],
    [
      { replicas: 3 },
      'Deployment',
      pod({
        topologySpreadConstraints: [
          { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
        ],
      }),
    ],
  ],
  'cronJob.enabled': [
    [
      { cronJob: { enabled: true } },
      'CronJob',
      {
        spec: {
          schedule: '17 */2 * * *',
          concurrencyPolicy: 'Forbid',
          jobTemplate: {
            spec: {
              template: {
                spec: { restartPolicy: 'Never', containers: [{ args: ['once', '--log-level=info'] }] },
              },
            },
          },
        },
      },
    ],
  ],
  'cronJob.schedule': [
    [{ cronJob: { enabled: true, schedule: '@hourly' } }, 'CronJob', { spec: { schedule: '@hourly' } }],
  ],
  'cronJob.timeZone': [
    [{ cronJob: { enabled: true, timeZone: 'Etc/UTC' } }, 'CronJob', { spec: { timeZone: 'Etc/UTC' } }],
  ],
};
