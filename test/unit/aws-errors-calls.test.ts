// What an error means that ECR answered, or that any call to AWS may meet, as the SDK or Node throws it: permissions, keys, clocks,
// files, proxies, sockets. Those of STS are in aws-errors-sts.test.ts, the table as a whole in aws-refusals.test.ts.
import { describe, expect, test } from 'vitest';
import type { AwsAction } from '../../src/aws/aws-call.ts';
import { asFetchFailure } from '../../src/aws/errors.ts';
import type { FetchFailureReason } from '../../src/domain/errors.ts';

const claims =
  'issuer https://k8s.example.com, subject system:serviceaccount:a:b, audience sts.amazonaws.com';

/** An error as the clients throw it: `name` is AWS's code. */
const fromAws = (name: string, message = 'x', httpStatusCode = 400): Error =>
  Object.assign(new Error(message), { name, $fault: 'client', $metadata: { httpStatusCode, attempts: 1 } });

/** An error of a socket, a file or the proxy. */
const fromNode = (code: string, name = 'Error'): Error =>
  Object.assign(new Error(`${code}: x`), { name, code });

type Row = readonly [what: string, at: AwsAction, error: unknown, reason: FetchFailureReason, advice: RegExp];
const base = 'Credentials';
const web = 'AssumeRoleWithWebIdentity';
const ecr = 'EcrGetAuthorizationToken';
const open = 'EcrPublicGetAuthorizationToken';
const user = 'User: arn:aws:sts::111122223333:assumed-role/controller/x is not authorized to perform:';
const token = `${user} ecr:GetAuthorizationToken on resource: *`;

const rows: readonly Row[] = [
  [
    'a session policy without ECR',
    ecr,
    fromAws(
      'AccessDeniedException',
      `${token} because no session policy allows the ecr:GetAuthorizationToken action`,
    ),
    'denied',
    /^a session policy does not allow/,
  ],
  [
    'a policy that denies',
    ecr,
    fromAws('AccessDeniedException', `${token} with an explicit deny in a service control policy`),
    'denied',
    /service control policies, permissions boundary/,
  ],
  [
    'no policy that allows',
    ecr,
    fromAws(
      'AccessDeniedException',
      `${token} because no identity-based policy allows the ecr:GetAuthorizationToken action`,
    ),
    'denied',
    /^allow ecr:GetAuthorizationToken on Resource "\*"/,
  ],
  [
    'none that allows ECR Public',
    open,
    fromAws('AccessDeniedException', `${user} sts:GetServiceBearerToken on resource: *`),
    'denied',
    /both ecr-public.*sts:GetServiceBearerToken.*without login/,
  ],
  ['ECR Public elsewhere', open, fromAws('UnsupportedCommandException'), 'configuration', /us-east-1/],
  [
    'a region that is not enabled',
    ecr,
    fromAws('OptInRequired', 'x', 403),
    'configuration',
    /enable the region in the AWS account/,
  ],
  [
    'an unknown key',
    ecr,
    fromAws('UnrecognizedClientException', 'The security token included in the request is invalid.'),
    'denied',
    /access key.*partition/,
  ],
  [
    'credentials that have expired',
    ecr,
    fromAws('ExpiredTokenException', 'The security token included in the request is expired'),
    'denied',
    /^the credentials have expired/,
  ],
  [
    'a clock that is slow',
    ecr,
    fromAws('InvalidSignatureException', 'Signature expired: 1 is now earlier than 2'),
    'denied',
    /^the clock of the node.*NTP/,
  ],
  ['throttling', ecr, fromAws('ThrottlingException', 'Rate exceeded'), 'throttled', /more slowly/],
  ['too many requests', open, fromAws('TooManyRequestsException', 'x', 429), 'throttled', /more slowly/],
  [
    'no credentials',
    base,
    fromNode('', 'CredentialsProviderError'),
    'configuration',
    /AWS_WEB_IDENTITY_TOKEN_FILE.*AWS_ACCESS_KEY_ID/,
  ],
  ['no token file', web, fromNode('ENOENT'), 'configuration', /missing.*AWS_WEB_IDENTITY_TOKEN_FILE/],
  ['a directory for a file', web, fromNode('EISDIR'), 'configuration', /not a file/],
  ['a file that may not be read', web, fromNode('EACCES'), 'configuration', /not readable.*fsGroup/],
  ['no answer in time', ecr, fromNode('ETIMEDOUT', 'TimeoutError'), 'timeout', /did not answer in time/],
  ['our own deadline', ecr, new DOMException('x', 'TimeoutError'), 'timeout', /did not answer in time/],
  [
    'a request that was given up',
    ecr,
    fromNode('ABORT_ERR', 'AbortError'),
    'timeout',
    /did not answer in time/,
  ],
  ['a proxy that refuses', ecr, fromNode('ERR_PROXY_TUNNEL'), 'unavailable', /HTTPS_PROXY.*NO_PROXY/],
  [
    'a CA that is not known',
    ecr,
    fromNode('SELF_SIGNED_CERT_IN_CHAIN'),
    'unavailable',
    /NODE_EXTRA_CA_CERTS/,
  ],
  ['a region that has no such host', ecr, fromNode('ENOTFOUND'), 'unavailable', /that the region exists/],
  [
    'a cut connection, which the SDK calls a time-out',
    ecr,
    fromNode('ECONNRESET', 'TimeoutError'),
    'unavailable',
    /could not be reached/,
  ],
  [
    'what lies beneath another error',
    ecr,
    Object.assign(new Error('fetch failed'), { cause: fromNode('ECONNREFUSED') }),
    'unavailable',
    /could not be reached/,
  ],
  [
    'a web page for an answer',
    ecr,
    fromAws('SyntaxError', 'Unexpected token <', 200),
    'invalid-answer',
    /endpoint overrides/,
  ],
  [
    'the page of a broken gateway',
    ecr,
    fromAws('SyntaxError', 'Unexpected token <', 502),
    'unavailable',
    /tried again by itself/,
  ],
  [
    'an answer of STS without credentials',
    base,
    new Error('Invalid response from STS.assumeRole call'),
    'invalid-answer',
    /endpoint overrides/,
  ],
];

test.each([
  'ThrottleException',
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'PriorRequestNotComplete',
  'BandwidthLimitExceeded',
])('%s is throttling, of which the SDK’s list and the guide of ECR know; never a denial', (code) => {
  const failure = asFetchFailure(fromAws(code), { action: ecr, region: 'eu-west-1' });
  expect(failure).toMatchObject({ reason: 'throttled', advice: expect.stringContaining('more slowly') });
});

test.each(['RequestTimeout', 'RequestTimeoutException'])('%s is no denial either', (code) => {
  expect(asFetchFailure(fromAws(code), { action: ecr, region: 'eu-west-1' }).reason).toBe('timeout');
});

describe('an error means', () => {
  test.each(rows)('%s, at %s', (_, action, ...[error, reason, advice]) => {
    expect(asFetchFailure(error, { action, region: 'eu-west-1', claims })).toMatchObject({
      reason,
      advice: expect.stringMatching(advice),
    });
  });
});
