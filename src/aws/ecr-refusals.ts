// The part of the table of refusals that concerns ECR and ECR Public. Data only; read by refusals.
import type { Refusal } from './refusal.ts';

const ecr = ['EcrGetAuthorizationToken'] as const;
const ecrPublic = ['EcrPublicGetAuthorizationToken'] as const;

const trouble = 'IAM User Guide, troubleshooting';

/** Its rows. */
export const ecrRefusals: readonly Refusal[] = [
  {
    at: ecr,
    codes: ['AccessDenied'],
    says: /no session policy allows/,
    message:
      'User: … is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no session policy allows the ecr:GetAuthorizationToken action',
    reason: 'denied',
    advice:
      'a session policy does not allow ecr:GetAuthorizationToken: that of the credentials which the controller was given',
    source: trouble,
  },
  {
    at: ecr,
    codes: ['AccessDenied'],
    says: /explicit deny/,
    message:
      'User: … is not authorized to perform: ecr:GetAuthorizationToken on resource: * with an explicit deny in …',
    reason: 'denied',
    advice:
      'a policy denies ecr:GetAuthorizationToken outright: look at service control policies, permissions boundary and VPC endpoint policy',
    source: trouble,
  },
  {
    at: ecr,
    codes: ['AccessDenied'],
    message:
      'User: … is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no identity-based policy allows the ecr:GetAuthorizationToken action',
    reason: 'denied',
    advice: 'allow ecr:GetAuthorizationToken on Resource "*" by an identity policy of the role or user',
    source: trouble,
  },
  {
    at: ecrPublic,
    codes: ['AccessDenied'],
    message: 'User: … is not authorized to perform: ecr-public:GetAuthorizationToken on resource: * …',
    reason: 'denied',
    advice:
      'allow both ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken on Resource "*" by an identity policy of the role or user; or leave public.ecr.aws out, which can be pulled from without login',
    source: 'ECR Public API reference, GetAuthorizationToken',
  },
  {
    at: ecrPublic,
    codes: ['UnsupportedCommand'],
    reason: 'configuration',
    advice: 'ECR Public answers in us-east-1 of the commercial partition only: check endpoint overrides',
    source: 'ECR Public API reference',
  },
];
