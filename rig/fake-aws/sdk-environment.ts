// The environment by which an AWS SDK finds the fake AWS and nothing else: no file of the machine's user, no metadata
// service, no proxy. Used by demo and tests. Sets nothing itself.

/** What decides where the SDK looks for credentials and endpoints; whatever the machine has set must not count. */
const awsVariables = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_CREDENTIAL_EXPIRATION',
  'AWS_CREDENTIAL_SCOPE',
  'AWS_ACCOUNT_ID',
  'AWS_ACCOUNT_ID_ENDPOINT_MODE',
  'AWS_PROFILE',
  'AWS_DEFAULT_REGION',
  'AWS_ROLE_ARN',
  'AWS_ROLE_SESSION_NAME',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_EC2_METADATA_SERVICE_ENDPOINT',
  'AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE',
  'AWS_EC2_METADATA_V1_DISABLED',
  'AWS_ENDPOINT_URL_ECR',
  'AWS_ENDPOINT_URL_ECR_PUBLIC',
  'AWS_ENDPOINT_URL_STS',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_STS_REGIONAL_ENDPOINTS',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_AUTH_SCHEME_PREFERENCE',
  'AWS_SIGV4A_SIGNING_REGION_SET',
  'AWS_DISABLE_CLOCK_SKEW_CORRECTION',
  'AWS_MAX_ATTEMPTS',
  'AWS_RETRY_MODE',
  'AWS_DEFAULTS_MODE',
  'AWS_EXECUTION_ENV',
  'AWS_SDK_UA_APP_ID',
  'AWS_CA_BUNDLE',
] as const;

/** What decides by which way a program goes there, and whom it believes. */
const networkVariables = [
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'ALL_PROXY',
  'all_proxy',
  'NO_PROXY',
  'no_proxy',
  'NODE_USE_ENV_PROXY',
  'NODE_EXTRA_CA_CERTS',
] as const;

/** A variable of this environment. */
export type SdkVariable = `AWS_${string}` | (typeof networkVariables)[number];

/**
 * The whole environment of an SDK that talks to the fake; undefined: the variable must be unset.
 * @param url of the fake; undefined: the SDK goes to the endpoints of AWS, which a proxy of the rig leads to the fake
 * @param own what this caller sets: its credentials, its region, its proxy
 */
export function sdkEnvironment(
  url: string | undefined,
  own: Readonly<Partial<Record<SdkVariable, string>>> = {},
): Readonly<Record<string, string | undefined>> {
  return {
    ...Object.fromEntries([...awsVariables, ...networkVariables].map((name) => [name, undefined])),
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL: url,
    ...own,
  };
}
