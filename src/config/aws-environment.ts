// The few AWS variables that decide who we are and where STS is, and what of them cannot go together with the configuration
// file. Used by config; everything else in the environment is the SDK's own business.
import { type DefaultIdentity, isRoleArn, partitionOfRole, sharedSessionName } from '../domain/identity.ts';
import { partitionOf } from '../domain/registry.ts';
import type { ConfigFile } from './schema.ts';

/** The part of the environment that is read here. */
export interface AwsEnvironment {
  readonly AWS_REGION?: string | undefined;
  readonly AWS_ROLE_ARN?: string | undefined;
  readonly AWS_WEB_IDENTITY_TOKEN_FILE?: string | undefined;
  readonly AWS_PROFILE?: string | undefined;
  readonly AWS_ACCESS_KEY_ID?: string | undefined;
  readonly HTTPS_PROXY?: string | undefined;
  readonly https_proxy?: string | undefined;
  readonly HTTP_PROXY?: string | undefined;
  readonly http_proxy?: string | undefined;
}

/** The identity of the SDK's default chain. */
export function defaultIdentity(environment: AwsEnvironment, clusterName: string): DefaultIdentity {
  return {
    kind: 'default',
    roleArn: environment.AWS_ROLE_ARN ?? '',
    profile: environment.AWS_PROFILE ?? '',
    accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
    sessionName: sharedSessionName(clusterName),
  };
}

const proxies = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'] as const;

type Check = (environment: AwsEnvironment, file: ConfigFile) => string | undefined;

/** What is wrong with the environment, alone or together with the file. */
const checks: readonly Check[] = [
  ({ AWS_REGION: region = '' }) =>
    region === ''
      ? 'AWS_REGION: is not set: set it (the chart does by aws.region) to the region where STS is to be asked, such as that of your registries'
      : undefined,
  ({ AWS_REGION: region = '' }) =>
    region !== '' && partitionOf(region) === undefined
      ? `AWS_REGION: ${JSON.stringify(region.slice(0, 80))} is not an AWS region`
      : undefined,
  ({ AWS_ROLE_ARN: role = '' }) =>
    role !== '' && !isRoleArn(role)
      ? `AWS_ROLE_ARN: ${JSON.stringify(role.slice(0, 80))} is not the ARN of a role: arn:aws:iam::<account>:role/<name>`
      : undefined,
  (environment) => {
    // Node leaves others aside without a word. The value is not repeated: it may hold a login.
    const bad = proxies.find((name) => !isProxy(environment[name] ?? ''));
    return bad && `${bad}: is not the URL of an HTTP proxy, such as http://proxy.example.com:3128`;
  },
  ({ AWS_WEB_IDENTITY_TOKEN_FILE: file = '' }, { profiles }) => {
    const [needing] = Object.entries(profiles).find(([, { via }]) => via === 'webIdentity') ?? [];
    return file === '' && needing !== undefined
      ? `profiles.${needing}.via: webIdentity needs AWS_WEB_IDENTITY_TOKEN_FILE, which is not set (the chart does by aws.roleArn)`
      : undefined;
  },
  ({ AWS_ROLE_ARN: role = '' }, { registries }) => {
    const partition = partitionOfRole(role);
    const stranger = registries.find((registry) => registry.partition !== partition);
    return partition !== undefined && stranger !== undefined
      ? `registries: ${stranger.host} is of partition ${stranger.partition}, AWS_ROLE_ARN of ${partition}: give it a profile with a role of its partition`
      : undefined;
  },
  ({ AWS_ROLE_ARN: role = '' }, { profiles }) => {
    const partition = partitionOfRole(role);
    const [stranger] =
      Object.entries(profiles).find(
        ([, { via, roleArn = '', registries }]) =>
          via === 'chain' && (partitionOfRole(roleArn) ?? registries[0]?.partition) !== partition,
      ) ?? [];
    return partition !== undefined && stranger !== undefined
      ? `profiles.${stranger}: is of another partition than AWS_ROLE_ARN, from which no chain leads there: use via: webIdentity with a role of its partition`
      : undefined;
  },
];

const isProxy = (url: string): boolean => url === '' || (/^https?:\/\//i.test(url) && URL.canParse(url));

/** Every problem, one line each, beginning with the path of the setting or the name of the variable. */
export const environmentProblems = (file: ConfigFile, environment: AwsEnvironment): readonly string[] =>
  checks.flatMap((check) => check(environment, file) ?? []);
