// The identity that a profile gives to a namespace: the administrator's role, for all of its namespaces or for each its own.
// Called by intent for the profiles that a namespace names. Which namespaces may use a profile is decided there.
import {
  type ChainIdentity,
  type DefaultIdentity,
  type Identity,
  type WebIdentity,
  namespaceSessionName,
  sharedSessionName,
} from './identity.ts';

/** How the role of a profile is assumed. */
export interface ProfileRole {
  /** May hold `{namespace}` as a whole path segment or as the whole name of the role. */
  readonly roleArn: string;
  /** `chain`: with the default identity; `webIdentity`: with the controller's own ServiceAccount token. */
  readonly via: 'chain' | 'webIdentity';
  /** For `chain`; empty: none. */
  readonly externalId: string;
  /** Session tags, for `chain`. */
  readonly tags: Readonly<Record<string, string>>;
  /** True: a session of its own for each namespace, named and (by `chain`) tagged after it; one AWS call for each. */
  readonly perNamespace: boolean;
}

/** The place of the namespace's name in a role's ARN. */
export const namespacePlace = '{namespace}';

/** The tags that `perNamespace` adds. EKS Pod Identity's own are named otherwise, and cannot be set twice in a chain. */
export const namespaceTags = {
  namespace: 'ecr-pull-secrets-namespace',
  cluster: 'ecr-pull-secrets-cluster',
} as const;

/** Who a profile's role is assumed for. */
export interface RoleUser {
  readonly namespace: string;
  readonly clusterName: string;
  readonly base: DefaultIdentity;
}

/** The identity of a profile in one namespace; without a role the default one. */
export function profileIdentity(role: ProfileRole | undefined, user: RoleUser): Identity {
  if (role === undefined) return user.base;
  const { namespace, clusterName, base } = user;
  const { via, perNamespace, externalId } = role;
  const roleArn = role.roleArn.replaceAll(namespacePlace, namespace);
  const sessionName = perNamespace
    ? namespaceSessionName(clusterName, namespace)
    : sharedSessionName(clusterName);
  return via === 'webIdentity'
    ? ({ kind: 'webIdentity', roleArn, sessionName } satisfies WebIdentity)
    : ({
        kind: 'chain',
        base,
        roleArn,
        externalId,
        tags: tagsOf(role, user),
        sessionName,
      } satisfies ChainIdentity);
}

function tagsOf(
  { tags, perNamespace }: ProfileRole,
  { namespace, clusterName }: RoleUser,
): Readonly<Record<string, string>> {
  if (!perNamespace) return tags;
  const cluster = clusterName === '' ? {} : { [namespaceTags.cluster]: clusterName };
  return { ...tags, [namespaceTags.namespace]: namespace, ...cluster };
}
