// The part of the table of refusals that every call may meet: regions, keys, signatures, throttling, files, network. Data only;
// read by refusals.
import type { Refusal } from './refusal.ts';

const stsApi = 'STS API reference';
const observed = 'as the service answers it';
const node = 'Node.js, error codes';
const sdk = 'AWS SDK for JavaScript v3';

const unreachable =
  'AWS could not be reached: check egress rules, HTTPS_PROXY and NO_PROXY, endpoint overrides, and that the region exists; it is tried again by itself';
const agent =
  'check that it runs on this node (EKS Pod Identity: DaemonSet eks-pod-identity-agent), that no NetworkPolicy keeps us from it, and that our ServiceAccount has a pod identity association; it is tried again by itself';
const tokenFile = 'check AWS_WEB_IDENTITY_TOKEN_FILE, its volume, and the user and fsGroup of the pod';

/** Its rows. */
export const generalRefusals: readonly Refusal[] = [
  {
    at: ['ContainerCredentials'],
    codes: ['CredentialsProviderError'],
    reason: 'unavailable',
    advice: `the agent at AWS_CONTAINER_CREDENTIALS_FULL_URI gave no credentials: ${agent}`,
    source: sdk,
  },
  {
    at: ['ContainerCredentials'],
    codes: ['TimeoutError', 'AbortError', 'ETIMEDOUT'],
    reason: 'timeout',
    advice: `the agent at AWS_CONTAINER_CREDENTIALS_FULL_URI did not answer in time: ${agent}`,
    source: sdk,
  },
  {
    at: ['ContainerCredentials'],
    codes: ['ENOENT', 'EISDIR', 'ENOTDIR', 'EACCES', 'EPERM'],
    reason: 'configuration',
    advice:
      'the token for the container credentials agent cannot be read: check AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, its volume, and the user and fsGroup of the pod',
    source: node,
  },
  {
    at: ['ProfileCredentials'],
    codes: ['CredentialsProviderError'],
    reason: 'configuration',
    advice:
      'the profile of AWS_PROFILE gave no credentials: check that it is in the file of AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE, and that its credential_process can run in this container and prints credentials that have not expired',
    source: sdk,
  },
  {
    at: ['ProfileCredentials'],
    codes: ['TimeoutError', 'AbortError', 'ETIMEDOUT'],
    reason: 'timeout',
    advice:
      'the profile of AWS_PROFILE gave no credentials in time: check its credential_process, and egress rules and proxy where it takes on a role',
    source: sdk,
  },
  {
    codes: ['RegionDisabled'],
    message: 'STS is not activated in this region for account:…',
    reason: 'configuration',
    advice: 'enable the region for STS in the AWS account, or set AWS_REGION to an enabled one',
    source: stsApi,
  },
  {
    codes: ['OptInRequired'],
    reason: 'configuration',
    advice: 'enable the region in the AWS account',
    source: 'AWS common errors',
  },
  {
    codes: ['UnrecognizedClient', 'InvalidClientTokenId'],
    message: 'The security token included in the request is invalid.',
    reason: 'denied',
    advice:
      'AWS does not accept the credentials: check the access key; credentials of one partition (commercial, China, GovCloud, …) are unknown in another, and in a region that the account has not enabled',
    source: 'AWS common errors',
  },
  {
    codes: ['ExpiredToken'],
    message: 'The security token included in the request is expired',
    reason: 'denied',
    advice: 'the credentials have expired: renew them at their source, and check the clock of the node',
    source: 'AWS common errors',
  },
  {
    codes: ['SignatureDoesNotMatch', 'InvalidSignature', 'RequestExpired', 'RequestTimeTooSkewed'],
    says: /expired|not yet current|skew/i,
    message: 'Signature expired: … is now earlier than …; Signature not yet current: … is still later than …',
    reason: 'denied',
    advice: 'the clock of the node that the controller runs on is wrong by minutes: set it by NTP',
    source: observed,
  },
  {
    codes: ['SignatureDoesNotMatch', 'InvalidSignature', 'RequestExpired', 'RequestTimeTooSkewed'],
    message:
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
    reason: 'denied',
    advice:
      'AWS refuses the signature: check the secret access key, and the clock of the node that the controller runs on',
    source: 'AWS common errors',
  },
  {
    // `Throttle`: ECR User Guide, troubleshooting; the others are those of the SDK's own list.
    codes: [
      'Throttling',
      'Throttled',
      'Throttle',
      'TooManyRequests',
      'RequestLimitExceeded',
      'RequestThrottled',
      'SlowDown',
      'PriorRequestNotComplete',
      'BandwidthLimitExceeded',
    ],
    message: 'Rate exceeded',
    reason: 'throttled',
    advice: 'AWS throttles us: it is tried again by itself, more slowly',
    source: 'AWS common errors',
  },
  {
    codes: ['ValidationError'],
    reason: 'denied',
    advice:
      'AWS refuses a parameter: check that the web identity token file is not empty, and the role ARN, external id and tags',
    source: 'AWS common errors',
  },
  {
    codes: ['CredentialsProviderError'],
    reason: 'configuration',
    advice:
      'no AWS credentials were found: set AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE (the chart does by aws.roleArn), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    source: sdk,
  },
  {
    codes: ['ENOENT', 'EISDIR', 'ENOTDIR'],
    reason: 'configuration',
    advice: `the web identity token file is missing, empty or not a file: ${tokenFile}`,
    source: node,
  },
  {
    codes: ['EACCES', 'EPERM'],
    reason: 'configuration',
    advice: `the web identity token file is not readable: ${tokenFile}`,
    source: node,
  },
  {
    codes: ['TimeoutError', 'AbortError', 'ETIMEDOUT', 'RequestTimeout'],
    reason: 'timeout',
    advice: 'AWS did not answer in time: check egress rules, proxy and endpoint',
    source: sdk,
  },
  {
    codes: ['ERR_PROXY_TUNNEL'],
    reason: 'unavailable',
    advice:
      'the proxy of HTTPS_PROXY did not let us through to AWS: check its address, its login and what it allows; NO_PROXY names the hosts that go without',
    source: node,
  },
  {
    codes: [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'CERT_HAS_EXPIRED',
      'CERT_NOT_YET_VALID',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    reason: 'unavailable',
    advice:
      'the certificate that came is not one of AWS: a proxy that opens TLS needs its CA named by NODE_EXTRA_CA_CERTS; else check endpoint overrides and the clock of the node',
    source: node,
  },
  {
    codes: [
      'ENOTFOUND',
      'EAI_AGAIN',
      'ECONNREFUSED',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'ECONNRESET',
      'EPIPE',
      'UnknownEndpoint',
    ],
    reason: 'unavailable',
    advice: unreachable,
    source: node,
  },
  {
    codes: ['SyntaxError', 'TypeError'],
    reason: 'invalid-answer',
    advice: 'the answer is not one of AWS: check proxy and endpoint overrides',
    source: sdk,
  },
];
