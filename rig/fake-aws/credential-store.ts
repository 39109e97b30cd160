// The access keys that the fake AWS knows: static ones of IAM users and the sessions that STS issued, with whom each of
// them is. Used by sts (issues) and authenticate (looks up). Does not decide who may assume what.
import { randomBytes } from 'node:crypto';
import { partitionOfArn } from './partition.ts';
import { allowing, type Policy } from './policy.ts';

/** A long-lived key of an IAM user. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly userArn: string;
  /** The actions that the user's policies allow, such as `ecr:*`; default: every one. */
  readonly allow?: readonly string[];
}

/** Who makes a call. */
export interface Caller {
  /** The ARN that AWS shows for it: of the user, or of the assumed-role session. */
  readonly arn: string;
  readonly account: string;
  /** Of a session: the role that was assumed. */
  readonly roleArn?: string;
  readonly sessionName?: string;
  /** The id that GetCallerIdentity gives. */
  readonly userId: string;
  /** The session tags that go on to the next role of a chain. */
  readonly transitiveTags: ReadonlyMap<string, string>;
  /** Of a user; a role's is looked up when something is asked for. Undefined: it may do everything. */
  readonly userPolicy: Policy | undefined;
  /** Of a session: what it is limited to, beyond its role's policy. */
  readonly sessionPolicy: Policy | undefined;
}

/** A key with its secret, and who has it. */
export interface Credential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Ms since the epoch; Infinity for a static key. */
  readonly expiresAt: number;
  readonly caller: Caller;
}

/** A session as STS issued it. */
export type Session = Credential & { readonly sessionToken: string };

/** What a session is made of. */
export interface SessionRequest {
  readonly roleArn: string;
  readonly sessionName: string;
  /** Ms since the epoch. */
  readonly expiresAt: number;
  readonly transitiveTags: ReadonlyMap<string, string>;
  readonly sessionPolicy: Policy | undefined;
}

const idAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function uniqueId(prefix: 'ASIA' | 'AROA' | 'AIDA'): string {
  return prefix + Array.from(randomBytes(16), (byte) => idAlphabet[byte % 32]).join('');
}

/** The account of an ARN. */
export function accountOf(arn: string): string {
  return arn.split(':')[4] ?? '';
}

/** `arn:aws:iam::1:role/path/name` + session = `arn:aws:sts::1:assumed-role/name/session`: AWS drops the path. */
function sessionArn(roleArn: string, sessionName: string): string {
  const roleName = roleArn.slice(roleArn.lastIndexOf('/') + 1);
  return `arn:${partitionOfArn(roleArn)}:sts::${accountOf(roleArn)}:assumed-role/${roleName}/${sessionName}`;
}

/** Every access key that is known, expired sessions too (AWS tells those apart from unknown ones). */
export class CredentialStore {
  readonly #byKeyId = new Map<string, Credential>();
  readonly #roleIds = new Map<string, string>();

  constructor(accessKeys: readonly AccessKey[]) {
    for (const { accessKeyId, secretAccessKey, userArn, allow } of accessKeys) {
      const caller = {
        arn: userArn,
        account: accountOf(userArn),
        userId: uniqueId('AIDA'),
        transitiveTags: new Map<string, string>(),
        userPolicy: allowing(allow),
        sessionPolicy: undefined,
      };
      this.#byKeyId.set(accessKeyId, { accessKeyId, secretAccessKey, expiresAt: Infinity, caller });
    }
  }

  /** The credential of an access key id. */
  find(accessKeyId: string): Credential | undefined {
    return this.#byKeyId.get(accessKeyId);
  }

  /** Makes a session and remembers it. */
  issue(request: SessionRequest): Session {
    const { roleArn, sessionName, expiresAt, transitiveTags, sessionPolicy } = request;
    const roleId = this.#roleIds.get(roleArn) ?? uniqueId('AROA');
    this.#roleIds.set(roleArn, roleId);
    const session = {
      accessKeyId: uniqueId('ASIA'),
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: `IQoJb3JpZ2luX2VjE${randomBytes(510).toString('base64')}`,
      expiresAt,
      caller: {
        arn: sessionArn(roleArn, sessionName),
        account: accountOf(roleArn),
        roleArn,
        sessionName,
        userId: `${roleId}:${sessionName}`,
        transitiveTags,
        userPolicy: undefined,
        sessionPolicy,
      },
    };
    this.#byKeyId.set(session.accessKeyId, session);
    return session;
  }
}
