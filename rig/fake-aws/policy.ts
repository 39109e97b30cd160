// IAM policies of the fake AWS, as far as what it plays goes: which actions are allowed on which resources, and what policy
// is in the way of a caller. Used by ecr, sts and the stores. Plays no Deny, no conditions, and no policies of resources.
import type { Caller } from './credential-store.ts';
import type { RoleStore } from './role-store.ts';

/** An Allow statement; in both lists `*` stands for any text and `?` for any character. */
export interface PolicyStatement {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** One policy, or several of one kind: what one of the statements allows is allowed. */
export type Policy = readonly PolicyStatement[];

/** What may be in the way, in the words of AWS's refusals. */
export type PolicyKind = 'identity-based' | 'session';

/** Something that a caller wants to do. */
export interface Permission {
  /** Such as `ecr:GetAuthorizationToken`. */
  readonly action: string;
  /** An ARN; default `*`, for actions that know no resources. */
  readonly resource?: string;
}

/** A policy that allows these actions on everything; undefined allows everything. */
export function allowing(actions: readonly string[] | undefined): Policy | undefined {
  return actions === undefined ? undefined : [{ actions, resources: ['*'] }];
}

/** Whether a policy allows it; one that does not exist is in nobody's way. */
export function allows(policy: Policy | undefined, { action, resource = '*' }: Permission): boolean {
  if (policy === undefined) return true;
  return policy.some(
    ({ actions, resources }) =>
      // IAM does not look at the case of actions.
      actions.some((pattern) => matchesPattern(pattern.toLowerCase(), action.toLowerCase())) &&
      resources.some((pattern) => matchesPattern(pattern, resource)),
  );
}

/** The kind of policy that keeps the caller from it; undefined when nothing does. AWS names one where both do. */
export function policyInTheWay(
  caller: Caller,
  permission: Permission,
  roles: RoleStore,
): PolicyKind | undefined {
  const { roleArn, userPolicy, sessionPolicy } = caller;
  // As AWS does, by the policies that the role has now, not by those of when the session began.
  const identity = roleArn === undefined ? userPolicy : roles.policyOf(roleArn);
  if (!allows(identity, permission)) return 'identity-based';
  return allows(sessionPolicy, permission) ? undefined : 'session';
}

function matchesPattern(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[\\^$.+()[\]{}|]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}
