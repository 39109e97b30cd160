// The OIDC issuer of a pretended cluster: a key pair, its key set for the fake AWS, and ServiceAccount tokens as the API
// server signs them. Used by demo and tests that have no real API server.
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { FakeIssuer } from './web-identity.ts';

/** What a token says; each default is what the trust policies of the rig accept. */
export interface TokenClaims {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Default: the issuer's own. */
  readonly issuer?: string;
  /** Default `sts.amazonaws.com`. */
  readonly audience?: string;
  /** From now, in seconds; negative: it has expired already. Default an hour. */
  readonly lifeSeconds?: number;
}

/** An issuer, and how to get tokens of it. */
export interface ServiceAccountIssuer {
  /** For `startFakeAws`. */
  readonly provider: FakeIssuer;
  /** A signed token. */
  sign(claims: TokenClaims): Promise<string>;
}

/** Makes an issuer with a key of its own. Two issuers of one name differ in their keys. */
export async function makeServiceAccountIssuer(
  issuer: string,
  clock: () => number = Date.now,
): Promise<ServiceAccountIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const kid = 'rig';
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
  return {
    provider: { issuer, jwks: () => Promise.resolve({ keys: [jwk] }) },
    sign: (claims) => {
      const now = Math.floor(clock() / 1000);
      return new SignJWT({})
        .setProtectedHeader({ alg: 'ES256', kid })
        .setIssuer(claims.issuer ?? issuer)
        .setSubject(`system:serviceaccount:${claims.namespace}:${claims.serviceAccount}`)
        .setAudience(claims.audience ?? 'sts.amazonaws.com')
        .setIssuedAt(now)
        .setExpirationTime(now + (claims.lifeSeconds ?? 3600))
        .sign(privateKey);
    },
  };
}
