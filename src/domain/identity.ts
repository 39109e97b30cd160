// Who asks AWS for a token. An identity is everything that is sent to STS, and nothing else: it is the first part of
// the token cache's key, so two namespaces share a token exactly when they share an identity. A new kind of identity
// is a variant here and a row of aws/credentials.
import { createHash } from 'node:crypto';

/** The credentials of the SDK's default chain. The fields say which they are, so that a changed role is a new identity. */
export interface DefaultIdentity {
  readonly kind: 'default';
  /** AWS_ROLE_ARN, or empty. */
  readonly roleArn: string;
  /** AWS_PROFILE, or empty. */
  readonly profile: string;
  /** AWS_ACCESS_KEY_ID, or empty. */
  readonly accessKeyId: string;
  readonly sessionName: string;
}

/** A role of a profile, assumed with the default identity (role chaining). */
export interface RoleIdentity {
  readonly kind: 'role';
  readonly base: DefaultIdentity;
  readonly roleArn: string;
  readonly sessionName: string;
}

export type Identity = DefaultIdentity | RoleIdentity;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

const hashes = new WeakMap<Identity, string>();

/** 16 hex digits that stand for the identity in cache keys and on the Secret; the same in every process. */
export function identityHash(identity: Identity): string {
  let hash = hashes.get(identity);
  if (hash === undefined) {
    hash = digest(JSON.stringify(canonical(identity)));
    hashes.set(identity, hash);
  }
  return hash;
}

function canonical(identity: Identity): readonly unknown[] {
  switch (identity.kind) {
    case 'default':
      return ['default', identity.roleArn, identity.profile, identity.accessKeyId, identity.sessionName];
    case 'role':
      return ['role', canonical(identity.base), identity.roleArn, identity.sessionName];
  }
}

/** How messages name an identity: the role where there is one. */
export function describeIdentity(identity: Identity): string {
  if (identity.roleArn !== '') return identity.roleArn;
  return identity.kind === 'default' && identity.profile !== ''
    ? `AWS profile ${identity.profile}`
    : 'the default AWS credentials';
}

/**
 * The session name of the identities that namespaces share, as CloudTrail shows it: `ecr-pull-secrets`, with the
 * cluster's name where set. STS allows 2 to 64 characters of [\w+=,.@-] (API reference, AssumeRole).
 */
export function sharedSessionName(clusterName: string): string {
  const name = clusterName === '' ? 'ecr-pull-secrets' : `ecr-pull-secrets-${clusterName}`;
  const legal = name.replace(/[^\w+=,.@-]/g, '-');
  return legal.length <= 64 ? legal : `${legal.slice(0, 55)}-${digest(name).slice(0, 8)}`;
}
