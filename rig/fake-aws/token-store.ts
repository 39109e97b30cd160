// The ECR tokens that were issued: to whom, for which region, until when. Used by ecr (issues) and by the registry of
// the rig (asks). Keeps hashes only, since tests issue many thousands.
import { createHash, randomBytes } from 'node:crypto';
import type { EcrService } from './aws-request.ts';
import type { Caller } from './credential-store.ts';

/** One token that was handed out. */
export interface IssuedToken {
  /** Where it is good: a token of `ecr` opens no public registry, one of `ecr-public` no private one. */
  readonly service: EcrService;
  /** Of the caller; it decides `proxyEndpoint`, while the token opens every account's private registries of the region. */
  readonly account: string;
  readonly region: string;
  /** The role of the caller; absent for a static key. */
  readonly roleArn?: string;
  /** Of the session or user. */
  readonly callerArn: string;
  /** Ms since the epoch. */
  readonly issuedAt: number;
  /** Ms since the epoch. */
  readonly expiresAt: number;
}

/** What the registry makes of a password. */
export interface TokenVerdict {
  readonly verdict: 'valid' | 'expired' | 'unknown';
  /** Absent when unknown. */
  readonly token?: IssuedToken;
}

const hashOf = (password: string): string => createHash('sha256').update(password).digest('base64');

/** Every token ever issued. */
export class TokenStore {
  readonly #byHash = new Map<string, IssuedToken>();

  /** All of them, in the order of issue. */
  get issued(): readonly IssuedToken[] {
    return [...this.#byHash.values()];
  }

  /** Makes a token and remembers it. @returns the record, and the password of user `AWS` */
  issue(props: {
    readonly service: EcrService;
    readonly caller: Caller;
    readonly region: string;
    readonly issuedAt: number;
    readonly lifeSeconds: number;
  }): { readonly token: IssuedToken; readonly password: string } {
    const { service, caller, region, issuedAt, lifeSeconds } = props;
    const token: IssuedToken = {
      service,
      account: caller.account,
      region,
      ...(caller.roleArn === undefined ? {} : { roleArn: caller.roleArn }),
      callerArn: caller.arn,
      issuedAt,
      expiresAt: issuedAt + lifeSeconds * 1000,
    };
    const password = envelope(token.expiresAt);
    this.#byHash.set(hashOf(password), token);
    return { token, password };
  }

  /** @param now ms since the epoch */
  verdict(password: string, now: number): TokenVerdict {
    const token = this.#byHash.get(hashOf(password));
    if (token === undefined) return { verdict: 'unknown' };
    return { verdict: token.expiresAt > now ? 'valid' : 'expired', token };
  }
}

/** The sealed envelope that real passwords are; its size makes `authorizationToken` about 2,600 characters. */
function envelope(expiresAt: number): string {
  const document = {
    payload: randomBytes(849).toString('base64'),
    datakey: `AQEBAHh${randomBytes(151).toString('base64')}`,
    version: '2',
    type: 'DATA_KEY',
    expiration: Math.floor(expiresAt / 1000),
  };
  return Buffer.from(JSON.stringify(document)).toString('base64');
}
