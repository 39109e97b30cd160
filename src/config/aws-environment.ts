// The few AWS variables that decide who we are and where STS is, and what of them cannot go together with the configuration
// file. Used by config; everything else in the environment is the SDK's own business.
import { type DefaultIdentity, isRoleArn, partitionOfRole, sharedSessionName } from '../domain/identity.ts';
import { type Registry, partitionOf } from '../domain/registry.ts';
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

const isProxy = (url: string): boolean => url === '' || (/^https?:\/\//i.test(url) && URL.canParse(url));

/** What is wrong with the variables alone. */
const alone: readonly ((environment: AwsEnvironment) => string | undefined)[] = [
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
];

/** What is wrong with them together with the file. */
const together: readonly ((environment: AwsEnvironment, file: ConfigFile) => readonly string[])[] = [
  ({ AWS_WEB_IDENTITY_TOKEN_FILE: file = '' }, { profiles }) =>
    Object.entries(profiles)
      .filter(([, { via }]) => via === 'webIdentity' && file === '')
      .map(
        ([name]) =>
          `profiles.${name}.via: webIdentity needs AWS_WEB_IDENTITY_TOKEN_FILE, which is not set (the chart does by aws.roleArn)`,
      ),
  ({ AWS_ROLE_ARN: role = '' }, { registries }) =>
    strangersTo(role, registries).map(
      ({ host, partition }) =>
        `registries: ${host} is of partition ${partition}, AWS_ROLE_ARN of ${partitionOfRole(role)}: give it a profile with a role of its partition`,
    ),
  ({ AWS_ROLE_ARN: role = '' }, { profiles }) =>
    Object.entries(profiles)
      .filter(([, { via, roleArn, registries }]) => {
        const of = partitionOfRole(roleArn ?? '');
        const across =
          roleArn === undefined ? strangersTo(role, registries).length > 0 : of !== partitionOfRole(role);
        return via === 'chain' && partitionOfRole(role) !== undefined && across;
      })
      .map(
        ([name]) =>
          `profiles.${name}: is of another partition than AWS_ROLE_ARN, from which no chain leads there: use via: webIdentity with a role of its partition`,
      ),
];

/** The registries of another partition than the role; none where its partition is not known. */
function strangersTo(role: string, registries: readonly Registry[]): readonly Registry[] {
  const own = partitionOfRole(role);
  return own === undefined ? [] : registries.filter(({ partition }) => partition !== own);
}

/** Every problem, one line each, beginning with the path of the setting or the name of the variable. @param file where it is good */
export const environmentProblems = (
  environment: AwsEnvironment,
  file: ConfigFile | undefined,
): readonly string[] => [
  ...alone.flatMap((check) => check(environment) ?? []),
  ...(file === undefined ? [] : together.flatMap((check) => check(environment, file))),
];
