// Who signed a request: signature, scope, date, session token and expiry, in AWS's order of complaint. Called by
// fake-aws before any signed action. Does not decide what the caller may do.
import type { AwsRequest } from './aws-request.ts';
import { headerOf } from './aws-request.ts';
import { authenticationError } from './aws-error.ts';
import type { Caller, Credential, CredentialStore } from './credential-store.ts';
import { partitionOfArn, partitionOfRegion } from './partition.ts';
import { formatAmzDate, parseAmzDate, readSignature, type Signature, signatureHolds } from './sigv4.ts';

const allowedSkewMs = 5 * 60_000;

/**
 * The caller of a signed request.
 * @param now ms since the epoch
 * @throws AwsError with the code that the service has for what is wrong
 */
export function authenticate(request: AwsRequest, store: CredentialStore, now: number): Caller {
  const { service, headers } = request;
  const header = headerOf(headers, 'authorization');
  if (header === undefined) throw authenticationError(service, 'missing');
  const signature = readSignature(header);
  if (signature === undefined) throw authenticationError(service, 'incomplete');
  if (signature.service !== service) {
    const text = `Credential should be scoped to correct service: '${service}'.`;
    throw authenticationError(service, 'mismatch', text);
  }
  const credential = findCredential(signature, store);
  if (credential === undefined || credential.sessionToken !== headerOf(headers, 'x-amz-security-token')) {
    throw authenticationError(service, 'unknown-key');
  }
  checkDate(request, now);
  if (!signatureHolds(request, signature, credential.secretAccessKey)) {
    throw authenticationError(service, 'mismatch');
  }
  if (credential.expiresAt <= now) throw authenticationError(service, 'expired');
  return credential.caller;
}

/** What the region's partition knows of the key: a key of another partition is as unknown as none. */
function findCredential({ accessKeyId, region }: Signature, store: CredentialStore): Credential | undefined {
  const credential = store.find(accessKeyId);
  if (credential === undefined) return undefined;
  return partitionOfArn(credential.caller.arn) === partitionOfRegion(region) ? credential : undefined;
}

function checkDate({ service, headers }: AwsRequest, now: number): void {
  const text = headerOf(headers, 'x-amz-date') ?? '';
  const signedAt = parseAmzDate(text);
  if (Number.isNaN(signedAt)) throw authenticationError(service, 'incomplete');
  if (Math.abs(signedAt - now) <= allowedSkewMs) return;
  const current = formatAmzDate(now);
  throw authenticationError(
    service,
    'mismatch',
    signedAt < now
      ? `Signature expired: ${text} is now earlier than ${formatAmzDate(now - allowedSkewMs)} (${current} - 5 min.)`
      : `Signature not yet current: ${text} is still later than ${formatAmzDate(now + allowedSkewMs)} (${current} + 5 min.)`,
  );
}
