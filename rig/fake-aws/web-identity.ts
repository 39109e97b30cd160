// Verifies web identity tokens as AssumeRoleWithWebIdentity does: provider, key set, signature, expiry, audience, by
// jose. Used by sts. Does not look at roles: whether a role trusts the identity is decided by role-store.
import { createLocalJWKSet, decodeJwt, errors, jwtVerify } from 'jose';
import type { JSONWebKeySet, JWTPayload } from 'jose';
import { AwsError, invalidIdentityToken } from './aws-error.ts';
import type { WebIdentity } from './role-store.ts';

/** An OIDC issuer, and the accounts that have a provider for it. */
export interface FakeIssuer {
  /** The `iss` of its tokens. */
  readonly issuer: string;
  /** Gets the key set, as AWS does from `jwks_uri`. A TimeoutError becomes IDPCommunicationError. */
  readonly jwks: () => Promise<object>;
  /** The client ids of the provider; default `sts.amazonaws.com`. */
  readonly audiences?: readonly string[];
  /** The accounts with a provider for it, twelve digits each; default: every one. */
  readonly accounts?: readonly string[];
}

/** Why AWS cannot get a key set: it is told so at once, or has to give up waiting. */
export type HiddenKeys = 'unreachable' | 'timeout';

interface CachedKeys {
  readonly keys: ReturnType<typeof createLocalJWKSet>;
  readonly until: number;
}

const cacheMs = 5 * 60_000;
const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'];

/** AWS says this for an unreachable or unreadable key set, an unknown key and a wrong signature alike. */
const noKey = (): AwsError =>
  invalidIdentityToken(
    "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity " +
      'documentation for requirements',
  );

const notReached = (): AwsError =>
  new AwsError(
    400,
    'IDPCommunicationError',
    'The request could not be fulfilled because the identity provider (IDP) that was asked to verify the incoming ' +
      'identity token could not be reached.',
  );

/** Knows the providers and keeps each one's key set for five minutes. */
export class WebIdentityVerifier {
  readonly #issuers: ReadonlyMap<string, FakeIssuer>;
  readonly #clock: () => number;
  readonly #cache = new Map<string, CachedKeys>();
  readonly #hidden = new Map<string, HiddenKeys>();

  constructor({ issuers, clock }: { readonly issuers: readonly FakeIssuer[]; readonly clock: () => number }) {
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
    this.#clock = clock;
  }

  /** Makes the key set of an issuer impossible to get, and forgets it. @returns how to undo it */
  hideKeys(issuer: string, how: HiddenKeys): () => void {
    this.#cache.delete(issuer);
    this.#hidden.set(issuer, how);
    return () => void this.#hidden.delete(issuer);
  }

  /**
   * Who the token stands for.
   * @param account whose provider is asked
   * @throws AwsError InvalidIdentityToken, ExpiredTokenException, IDPCommunicationError
   */
  async verify(token: string, account: string): Promise<WebIdentity> {
    const { iss = '' } = decode(token);
    const provider = this.#issuers.get(iss);
    if (provider?.accounts?.includes(account) === false || provider === undefined) {
      throw invalidIdentityToken(`No OpenIDConnect provider found in your account for ${iss}`);
    }
    const { sub = '', aud } = await this.#verified(token, await this.#keysOf(provider));
    const audiences = [aud ?? []].flat();
    if (!(provider.audiences ?? ['sts.amazonaws.com']).some((allowed) => audiences.includes(allowed))) {
      throw invalidIdentityToken('Incorrect token audience');
    }
    return { issuer: provider.issuer, subject: sub, audiences };
  }

  async #verified(token: string, keys: CachedKeys['keys']): Promise<JWTPayload> {
    const currentDate = new Date(this.#clock());
    try {
      const options = { algorithms, currentDate, requiredClaims: ['sub', 'aud', 'exp', 'iat'] };
      return (await jwtVerify(token, keys, options)).payload;
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw expired(error.payload, currentDate);
      if (error instanceof errors.JWTClaimValidationFailed && error.reason === 'missing') {
        throw invalidIdentityToken(`Missing a required claim: ${error.claim}`);
      }
      throw noKey();
    }
  }

  async #keysOf(provider: FakeIssuer): Promise<CachedKeys['keys']> {
    const hidden = this.#hidden.get(provider.issuer);
    if (hidden !== undefined) throw hidden === 'timeout' ? notReached() : noKey();
    const cached = this.#cache.get(provider.issuer);
    if (cached !== undefined && this.#clock() < cached.until) return cached.keys;
    try {
      const keys = createLocalJWKSet((await provider.jwks()) as JSONWebKeySet);
      this.#cache.set(provider.issuer, { keys, until: this.#clock() + cacheMs });
      return keys;
    } catch (error) {
      throw error instanceof Error && error.name === 'TimeoutError' ? notReached() : noKey();
    }
  }
}

function decode(token: string): JWTPayload {
  try {
    return decodeJwt(token);
  } catch {
    throw invalidIdentityToken(
      'The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)',
    );
  }
}

function expired({ exp = 0 }: JWTPayload, now: Date): AwsError {
  const seconds = Math.floor(now.getTime() / 1000);
  // The missing space before the second number is AWS's.
  const text = `Token expired: current date/time ${seconds} must be before the expiration date/time${exp}`;
  return new AwsError(400, 'ExpiredTokenException', text);
}
