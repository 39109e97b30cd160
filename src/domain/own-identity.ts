// The identity that a namespace asks for itself: one of its ServiceAccounts, with the role that trusts it. Called by intent.
// Pure; everything here is decided by what the administrator allowed and what stands in this very namespace.
import type { NamespaceWishes } from './annotations.ts';
import type { Problem } from './errors.ts';
import { type Identity, isRoleArn, namespaceSessionName } from './identity.ts';
import { refusals } from './refusals.ts';
import type { Settings } from './settings.ts';
import type { ServiceAccountView } from './views.ts';

/** A ServiceAccount of the namespace in question, by its name; undefined where there is none. */
export type FindServiceAccount = (name: string) => ServiceAccountView | undefined;

/** Reads a namespace's wish for an identity of its own. */
export function ownIdentity(
  namespace: string,
  { identityServiceAccount: name, roleArn: wished }: NamespaceWishes,
  settings: Settings,
  find: FindServiceAccount,
): { readonly identity: Identity } | { readonly problem: Problem } {
  const { serviceAccounts: allowed, audience } = settings.identity;
  if (allowed.length === 0) return { problem: refusals.ownIdentityOff() };
  if (name === undefined) return { problem: refusals.roleAlone() };
  if (!allowed.includes(name)) return { problem: refusals.identityServiceAccount(name, allowed) };
  const account = find(name);
  if (account === undefined) return { problem: refusals.noServiceAccount(name) };
  const roleArn = wished ?? account.roleArn?.trim();
  if (roleArn === undefined) return { problem: refusals.noRole(name) };
  if (!isRoleArn(roleArn))
    return { problem: refusals.badRole(roleArn, wished === undefined ? name : undefined) };
  const sessionName = namespaceSessionName(settings.clusterName, namespace);
  const { uid } = account;
  return {
    identity: { kind: 'namespace', namespace, serviceAccount: name, uid, audience, roleArn, sessionName },
  };
}
