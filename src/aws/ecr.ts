// Private ECR: one GetAuthorizationToken call, its answer checked field by field. Called by the fetchers. `registryIds`
// is deprecated and not sent, `proxyEndpoint` is not used: one token opens every registry of the region.
import { FetchFailure } from '../domain/errors.ts';
import { SecretText } from '../domain/token.ts';
import { type ClientProps, clientSettings } from './client-settings.ts';
import type { AwsCredentials } from './credentials.ts';
import { asFetchFailure } from './errors.ts';

/** A token without its time of issue, which is the caller's. */
export interface IssuedToken {
  readonly username: string;
  readonly password: SecretText;
  /** Seconds since the epoch, rounded down. */
  readonly expires: number;
}

/** One call. */
export interface TokenCall extends ClientProps {
  readonly region: string;
  readonly credentials: AwsCredentials;
  readonly signal: AbortSignal;
}

/** Asks ECR for a token. @throws FetchFailure */
export async function callEcr({ region, credentials, signal, ...props }: TokenCall): Promise<IssuedToken> {
  const { ECRClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
  const client = new ECRClient({ ...clientSettings(region, props), credentials });
  const step = `ecr GetAuthorizationToken in ${region}`;
  try {
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}), {
      abortSignal: signal,
    });
    return checked(authorizationData?.[0], step);
  } catch (error) {
    throw asFetchFailure(error, step);
  } finally {
    client.destroy();
  }
}

interface AuthorizationData {
  readonly authorizationToken?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

function checked(data: AuthorizationData | undefined, step: string): IssuedToken {
  const { authorizationToken, expiresAt } = data ?? {};
  if (!authorizationToken) throw incomplete(step, 'authorizationToken');
  if (expiresAt === undefined || Number.isNaN(expiresAt.getTime())) throw incomplete(step, 'expiresAt');
  const decoded = Buffer.from(authorizationToken, 'base64').toString();
  // At the first colon only: the password is opaque.
  const colon = decoded.indexOf(':');
  if (colon < 1 || colon === decoded.length - 1) throw incomplete(step, 'user name and password');
  return {
    username: decoded.slice(0, colon),
    password: new SecretText(decoded.slice(colon + 1)),
    expires: Math.floor(expiresAt.getTime() / 1_000),
  };
}

const incomplete = (step: string, what: string): FetchFailure =>
  new FetchFailure(
    'invalid-answer',
    `${step}: the answer has no ${what}`,
    'ECR answered without a usable token: check proxy and endpoint overrides',
  );
