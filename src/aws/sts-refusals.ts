// The part of the table of refusals that concerns STS: taking on a role, by a web identity or by chaining. Data only; read by
// refusals.
import type { Refusal } from './refusal.ts';

const webIdentity = ['AssumeRoleWithWebIdentity'] as const;
const chaining = ['AssumeRole'] as const;
const sts = [...webIdentity, ...chaining] as const;

const stsApi = 'STS API reference';
const trouble = 'IAM User Guide, troubleshooting';
const observed = 'as the service answers it';

/** Its rows. */
export const stsRefusals: readonly Refusal[] = [
  {
    at: webIdentity,
    codes: ['AccessDenied'],
    message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity',
    reason: 'denied',
    advice:
      'AWS says the same where the role does not exist, and where its trust policy names another OIDC provider, subject or audience: compare them with the token, which has {claims}',
    source: trouble,
  },
  {
    at: webIdentity,
    codes: ['InvalidIdentityToken'],
    says: /No OpenIDConnect provider/i,
    message: 'No OpenIDConnect provider found in your account for https://…',
    reason: 'denied',
    advice:
      "the role's account has no IAM OIDC provider for the cluster's issuer: create it, with exactly this issuer as URL; the token has {claims}",
    source: observed,
  },
  {
    at: webIdentity,
    codes: ['InvalidIdentityToken'],
    says: /audience/i,
    message: 'Incorrect token audience',
    reason: 'denied',
    advice:
      'the IAM OIDC provider does not list the audience of the token: add it as a client id; the token has {claims}',
    source: observed,
  },
  {
    at: webIdentity,
    codes: ['InvalidIdentityToken'],
    says: /retrieve verification key/i,
    message:
      "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements",
    reason: 'unavailable',
    advice:
      "AWS cannot fetch the keys of the cluster's issuer: its discovery document and JWKS must be public, by HTTPS with a certificate of a public CA; the token has {claims}",
    source: observed,
  },
  {
    at: webIdentity,
    codes: ['InvalidIdentityToken'],
    reason: 'denied',
    advice:
      "AWS does not accept the token: check that the JWKS it can see holds the cluster's present signing key, that the OIDC provider exists, and its audience; the token has {claims}",
    source: stsApi,
  },
  {
    at: webIdentity,
    codes: ['IDPRejectedClaim'],
    reason: 'denied',
    advice: 'the OIDC provider rejects a claim of the token, which has {claims}',
    source: stsApi,
  },
  {
    at: webIdentity,
    codes: ['IDPCommunicationError'],
    reason: 'unavailable',
    advice:
      "AWS cannot reach the cluster's OIDC issuer: its discovery document and JWKS must be public; the token has {claims}",
    source: stsApi,
  },
  {
    at: webIdentity,
    codes: ['ExpiredToken'],
    message: 'Token expired: current date/time … must be before the expiration date/time …',
    reason: 'denied',
    advice:
      'the web identity token has expired: check that the token file is renewed (the kubelet does it for a projected token), and the clock of the node',
    source: observed,
  },
  {
    at: sts,
    codes: ['MalformedPolicyDocument'],
    reason: 'configuration',
    advice:
      'STS does not accept the session policy: the managed policy AmazonEC2ContainerRegistryPullOnly must exist in the partition of the role',
    source: stsApi,
  },
  {
    at: sts,
    codes: ['PackedPolicyTooLarge'],
    reason: 'configuration',
    advice:
      'session policy and tags are together too large for STS: use fewer or shorter tags in the profile',
    source: stsApi,
  },
  {
    at: chaining,
    codes: ['AccessDenied'],
    says: /sts:TagSession/,
    message: 'User: … is not authorized to perform: sts:TagSession on resource: …',
    reason: 'denied',
    advice:
      "the tags are refused: allow sts:TagSession in the role's trust policy and in the policy of the controller's own role or user",
    source: trouble,
  },
  {
    at: chaining,
    codes: ['AccessDenied'],
    message: 'User: … is not authorized to perform: sts:AssumeRole on resource: …',
    reason: 'denied',
    advice:
      "AWS says the same where the role does not exist, where its trust policy does not name the controller's role or user as principal or asks for another sts:ExternalId, and where the controller's own policy does not allow sts:AssumeRole on it",
    source: trouble,
  },
  {
    at: chaining,
    codes: ['InvalidParameterValue'],
    says: /transitive tag/i,
    message:
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    reason: 'configuration',
    advice:
      "a tag of the profile is one that the controller's own session passes on (EKS Pod Identity does): name it otherwise",
    source: observed,
  },
];
