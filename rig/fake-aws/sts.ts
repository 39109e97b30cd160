// AWS STS of the fake AWS: AssumeRoleWithWebIdentity, AssumeRole and GetCallerIdentity in the Query protocol, and how
// STS renders errors. Called by fake-aws. Trust is decided by role-store, tokens are verified by web-identity.
import { randomUUID } from 'node:crypto';
import type { Answer } from './answer.ts';
import { AwsError, constraintError, stsDenied, validationError, webIdentityDenied } from './aws-error.ts';
import { formList } from './aws-request.ts';
import type { Caller, CredentialStore, Session } from './credential-store.ts';
import { accountOf } from './credential-store.ts';
import { partitionOfArn } from './partition.ts';
import { policyInTheWay } from './policy.ts';
import type { FakeRole, RoleStore } from './role-store.ts';
import { readSessionPolicy } from './session-policy.ts';
import { readAssumeParameters } from './sts-parameters.ts';
import { renderXml, type Xml } from './xml.ts';
import type { WebIdentityVerifier } from './web-identity.ts';

/** What the three actions work with. */
export interface StsParts {
  readonly roles: RoleStore;
  readonly credentials: CredentialStore;
  readonly webIdentities: WebIdentityVerifier;
  readonly clock: () => number;
}

/** One request. */
export interface StsCall {
  readonly action: string;
  readonly form: URLSearchParams;
  /** Absent for AssumeRoleWithWebIdentity, which nobody signs. */
  readonly caller: Caller | undefined;
}

const contentType = 'text/xml';
const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/';
const unsignedAction = 'AssumeRoleWithWebIdentity';

/** Whether the action needs a signature. */
export function isSigned(action: string): boolean {
  return action !== unsignedAction;
}

/** Answers an STS request. @throws AwsError */
export async function answerSts(call: StsCall, parts: StsParts): Promise<Answer> {
  const { action } = call;
  const response = {
    [`${action}Result`]: await resultOf(call, parts),
    ResponseMetadata: { RequestId: randomUUID() },
  };
  const body = renderXml({ [`${action}Response`]: response }, namespace);
  return { status: 200, contentType, body };
}

/** Renders a failure as STS does. */
export function renderStsError({ status, code, message }: AwsError): Answer {
  const error = { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message };
  const body = renderXml({ ErrorResponse: { Error: error, RequestId: randomUUID() } }, namespace);
  return { status, contentType, body };
}

/** The refusal of an action, whatever the cause. */
export function deniedSts({ action, form, caller }: StsCall): AwsError {
  if (caller === undefined) return webIdentityDenied();
  return stsDenied(caller.arn, action, form.get('RoleArn') ?? '*');
}

async function resultOf(call: StsCall, parts: StsParts): Promise<Xml> {
  if (call.action === unsignedAction) return await assumeWithWebIdentity(call.form, parts);
  if (call.caller === undefined) throw new AwsError(403, 'AccessDenied', 'unsigned');
  if (call.action === 'AssumeRole') return assume(call.form, call.caller, parts);
  if (call.action === 'GetCallerIdentity') {
    return { UserId: call.caller.userId, Account: call.caller.account, Arn: call.caller.arn };
  }
  throw new AwsError(400, 'InvalidAction', `Could not find operation ${call.action} for version 2011-06-15`);
}

async function assumeWithWebIdentity(form: URLSearchParams, parts: StsParts): Promise<Xml> {
  const { roleArn, sessionName, seconds } = readAssumeParameters(form);
  const token = form.get('WebIdentityToken') ?? '';
  if (token.length < 4) {
    throw constraintError(token, 'webIdentityToken', 'Member must have length greater than or equal to 4');
  }
  const identity = await parts.webIdentities.verify(token, accountOf(roleArn));
  const role = parts.roles.trusting(roleArn, identity);
  if (role === undefined) throw webIdentityDenied();
  const sessionPolicy = readSessionPolicy(form, roleArn);
  checkMaximum(seconds, role);
  const expiresAt = expiry(seconds, parts.clock());
  const transitiveTags = new Map<string, string>();
  const session = parts.credentials.issue({
    roleArn,
    sessionName,
    expiresAt,
    transitiveTags,
    sessionPolicy,
  });
  const provider = identity.issuer.replace('https://', '');
  return {
    SubjectFromWebIdentityToken: identity.subject,
    Audience: identity.audiences.join(','),
    Provider: `arn:${partitionOfArn(roleArn)}:iam::${accountOf(roleArn)}:oidc-provider/${provider}`,
    ...sessionXml(session),
  };
}

