// What an error means that STS answered, as the AWS SDK throws it: the reason, and the advice with the claims of the token where
// AWS looked at that. Other calls are in aws-errors-calls.test.ts, the table as a whole in aws-refusals.test.ts.
import { describe, expect, test } from 'vitest';
import type { AwsAction } from '../../src/aws/aws-call.ts';
import { asFetchFailure } from '../../src/aws/errors.ts';
import type { FetchFailureReason } from '../../src/domain/errors.ts';

const claims =
  'issuer https://k8s.example.com, subject system:serviceaccount:a:b, audience sts.amazonaws.com';

/** An error as the clients throw it: `name` is AWS's code. */
const fromAws = (name: string, message = 'x', httpStatusCode = 400): Error =>
  Object.assign(new Error(message), { name, $fault: 'client', $metadata: { httpStatusCode, attempts: 1 } });

type Row = readonly [what: string, at: AwsAction, error: unknown, reason: FetchFailureReason, advice: RegExp];
const web = 'AssumeRoleWithWebIdentity';
const chain = 'AssumeRole';
const user = 'User: arn:aws:sts::111122223333:assumed-role/controller/x is not authorized to perform:';
const secretKey = 'The request signature we calculated does not match the signature you provided.';

const rows: readonly Row[] = [
  [
    'a trust policy that does not trust',
    web,
    fromAws('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity', 403),
    'denied',
    /role does not exist.*trust policy.*subject or audience.*issuer https:\/\/k8s/,
  ],
  [
    'no OIDC provider',
    web,
    fromAws(
      'InvalidIdentityTokenException',
      'No OpenIDConnect provider found in your account for https://k8s.example.com',
    ),
    'denied',
    /no IAM OIDC provider.*issuer https:\/\/k8s/,
  ],
  [
    'an audience that the provider lacks',
    web,
    fromAws('InvalidIdentityTokenException', 'Incorrect token audience'),
    'denied',
    /client id.*audience sts/,
  ],
  [
    'an issuer whose keys cannot be fetched',
    web,
    fromAws(
      'InvalidIdentityTokenException',
      "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements",
    ),
    'unavailable',
    /discovery document and JWKS must be public.*issuer/,
  ],
  [
    'a token that is none',
    web,
    fromAws('InvalidIdentityTokenException', 'The ID Token provided is not a valid JWT.'),
    'denied',
    /does not accept the token.*issuer/,
  ],
  [
    'a claim that is rejected',
    web,
    fromAws('IDPRejectedClaimException'),
    'denied',
    /rejects a claim.*subject system/,
  ],
  [
    'an issuer that cannot be reached',
    web,
    fromAws('IDPCommunicationErrorException'),
    'unavailable',
    /cannot reach the cluster's OIDC issuer/,
  ],
  [
    'a token that has expired',
    web,
    fromAws(
      'ExpiredTokenException',
      'Token expired: current date/time 1 must be before the expiration date/time 0',
    ),
    'denied',
    /web identity token has expired.*token file.*clock/,
  ],
  [
    'an empty token',
    web,
    fromAws('ValidationError', "1 validation error detected: Value '' at 'webIdentityToken'"),
    'denied',
    /token file is not empty/,
  ],
  [
    'a session policy that is none',
    web,
    fromAws('MalformedPolicyDocumentException'),
    'configuration',
    /AmazonEC2ContainerRegistryPullOnly must exist/,
  ],
  ['a policy too large', web, fromAws('PackedPolicyTooLargeException'), 'configuration', /too large for STS/],
  [
    'tags too large',
    chain,
    fromAws('PackedPolicyTooLargeException'),
    'configuration',
    /fewer or shorter tags/,
  ],
  [
    'tags that may not be set',
    chain,
    fromAws('AccessDenied', `${user} sts:TagSession on resource: arn:aws:iam::1:role/x`, 403),
    'denied',
    /allow sts:TagSession/,
  ],
  [
    'a role that may not be assumed',
    chain,
    fromAws('AccessDenied', `${user} sts:AssumeRole on resource: arn:aws:iam::1:role/x`, 403),
    'denied',
    /role does not exist.*principal.*sts:ExternalId.*sts:AssumeRole/,
  ],
  [
    'a tag that is passed on already',
    chain,
    fromAws(
      'InvalidParameterValue',
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    ),
    'configuration',
    /EKS Pod Identity.*name it otherwise/,
  ],
  [
    'another bad parameter',
    chain,
    fromAws('InvalidParameterValue', 'Duplicate tag keys found.'),
    'denied',
    /error code is in the log/,
  ],
  [
    'a region without STS',
    web,
    fromAws('RegionDisabledException', 'STS is not activated in this region for account:111122223333', 403),
    'configuration',
    /enable the region for STS/,
  ],
  ['an unknown key', chain, fromAws('InvalidClientTokenId', 'x', 403), 'denied', /access key.*partition/],
  [
    'credentials that have expired',
    chain,
    fromAws('ExpiredToken', 'The security token included in the request is expired', 403),
    'denied',
    /^the credentials have expired/,
  ],
  [
    'a clock that is fast',
    chain,
    fromAws('SignatureDoesNotMatch', 'Signature not yet current: 2 is still later than 1', 403),
    'denied',
    /^the clock of the node.*NTP/,
  ],
  [
    'a wrong secret key',
    chain,
    fromAws('SignatureDoesNotMatch', secretKey, 403),
    'denied',
    /secret access key.*clock/,
  ],
  [
    'throttling',
    chain,
    fromAws('Throttling', 'Rate exceeded'),
    'throttled',
    /tried again by itself, more slowly/,
  ],
];

describe('an error means', () => {
  test.each(rows)('%s, at %s', (_, action, ...[error, reason, advice]) => {
    expect(asFetchFailure(error, { action, region: 'eu-west-1', claims })).toMatchObject({
      reason,
      advice: expect.stringMatching(advice),
    });
  });
});
