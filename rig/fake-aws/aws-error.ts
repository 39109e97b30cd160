// The failures of the fake AWS, with AWS's own codes, statuses and texts. Thrown by everything in this folder, rendered
// by sts and ecr. Where AWS does not tell two causes apart, there is one function here for both.
import type { AwsService } from './aws-request.ts';
import type { PolicyKind } from './policy.ts';

/** A failure as AWS answers it. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What can be wrong with a signed request. */
export type AuthenticationFault = 'missing' | 'incomplete' | 'unknown-key' | 'expired' | 'mismatch';

type Row = readonly [status: number, code: string, message: string];

const invalidToken = 'The security token included in the request is invalid.';
const expiredToken = 'The security token included in the request is expired';
const mismatch =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ' +
  'and signing method. Consult the service documentation for details.';

type AuthenticationRows = Readonly<Record<AuthenticationFault, Row>>;

/** What the services of the JSON protocol have in common. */
const jsonAuthentication: AuthenticationRows = {
  missing: [400, 'MissingAuthenticationTokenException', 'Missing Authentication Token'],
  incomplete: [400, 'IncompleteSignatureException', "Authorization header requires 'Signature' parameter."],
  'unknown-key': [400, 'UnrecognizedClientException', invalidToken],
  expired: [400, 'ExpiredTokenException', expiredToken],
  mismatch: [400, 'InvalidSignatureException', mismatch],
};

const authenticationRows: Readonly<Record<AwsService, AuthenticationRows>> = {
  ecr: jsonAuthentication,
  'ecr-public': jsonAuthentication,
  sts: {
    missing: [403, 'MissingAuthenticationToken', 'Request is missing Authentication Token'],
    incomplete: [400, 'IncompleteSignature', "Authorization header requires 'Signature' parameter."],
    'unknown-key': [403, 'InvalidClientTokenId', invalidToken],
    expired: [403, 'ExpiredToken', expiredToken],
    mismatch: [403, 'SignatureDoesNotMatch', mismatch],
  },
};

/**
 * A request whose signature does not hold.
 * @param text for `mismatch`: the special text (clock skew, wrong scope) instead of the general one
 */
export function authenticationError(
  service: AwsService,
  fault: AuthenticationFault,
  text?: string,
): AwsError {
  const [status, code, message] = authenticationRows[service][fault];
  return new AwsError(status, code, text ?? message);
}

/** A failure that a test asks for by name: see `Behaviour.fail`. */
export type FailureName = 'throttle' | 'deny' | 'internal' | 'unavailable';

type FailureRows = Readonly<Record<Exclude<FailureName, 'deny'>, Row>>;

const jsonFailures: FailureRows = {
  throttle: [400, 'ThrottlingException', 'Rate exceeded'],
  internal: [500, 'ServerException', 'These errors are usually caused by a server-side issue.'],
  unavailable: [503, 'ServiceUnavailable', 'Service is unable to handle request.'],
};

const failureRows: Readonly<Record<AwsService, FailureRows>> = {
  ecr: jsonFailures,
  'ecr-public': jsonFailures,
  sts: {
    throttle: [400, 'Throttling', 'Rate exceeded'],
    internal: [500, 'InternalFailure', 'The request processing has failed because of an unknown error.'],
    unavailable: [503, 'ServiceUnavailable', 'Service is unable to handle request.'],
  },
};

/** Throttling, or a failure of the server. */
export function serviceError(failure: Exclude<FailureName, 'deny'>, service: AwsService): AwsError {
  return new AwsError(...failureRows[service][failure]);
}

/** What the IAM of today adds to a refusal. */
function because(kind: PolicyKind, permission: string): string {
  return ` because no ${kind} policy allows the ${permission} action`;
}

/** The caller has no permission for what an ECR needs, such as `ecr:GetAuthorizationToken`. */
export function ecrDenied(callerArn: string, permission: string, kind: PolicyKind): AwsError {
  const text = `User: ${callerArn} is not authorized to perform: ${permission} on resource: *`;
  return new AwsError(400, 'AccessDeniedException', text + because(kind, permission));
}

/** ECR Public's GetAuthorizationToken in another region than its only one. */
export function unsupportedCommand(action: string, region: string): AwsError {
  return new AwsError(
    400,
    'UnsupportedCommandException',
    `${action} command is only supported in ${region}.`,
  );
}

/** The role does not exist, or its trust policy does not accept the web identity: AWS says the same for both. */
export function webIdentityDenied(): AwsError {
  return new AwsError(403, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity');
}

/**
 * The role does not exist, does not trust the caller, or another external id was asked for.
 * @param kind the policy of the caller that is in the way; absent: none of its own is
 */
export function stsDenied(callerArn: string, action: string, roleArn: string, kind?: PolicyKind): AwsError {
  const permission = `sts:${action}`;
  const text = `User: ${callerArn} is not authorized to perform: ${permission} on resource: ${roleArn}`;
  return new AwsError(403, 'AccessDenied', kind === undefined ? text : text + because(kind, permission));
}

/** A parameter of STS that breaks a rule. */
export function validationError(message: string): AwsError {
  return new AwsError(400, 'ValidationError', message);
}

/** A parameter of STS with a value that it may not have. @param member its name, as STS writes it */
export function constraintError(value: string | number, member: string, rule: string): AwsError {
  return validationError(
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${rule}`,
  );
}

/** A session policy that STS cannot use. */
export function malformedPolicy(message: string): AwsError {
  return new AwsError(400, 'MalformedPolicyDocument', message);
}

/** A web identity token that STS does not accept. */
export function invalidIdentityToken(message: string): AwsError {
  return new AwsError(400, 'InvalidIdentityToken', message);
}