function assume(form: URLSearchParams, caller: Caller, parts: StsParts): Xml {
  const { roleArn, sessionName, seconds } = readAssumeParameters(form);
  checkReach(caller, roleArn, parts);
  const trusting = parts.roles.trustingCaller(roleArn, caller, form.get('ExternalId'));
  if (trusting === undefined) throw stsDenied(caller.arn, 'AssumeRole', roleArn);
  checkTags({ form, caller, roleArn, parts, trusted: trusting.tagSession });
  const sessionPolicy = readSessionPolicy(form, roleArn);
  if (caller.roleArn !== undefined && seconds > 3600) {
    throw validationError(
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
    );
  }
  checkMaximum(seconds, trusting.role);
  const transitiveTags = new Map([...caller.transitiveTags, ...newTransitiveTags(form, caller)]);
  const expiresAt = expiry(seconds, parts.clock());
  return sessionXml(
    parts.credentials.issue({ roleArn, sessionName, expiresAt, transitiveTags, sessionPolicy }),
  );
}

/** The caller's own side. (Where account and principal agree, real IAM is content with the trust policy alone.) */
function checkReach(caller: Caller, roleArn: string, { roles }: StsParts): void {
  const kind = policyInTheWay(caller, { action: 'sts:AssumeRole', resource: roleArn }, roles);
  // Nobody is in two partitions; a role of another one is as absent as one that does not exist.
  const isOutOfReach = partitionOfArn(roleArn) !== partitionOfArn(caller.arn);
  if (kind !== undefined || isOutOfReach) throw stsDenied(caller.arn, 'AssumeRole', roleArn, kind);
}

interface TagRequest {
  readonly form: URLSearchParams;
  readonly caller: Caller;
  readonly roleArn: string;
  readonly parts: StsParts;
  /** Whether the role's trust policy lets the caller set tags. */
  readonly trusted: boolean;
}

function checkTags({ form, caller, roleArn, parts, trusted }: TagRequest): void {
  // Tags that come down the chain need the permission as much as new ones.
  if (formList(form, 'Tags', '.Key').length === 0 && caller.transitiveTags.size === 0) return;
  const permission = { action: 'sts:TagSession', resource: roleArn };
  if (trusted && policyInTheWay(caller, permission, parts.roles) === undefined) return;
  throw stsDenied(caller.arn, 'TagSession', roleArn);
}

function newTransitiveTags(form: URLSearchParams, caller: Caller): readonly (readonly [string, string])[] {
  const keys = formList(form, 'Tags', '.Key');
  const values = formList(form, 'Tags', '.Value');
  if (keys.some((key) => caller.transitiveTags.has(key))) {
    throw new AwsError(
      400,
      'InvalidParameterValue',
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from " +
        'the calling session.',
    );
  }
  const transitive = formList(form, 'TransitiveTagKeys');
  return keys
    .map((key, index) => [key, values[index] ?? ''] as const)
    .filter(([key]) => transitive.includes(key));
}

function checkMaximum(seconds: number, { maxSessionSeconds = 3600 }: FakeRole): void {
  if (seconds <= maxSessionSeconds) return;
  throw validationError('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.');
}

/** Whole seconds, as STS writes them. */
function expiry(seconds: number, now: number): number {
  return Math.floor(now / 1000 + seconds) * 1000;
}

function sessionXml({ accessKeyId, secretAccessKey, sessionToken, expiresAt, caller }: Session): Xml {
  return {
    AssumedRoleUser: { AssumedRoleId: caller.userId, Arn: caller.arn },
    Credentials: {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: sessionToken,
      Expiration: new Date(expiresAt).toISOString().replace('.000Z', 'Z'),
    },
  };
}
