// Private ECR: one GetAuthorizationToken call. Called by the fetchers. `registryIds` is deprecated and not sent,
// `proxyEndpoint` is not used: one token opens every registry of the region.
import type { AwsCall } from './aws-call.ts';
import { clientSettings } from './client-settings.ts';
import { asFetchFailure } from './errors.ts';
import { type IssuedToken, type TokenCall, readAuthorization } from './issued-token.ts';

/** Asks ECR for a token. @throws FetchFailure */
export async function callEcr({ region, credentials, signal, ...props }: TokenCall): Promise<IssuedToken> {
  const { ECRClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
  const client = new ECRClient({ ...clientSettings(region, props), credentials });
  const call: AwsCall = { action: 'EcrGetAuthorizationToken', region };
  try {
    const command = new GetAuthorizationTokenCommand({});
    const { authorizationData } = await client.send(command, { abortSignal: signal });
    return readAuthorization(authorizationData?.[0], call);
  } catch (error) {
    throw asFetchFailure(error, call);
  } finally {
    client.destroy();
  }
}
