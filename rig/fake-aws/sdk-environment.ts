// The environment by which an AWS SDK finds the fake AWS and nothing else: no file of the machine's user, no metadata
// service. Used by demo and tests. Sets nothing itself.

/** The variables that decide where the SDK looks for credentials; whatever the machine has set must not count. */
const credentialVariables = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_PROFILE',
  'AWS_ROLE_ARN',
  'AWS_ROLE_SESSION_NAME',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_ENDPOINT_URL_ECR',
  'AWS_ENDPOINT_URL_STS',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_MAX_ATTEMPTS',
  'AWS_SDK_UA_APP_ID',
] as const;

/**
 * The whole environment of an SDK that talks to the fake; undefined: the variable must be unset.
 * @param url of the fake
 * @param own what this caller sets: its credentials, its region
 */
export function sdkEnvironment(
  url: string,
  own: Readonly<Record<`AWS_${string}`, string>> = {},
): Readonly<Record<string, string | undefined>> {
  return {
    ...Object.fromEntries(credentialVariables.map((name) => [name, undefined])),
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL: url,
    ...own,
  };
}
