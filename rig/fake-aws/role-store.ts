// The IAM roles of the fake AWS with their trust and permissions, as a small data model instead of policy documents. Used
// by sts and policy; tests and demo fill it. Decides trust; what a role may do is decided by policy.
import type { Caller } from './credential-store.ts';
import { partitionOfArn } from './partition.ts';
import { allowing, type Policy } from './policy.ts';

/** Trusts the Kubernetes ServiceAccounts of a cluster: `Federated` + conditions on `sub` and `aud`. */
export interface WebIdentityTrust {
  /** `system:serviceaccount:<namespace>:<name>`, any one of these. */
  readonly subjects: readonly string[];
  /** The condition on `aud`; absent: none beyond the provider's own list. */
  readonly audience?: string;
  /** The issuer whose provider is the principal; absent: any provider of the fake. */
  readonly issuer?: string;
}

/** Trusts other principals of AWS. */
export interface PrincipalTrust {
  /** ARNs of roles or users, or `arn:aws:iam::<account>:root`. */
  readonly principals: readonly string[];
  /** The condition `sts:ExternalId`. */
  readonly externalId?: string;
  /** Whether `sts:TagSession` is allowed as well. Default false, as in the policies that people write. */
  readonly tagSession?: boolean;
}

/** A role. */
export interface FakeRole {
  readonly arn: string;
  /** The statements of the trust policy: one that accepts is enough. */
  readonly trust: readonly (WebIdentityTrust | PrincipalTrust)[];
  /** MaxSessionDuration in seconds; default 3600. */
  readonly maxSessionSeconds?: number;
  /** The actions that its policies allow, such as `ecr:*`; default: every one. */
  readonly allow?: readonly string[];
}

/** What a trust policy looks at in a web identity token. */
export interface WebIdentity {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
}

interface Version {
  readonly role: FakeRole;
  /** Ms since the epoch from which on it counts. */
  readonly from: number;
}

/** The roles by ARN, with the changes that do not count yet. */
export class RoleStore {
  readonly #versions: Version[];
  readonly #clock: () => number;

  constructor(roles: readonly FakeRole[], clock: () => number) {
    this.#versions = roles.map((role) => ({ role, from: -Infinity }));
    this.#clock = clock;
  }

  /** Adds a role, or replaces the one of this ARN, from `delayMs` on. */
  put(role: FakeRole, delayMs = 0): void {
    this.#versions.push({ role, from: this.#clock() + delayMs });
  }

  /** What its policies allow, now; undefined: everything, also when nobody said that there is such a role. */
  policyOf(roleArn: string): Policy | undefined {
    return allowing(this.#find(roleArn)?.allow);
  }

  /** The role, when it exists and trusts the web identity. */
  trusting(roleArn: string, identity: WebIdentity): FakeRole | undefined {
    const role = this.#find(roleArn);
    return role?.trust.some((trust) => acceptsWebIdentity(trust, identity)) === true ? role : undefined;
  }

  /** The role, when it exists and trusts the caller, and whether it lets this caller set session tags. */
  trustingCaller(
    roleArn: string,
    caller: Caller,
    externalId: string | null,
  ): { readonly role: FakeRole; readonly tagSession: boolean } | undefined {
    const role = this.#find(roleArn);
    const statements = (role?.trust ?? []).filter((trust) => acceptsCaller(trust, caller, externalId));
    if (role === undefined || statements.length === 0) return undefined;
    return {
      role,
      tagSession: statements.some((trust) => 'tagSession' in trust && trust.tagSession),
    };
  }

  #find(arn: string): FakeRole | undefined {
    const now = this.#clock();
    return this.#versions.findLast(({ role, from }) => role.arn === arn && from <= now)?.role;
  }
}

function acceptsWebIdentity(trust: WebIdentityTrust | PrincipalTrust, identity: WebIdentity): boolean {
  return (
    'subjects' in trust &&
    trust.subjects.includes(identity.subject) &&
    (trust.issuer === undefined || trust.issuer === identity.issuer) &&
    (trust.audience === undefined || identity.audiences.includes(trust.audience))
  );
}

function acceptsCaller(
  trust: WebIdentityTrust | PrincipalTrust,
  caller: Caller,
  externalId: string | null,
): boolean {
  if (!('principals' in trust)) return false;
  const root = `arn:${partitionOfArn(caller.arn)}:iam::${caller.account}:root`;
  const names = new Set([caller.arn, caller.roleArn, root]);
  return (
    trust.principals.some((principal) => names.has(principal)) &&
    (trust.externalId === undefined || trust.externalId === externalId)
  );
}
