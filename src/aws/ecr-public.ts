// ECR Public: one GetAuthorizationToken call, which us-east-1 alone answers. Called by the fetchers. Its token raises quotas;
// anonymous pulls work without it.
import type { AwsCall } from './aws-call.ts';
import { clientSettings } from './client-settings.ts';
import { asFetchFailure } from './errors.ts';
import { type IssuedToken, type TokenCall, readAuthorization } from './issued-token.ts';

/** Asks ECR Public for a token. @throws FetchFailure */
export async function callEcrPublic({
  region,
  credentials,
  signal,
  ...props
}: TokenCall): Promise<IssuedToken> {
  const { ECRPUBLICClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr-public');
  const client = new ECRPUBLICClient({ ...clientSettings(region, props), credentials });
  const call: AwsCall = { action: 'EcrPublicGetAuthorizationToken', region };
  try {
    const command = new GetAuthorizationTokenCommand({});
    const { authorizationData } = await client.send(command, { abortSignal: signal });
    return readAuthorization(authorizationData, call);
  } catch (error) {
    throw asFetchFailure(error, call);
  } finally {
    client.destroy();
  }
}
