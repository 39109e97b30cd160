// The credentials of the SDK's default chain: environment, web identity file, shared files, credential process, container
// credentials (EKS Pod Identity), instance metadata. Called by credentials. The chain decides; we only bound it in time.
import type { DefaultIdentity } from '../domain/identity.ts';
import type { AwsCall } from './aws-call.ts';
import { clientSettings, closeAgents } from './client-settings.ts';
import { asFetchFailure } from './errors.ts';
import { type AwsCredentials, type StsCall, sessionSeconds } from './sts.ts';
import { claimsInFile } from './web-identity-file.ts';

/** Runs the chain once. @throws FetchFailure */
export async function byDefaultChain(
  identity: DefaultIdentity,
  { region, signal, ...props }: StsCall,
): Promise<AwsCredentials> {
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  // The STS client of the chain is out of reach: its connections end with the exchange all the same.
  const settings = clientSettings(region, props);
  const provider = fromNodeProviderChain({
    clientConfig: settings,
    roleSessionName: identity.sessionName,
    durationSeconds: sessionSeconds,
    // Shared files are renewed under the process as token files are; the SDK would read them once only.
    ignoreCache: true,
  });
  try {
    return await withDeadline(provider(), signal);
  } catch (error) {
    throw asFetchFailure(error, await callOf(identity, { region, ...props }));
  } finally {
    closeAgents(settings);
  }
}

/** The source in the order of the chain: profile, keys, web identity, agent. */
async function callOf(
  { roleArn, profile, accessKeyId }: DefaultIdentity,
  { region, environment }: Omit<StsCall, 'signal'>,
): Promise<AwsCall> {
  if (profile !== '') return { action: 'ProfileCredentials', region };
  if (accessKeyId !== '') return { action: 'Credentials', region };
  if (roleArn === '')
    return { action: hasAgent(environment) ? 'ContainerCredentials' : 'Credentials', region };
  return { action: 'AssumeRoleWithWebIdentity', region, claims: await claimsInFile(environment) };
}

/** EKS Pod Identity, or whatever else hands out credentials to the containers of the machine. */
const hasAgent = (environment: StsCall['environment']): boolean =>
  Boolean(
    environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ||
    environment['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'],
  );

/** The chain takes no signal, and a credential process or a metadata service may hang. */
async function withDeadline(
  credentials: Promise<AwsCredentials>,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const late = Promise.withResolvers<never>();
  const onAbort = () => late.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  // It may have aborted while the SDK was loaded: then there is no event any more.
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([credentials, late.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
