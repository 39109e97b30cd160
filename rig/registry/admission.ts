// Who may pull from the registry of the rig: Basic authentication of user `AWS`, and what ECR answers otherwise. Used by
// registry. Asks for the verdict on a password and forgets the password. ECR Public is played in the words of private ECR:
// neither its pulls without a login nor its token exchange are.
import type { IncomingHttpHeaders } from 'node:http';

/** Private ECR and ECR Public, as the fake AWS calls them. */
type Service = 'ecr' | 'ecr-public';

/** What is known of a password: `FakeAws.verdict` fits. */
export interface Verdict {
  readonly verdict: 'valid' | 'expired' | 'unknown';
  /** Where given, the password opens the registries of this service and region only. */
  readonly token?: { readonly region: string; readonly service?: Service };
}

/** An answer to a request that is not let in. */
export interface Refusal {
  readonly status: 400 | 401 | 403;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** ECR's 401 is plain text: see mdlavin/copy-docker-image#5. */
const notAuthorized = (host: string): Refusal => ({
  status: 401,
  headers: {
    'content-type': 'text/plain; charset=utf-8',
    'www-authenticate': `Basic realm="https://${host}/",service="ecr.amazonaws.com"`,
  },
  body: 'Not Authorized\n',
});

const denied = (status: 400 | 403, message: string): Refusal => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify({ errors: [{ code: 'DENIED', message }] }),
});

/** A password that ECR never issued, or issued for elsewhere (aws/aws-cli#5317, apple/container#847). */
const invalid = denied(400, 'Your Authorization Token is invalid.');

const expired = denied(403, 'Your authorization token has expired. Reauthenticate and try again.');

/** Why a request to `host` is not let in; undefined when it is. */
export function refusalOf(
  { authorization }: IncomingHttpHeaders,
  host: string,
  admits: (password: string) => Verdict,
): Refusal | undefined {
  const encoded = /^Basic +([\w+/=-]+)$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return notAuthorized(host);
  const decoded = Buffer.from(encoded, 'base64').toString();
  // At the first colon only: the password is opaque.
  const colon = decoded.indexOf(':');
  if (decoded.slice(0, colon) !== 'AWS') return invalid;
  const { verdict, token } = admits(decoded.slice(colon + 1));
  if (verdict === 'unknown') return invalid;
  if (token !== undefined && !isFor(host, token)) return invalid;
  return verdict === 'expired' ? expired : undefined;
}

/** ECR Public has one region for its tokens and none in its names. */
function isFor(host: string, { region, service = 'ecr' }: NonNullable<Verdict['token']>): boolean {
  return service === 'ecr' ? region === regionOf(host) : publicHosts.has(host);
}

/** By IPv4, and by IPv6 too. */
const publicHosts: ReadonlySet<string> = new Set(['public.ecr.aws', 'ecr-public.aws.com']);

/** The region in an ECR host name: `<account>.dkr.ecr.<region>.…`. */
function regionOf(host: string): string | undefined {
  return /^\d{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\./.exec(host)?.[1];
}
