// The two calls of STS by which we take on a role. Called by credentials. Each is one attempt with one client; every field of
// the answer is checked.
import { FetchFailure } from '../domain/errors.ts';
import type { ChainIdentity, SessionPolicy } from '../domain/identity.ts';
import { type SecretText } from '../domain/token.ts';
import { type AwsCall, describeCall, describeClaims } from './aws-call.ts';
import { type ClientProps, clientSettings } from './client-settings.ts';
import { asFetchFailure } from './errors.ts';

/** Credentials as the SDK's clients take them. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** STS's shortest session, in s: it is used for one call. */
export const sessionSeconds = 900;

/** One call. */
export interface StsCall extends ClientProps {
  readonly region: string;
  readonly signal: AbortSignal;
}

/** Takes on a role with credentials that we have. @throws FetchFailure */
export async function assumeRole(
  { roleArn, externalId, tags, sessionName }: Omit<ChainIdentity, 'base' | 'kind'>,
  { credentials, region, signal, ...props }: StsCall & { readonly credentials: AwsCredentials },
): Promise<AwsCredentials> {
  const { AssumeRoleCommand, STSClient } = await import('@aws-sdk/client-sts');
  const client = new STSClient({ ...clientSettings(region, props), credentials });
  const call: AwsCall = { action: 'AssumeRole', region };
  const sessionTags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const command = new AssumeRoleCommand({
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    DurationSeconds: sessionSeconds,
    ...(externalId !== '' && { ExternalId: externalId }),
    ...(sessionTags.length > 0 && { Tags: sessionTags }),
  });
  try {
    const { Credentials } = await client.send(command, { abortSignal: signal });
    return checked(Credentials, call);
  } catch (error) {
    throw asFetchFailure(error, call);
  } finally {
    client.destroy();
  }
}

/** A role, and the token that its trust policy is to accept. */
export interface WebIdentityProof {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly token: SecretText;
  readonly policy?: SessionPolicy;
}

/** Takes on a role with a token of a ServiceAccount; an unsigned call. @throws FetchFailure */
export async function assumeRoleWithWebIdentity(
  { roleArn, sessionName, token, policy }: WebIdentityProof,
  { region, signal, ...props }: StsCall,
): Promise<AwsCredentials> {
  const { AssumeRoleWithWebIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
  const client = new STSClient(clientSettings(region, props));
  const claims = describeClaims(token.reveal());
  const call: AwsCall = { action: 'AssumeRoleWithWebIdentity', region, claims };
  const command = new AssumeRoleWithWebIdentityCommand({
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    WebIdentityToken: token.reveal(),
    DurationSeconds: sessionSeconds,
    ...(policy && { Policy: policy.inline, PolicyArns: policy.managed.map((arn) => ({ arn })) }),
  });
  try {
    const { Credentials } = await client.send(command, { abortSignal: signal });
    return checked(Credentials, call);
  } catch (error) {
    throw asFetchFailure(error, call);
  } finally {
    client.destroy();
  }
}

interface StsCredentials {
  readonly AccessKeyId?: string | undefined;
  readonly SecretAccessKey?: string | undefined;
  readonly SessionToken?: string | undefined;
  readonly Expiration?: Date | undefined;
}

/** Every field of the answer is optional to the SDK; without all of them it is none. */
function checked(answer: StsCredentials | undefined, call: AwsCall): AwsCredentials {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
    throw new FetchFailure(
      'invalid-answer',
      `${describeCall(call)}: no credentials in the answer`,
      'STS answered without credentials: check proxy and endpoint overrides',
    );
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    expiration: Expiration,
  };
}
