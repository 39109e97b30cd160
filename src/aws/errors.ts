// What AWS's refusals mean, as one table: error code → kind of failure and what a person should look at. Called by the
// fetchers for whatever the SDK throws. No text of AWS gets through but the error code: a message may repeat what was sent.
import { FetchFailure, type FetchFailureReason } from '../domain/errors.ts';

interface Meaning {
  readonly reason: FetchFailureReason;
  readonly advice: string;
}

const trust =
  "AWS does not say which link is broken: compare the role's trust policy (issuer, audience, subject) with the token's claims, check that the role and the OIDC provider exist, and that AWS can reach the issuer";
/** For AccessDenied by AssumeRole: there is no web identity in it. */
export const principal =
  "the role does not exist or does not let us in: its trust policy must name the controller's role as principal, and the controller's role must be allowed sts:AssumeRole on it";
const tokenFile =
  'the web identity token file is missing, empty or not a file: check AWS_WEB_IDENTITY_TOKEN_FILE and its volume';
const strange: Meaning = {
  reason: 'invalid-answer',
  advice: 'the answer is not one of AWS: check proxy and endpoint overrides',
};
const unavailable: Meaning = {
  reason: 'unavailable',
  advice:
    'AWS could not be reached or failed: check egress rules, proxy, endpoint and region; it is tried again by itself',
};
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
  ENOENT: { reason: 'configuration', advice: tokenFile },
  EISDIR: { reason: 'configuration', advice: tokenFile },
  ValidationError: {
    reason: 'denied',
    advice: 'AWS refuses a parameter: check that the web identity token file is not empty, and the role ARN',
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
  SyntaxError: strange,
  TypeError: strange,
  ECONNRESET: unavailable,
  EPIPE: unavailable,
  Throttling: throttled,
  ThrottlingException: throttled,
  ThrottledException: throttled,
  TooManyRequestsException: throttled,
  RequestLimitExceeded: throttled,
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
 * @param cures advice by error code, where this step has a better one than the table
 */
export function asFetchFailure(
  error: unknown,
  step: string,
  cures: Readonly<Record<string, string>> = {},
): FetchFailure {
  if (error instanceof FetchFailure) return error;
  const { name, code, Code, $metadata } = (error ?? {}) as SdkError;
  // `code` first: the SDK calls a cut connection a TimeoutError. What is no word is no error code and may be anything.
  const names = [code, name, Code]
    .filter((word) => typeof word === 'string')
    .filter((word) => isWord.test(word));
  const known = names.find((word) => Object.hasOwn(meanings, word));
  const { reason, advice } = meaningOf(error, known, $metadata?.httpStatusCode);
  const shown = known ?? names.find((word) => word !== 'Error') ?? 'unknown error';
  return new FetchFailure(
    reason,
    `${step}: ${shown}`,
    (known === undefined ? undefined : cures[known]) ?? advice,
  );
}

const isWord = /^[A-Za-z]\w{1,79}$/;

function meaningOf(error: unknown, known: string | undefined, status: number | undefined): Meaning {
  const meaning = known === undefined ? undefined : meanings[known];
  // The page of a broken gateway is no JSON either; its status says more.
  if (meaning === strange && status !== undefined && status >= 500) return unavailable;
  if (meaning !== undefined) return meaning;
  // All that the default chain says of an STS answer without credentials.
  if (error instanceof Error && error.message.startsWith('Invalid response from STS')) return strange;
  return byStatus(status);
}

function byStatus(status: number | undefined): Meaning {
  if (status === 429) return throttled;
  return status !== undefined && status >= 400 && status < 500 ? refused : unavailable;
}
