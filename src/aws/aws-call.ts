// One call to AWS, as messages name it, and the facts that an advice about it needs. Made where the call is made, read by
// errors. It holds nothing secret: of a token only who it says it is.

/** The API actions that we use; `…Credentials`: whatever the SDK's default chain does, by the source that it has. */
export type AwsAction =
  | 'Credentials'
  | 'ContainerCredentials'
  | 'ProfileCredentials'
  | 'AssumeRole'
  | 'AssumeRoleWithWebIdentity'
  | 'EcrGetAuthorizationToken'
  | 'EcrPublicGetAuthorizationToken';

/** A call. */
export interface AwsCall {
  readonly action: AwsAction;
  readonly region: string;
  /** What the web identity token says of itself, for comparison with the trust policy. */
  readonly claims?: string | undefined;
}

const names: Readonly<Record<AwsAction, string>> = {
  Credentials: 'credentials by the default chain',
  ContainerCredentials: 'credentials by the container credentials agent',
  ProfileCredentials: 'credentials by the AWS profile',
  AssumeRole: 'sts AssumeRole',
  AssumeRoleWithWebIdentity: 'sts AssumeRoleWithWebIdentity',
  EcrGetAuthorizationToken: 'ecr GetAuthorizationToken',
  EcrPublicGetAuthorizationToken: 'ecr-public GetAuthorizationToken',
};

/** How a message names it. */
export const describeCall = ({ action, region }: AwsCall): string => `${names[action]} in ${region}`;

/** Of a JWT: issuer, subject and audience. Nothing of it is verified, and nothing of it is secret. */
export function describeClaims(jwt: string): string | undefined {
  try {
    const [, payload = ''] = jwt.split('.');
    const { iss, sub, aud } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<
      string,
      unknown
    >;
    const audiences = [aud].flat().map(shown).join(' ');
    return `issuer ${shown(iss)}, subject ${shown(sub)}, audience ${audiences}`;
  } catch {
    return undefined;
  }
}

const shown = (claim: unknown): string => (typeof claim === 'string' ? claim.slice(0, 200) : 'none');
