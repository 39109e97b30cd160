// What AWS's refusals mean, as one table: error code → kind of failure and what a person should look at. Called by the
// fetchers for whatever the SDK throws. No text of AWS gets through but the error code: a message may repeat what was sent.
import { FetchFailure, type FetchFailureReason } from '../domain/errors.ts';

interface Meaning {
  readonly reason: FetchFailureReason;
  readonly advice: string;
}

const trust =
  "AWS does not say which link is broken: compare the role's trust policy (issuer, audience, subject) with the token's claims, check that the role and the OIDC provider exist, and that AWS can reach the issuer";
const keys =
  'AWS does not accept the credentials: check the access key, or renew the session that they belong to';
const throttled: Meaning = { reason: 'throttled', advice: 'AWS throttles us: it is tried again by itself' };
const clock =
  'AWS refuses the signature: check the secret access key, and the clock of the node that the controller runs on';

/** By error code. Sources: STS and ECR API references, "Common errors"; and what the services answer. */
const meanings: Readonly<Record<string, Meaning>> = {
  AccessDenied: { reason: 'denied', advice: trust },
  AccessDeniedException: {
    reason: 'denied',
    advice: 'allow ecr:GetAuthorizationToken on Resource "*" by an identity policy of the role or user',
  },
  InvalidIdentityToken: { reason: 'denied', advice: trust },
  InvalidIdentityTokenException: { reason: 'denied', advice: trust },
  IDPRejectedClaim: { reason: 'denied', advice: trust },
  IDPRejectedClaimException: { reason: 'denied', advice: trust },
  IDPCommunicationError: {
    reason: 'unavailable',
    advice: "AWS cannot reach the cluster's OIDC issuer: its discovery document and JWKS must be public",
  },
  ExpiredToken: {
    reason: 'denied',
    advice:
      'the web identity token or session has expired: check that the token file is renewed, and the clock of the node',
  },
  ExpiredTokenException: {
    reason: 'denied',
    advice:
      'the web identity token or session has expired: check that the token file is renewed, and the clock of the node',
  },
  UnrecognizedClientException: { reason: 'denied', advice: keys },
  InvalidClientTokenId: { reason: 'denied', advice: keys },
  SignatureDoesNotMatch: { reason: 'denied', advice: clock },
  InvalidSignatureException: { reason: 'denied', advice: clock },
  RegionDisabledException: {
    reason: 'configuration',
    advice: 'enable the region for STS in the AWS account',
  },
  CredentialsProviderError: {
    reason: 'configuration',
    advice:
      'no AWS credentials were found: set AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE (the chart does by aws.roleArn), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  },
  ENOENT: {
    reason: 'configuration',
    advice: 'the web identity token file is missing: check AWS_WEB_IDENTITY_TOKEN_FILE and its volume',
  },
  EACCES: {
    reason: 'configuration',
    advice: 'the web identity token file is not readable: check fsGroup and the user of the pod',
  },
  TimeoutError: {
    reason: 'timeout',
    advice: 'AWS did not answer in time: check egress rules, proxy and endpoint',
  },
  AbortError: {
    reason: 'timeout',
    advice: 'AWS did not answer in time: check egress rules, proxy and endpoint',
  },
  SyntaxError: {
    reason: 'invalid-answer',
    advice: 'the answer is not one of AWS: check proxy and endpoint overrides',
  },
  Throttling: throttled,
  ThrottlingException: throttled,
  ThrottledException: throttled,
  TooManyRequestsException: throttled,
  RequestLimitExceeded: throttled,
};

const unavailable: Meaning = {
  reason: 'unavailable',
  advice:
    'AWS could not be reached or failed: check egress rules, proxy, endpoint and region; it is tried again by itself',
};

const refused: Meaning = {
  reason: 'denied',
  advice: 'AWS refuses the request; its error code is in the log of the controller',
};

/** What the SDK's errors carry besides a name. */
interface SdkError {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly Code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/**
 * Anything thrown while a token was fetched → FetchFailure.
 * @param step what was being done, such as `sts AssumeRole in eu-west-1`
 */
export function asFetchFailure(error: unknown, step: string): FetchFailure {
  if (error instanceof FetchFailure) return error;
  const { name, code, Code, $metadata } = (error ?? {}) as SdkError;
  const names = [name, Code, code].filter((word) => typeof word === 'string');
  const known = names.find((word) => Object.hasOwn(meanings, word));
  const { reason, advice } =
    (known === undefined ? undefined : meanings[known]) ?? byStatus($metadata?.httpStatusCode);
  const shown = known ?? names.find((word) => word !== 'Error') ?? 'unknown error';
  return new FetchFailure(reason, `${step}: ${shown.slice(0, 80)}`, advice);
}

function byStatus(status: number | undefined): Meaning {
  if (status === 429) return throttled;
  return status !== undefined && status >= 400 && status < 500 ? refused : unavailable;
}
