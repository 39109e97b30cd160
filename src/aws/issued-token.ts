// What ECR's two APIs answer, checked field by field: every field is optional to the SDK. Used by ecr and ecr-public.
import { FetchFailure } from '../domain/errors.ts';
import { SecretText } from '../domain/token.ts';
import { type AwsCall, describeCall } from './aws-call.ts';
import type { ClientProps } from './client-settings.ts';
import type { AwsCredentials } from './sts.ts';

/** A token without its time of issue, which is the caller's. */
export interface IssuedToken {
  readonly username: string;
  readonly password: SecretText;
  /** Seconds since the epoch, rounded down. */
  readonly expires: number;
}

/** One call for a token. */
export interface TokenCall extends ClientProps {
  readonly region: string;
  readonly credentials: AwsCredentials;
  readonly signal: AbortSignal;
}

interface AuthorizationData {
  readonly authorizationToken?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

/** Reads the answer. @throws FetchFailure naming what it lacks */
export function readAuthorization(data: AuthorizationData | undefined, call: AwsCall): IssuedToken {
  const { authorizationToken, expiresAt } = data ?? {};
  if (!authorizationToken) throw incomplete(call, 'authorizationToken');
  if (expiresAt === undefined || Number.isNaN(expiresAt.getTime())) throw incomplete(call, 'expiresAt');
  const decoded = Buffer.from(authorizationToken, 'base64').toString();
  // At the first colon only: the password is opaque.
  const colon = decoded.indexOf(':');
  if (colon < 1 || colon === decoded.length - 1) throw incomplete(call, 'user name and password');
  return {
    username: decoded.slice(0, colon),
    password: new SecretText(decoded.slice(colon + 1)),
    expires: Math.floor(expiresAt.getTime() / 1_000),
  };
}

const incomplete = (call: AwsCall, what: string): FetchFailure =>
  new FetchFailure(
    'invalid-answer',
    `${describeCall(call)}: the answer has no ${what}`,
    'ECR answered without a usable token: check proxy and endpoint overrides',
  );
