// Who asks AWS for a token. An identity is everything that is sent to STS, and nothing else: it is the first part of
// the token cache's key, so two namespaces share a token exactly when they share an identity. A new kind of identity
// is a variant here and a row of aws/credentials.
import { createHash } from 'node:crypto';
import { type Partition, isPartition } from './registry.ts';

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

/** A role assumed with the default identity (role chaining, `sts:AssumeRole`). */
export interface ChainIdentity {
  readonly kind: 'chain';
  readonly base: DefaultIdentity;
  readonly roleArn: string;
  /** Empty: none is sent. */
  readonly externalId: string;
  /** Session tags. */
  readonly tags: Readonly<Record<string, string>>;
  readonly sessionName: string;
}

/** A role that trusts the controller's own web identity token; so in any account that knows the cluster's issuer. */
export interface WebIdentity {
  readonly kind: 'webIdentity';
  readonly roleArn: string;
  readonly sessionName: string;
}

/** A namespace's own: a role that trusts one of its ServiceAccounts, for which we request a token. Always pull-only. */
export interface NamespaceIdentity {
  readonly kind: 'namespace';
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Of the ServiceAccount: another one of the same name, in a namespace made anew, gets nothing of the old one's. */
  readonly uid: string;
  /** Of the token that STS verifies. */
  readonly audience: string;
  readonly roleArn: string;
  readonly sessionName: string;
}

export type Identity = DefaultIdentity | ChainIdentity | WebIdentity | NamespaceIdentity;

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
  const { kind, roleArn, sessionName } = identity;
  switch (kind) {
    case 'default':
      return [kind, roleArn, identity.profile, identity.accessKeyId, sessionName];
    case 'chain':
      return [
        kind,
        canonical(identity.base),
        roleArn,
        identity.externalId,
        sorted(identity.tags),
        sessionName,
      ];
    case 'webIdentity':
      return [kind, roleArn, sessionName];
    case 'namespace': {
      const { namespace, serviceAccount, uid, audience } = identity;
      return [kind, namespace, serviceAccount, uid, audience, roleArn, sessionPolicy(identity), sessionName];
    }
  }
}

const sorted = (record: Readonly<Record<string, string>>): readonly (readonly [string, string])[] =>
  Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** What a session is limited to, whatever its role may do. */
export interface SessionPolicy {
  /** ARNs of managed policies. */
  readonly managed: readonly string[];
  /** A further policy as JSON text; what either of them allows is allowed. */
  readonly inline: string;
}

/** Pulling from ECR Public, which the managed policy does not know. */
const publicPull = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: ['ecr-public:GetAuthorizationToken', 'sts:GetServiceBearerToken'],
      Resource: '*',
    },
  ],
});

/** A role that a namespace chose, however mighty, is good for pulling only. */
export function sessionPolicy({ roleArn }: NamespaceIdentity): SessionPolicy {
  const partition = partitionOfRole(roleArn) ?? 'aws';
  const managed = [`arn:${partition}:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly`];
  return { managed, inline: publicPull };
}

/** An ARN may have 2,048 characters, an Event not half of them, and the cure comes last. */
const shortened = (roleArn: string): string => (roleArn.length > 200 ? `${roleArn.slice(0, 200)}…` : roleArn);

/** How messages name an identity: the role where there is one. */
export function describeIdentity(identity: Identity): string {
  if (identity.kind === 'namespace')
    return `${shortened(identity.roleArn)} by ServiceAccount ${identity.serviceAccount.slice(0, 63)}`;
  if (identity.roleArn !== '') return shortened(identity.roleArn);
  return identity.kind === 'default' && identity.profile !== ''
    ? `AWS profile ${identity.profile}`
    : 'the default AWS credentials';
}

/** True for the ARN of a role, of a partition that we know. */
export const isRoleArn = (text: string): boolean =>
  /^arn:aws(-[a-z]+)*:iam::\d{12}:role\/([\w+=,.@-]+\/)*[\w+=,.@-]+$/.test(text) &&
  isPartition(text.split(':')[1] ?? '') &&
  text.length <= 2_048;

/** The partition of a role; undefined where there is no role. */
export function partitionOfRole(roleArn: string): Partition | undefined {
  const partition = roleArn.split(':')[1] ?? '';
  return isPartition(partition) ? partition : undefined;
}

/** The account whose quota at STS the identity's calls count against; empty where only AWS knows. */
export function accountOf(identity: Identity): string {
  const { roleArn } = identity.kind === 'chain' ? identity.base : identity;
  return roleArn.split(':')[4] ?? '';
}

/** STS allows 2 to 64 characters of [\w+=,.@-] (API reference, AssumeRole). */
function legalSessionName(parts: readonly string[]): string {
  const name = parts.filter((part) => part !== '').join('-');
  const legal = name.replace(/[^\w+=,.@-]/g, '-');
  return legal.length <= 64 ? legal : `${legal.slice(0, 55)}-${digest(name).slice(0, 8)}`;
}

/**
 * The session name of the identities that namespaces share, as CloudTrail shows it: `ecr-pull-secrets`, with the
 * cluster's name where set.
 */
export const sharedSessionName = (clusterName: string): string =>
  legalSessionName(['ecr-pull-secrets', clusterName]);

/** The session name of an identity that is one namespace's alone. */
export const namespaceSessionName = (clusterName: string, namespace: string): string =>
  legalSessionName(['ecr-pull-secrets', clusterName, namespace]);
