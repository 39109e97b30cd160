// The instance metadata service of EC2, version 2 only: sessions of the role of the instance. Used by tests, by way of
// AWS_EC2_METADATA_SERVICE_ENDPOINT. It has the pages that the SDK asks for and no others. Source: EC2 User Guide, "Use the
// Instance Metadata Service".
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  type CredentialServer,
  jsonReply,
  plainReply,
  type Reply,
  startCredentialServer,
} from './credential-server.ts';
import type { Session } from './credential-store.ts';
import type { FakeAws } from './fake-aws.ts';

/** The instance that is played. */
export interface InstanceMetadataOptions {
  readonly aws: Pick<FakeAws, 'issueSession'>;
  /** Of its instance profile; absent: it has none. */
  readonly roleArn?: string;
  /** The life of a session; default six hours. */
  readonly seconds?: number;
  /** Ms since the epoch; default Date.now. */
  readonly clock?: () => number;
}

const instanceId = 'i-0123456789abcdef0';
const tokenPage = '/latest/api/token';
const rolesPage = '/latest/meta-data/iam/security-credentials';
const ttlHeader = 'x-aws-ec2-metadata-token-ttl-seconds';
const longestTtl = 21_600;

/** Starts a service. @returns it, with the `url` for AWS_EC2_METADATA_SERVICE_ENDPOINT */
export function startInstanceMetadata(options: InstanceMetadataOptions): Promise<CredentialServer> {
  const { clock = Date.now } = options;
  /** Until when each token is good, in ms since the epoch. */
  const tokens = new Map<string, number>();
  return startCredentialServer((request) => {
    const { method, url = '', headers } = request;
    if (method === 'PUT' && url === tokenPage) return issueToken(request, tokens, clock());
    if (method !== 'GET') return errorPage(405, 'Method Not Allowed');
    const until = tokens.get(String(headers['x-aws-ec2-metadata-token']));
    if (until === undefined || until <= clock()) return errorPage(401, 'Unauthorized');
    return answer(url, options, clock());
  });
}

function issueToken({ headers }: IncomingMessage, tokens: Map<string, number>, now: number): Reply {
  const ttl = Number(headers[ttlHeader]);
  if (!(ttl >= 1 && ttl <= longestTtl)) return errorPage(400, 'Bad Request');
  const token = randomBytes(42).toString('base64');
  tokens.set(token, now + ttl * 1_000);
  return { status: 200, headers: { 'content-type': 'text/plain', [ttlHeader]: String(ttl) }, body: token };
}

function answer(
  url: string,
  { aws, roleArn, seconds = 6 * 3_600 }: InstanceMetadataOptions,
  now: number,
): Reply {
  const role = roleArn?.slice(roleArn.lastIndexOf('/') + 1);
  if (roleArn === undefined || role === undefined) return errorPage(404, 'Not Found');
  if (url === rolesPage || url === `${rolesPage}/`) return { ...plainReply(200, role), body: role };
  if (url !== `${rolesPage}/${role}`) return errorPage(404, 'Not Found');
  return jsonReply(credentials(aws.issueSession(roleArn, instanceId, seconds), now));
}

function credentials(
  { accessKeyId, secretAccessKey, sessionToken, expiresAt }: Session,
  now: number,
): object {
  return {
    Code: 'Success',
    LastUpdated: wholeSeconds(now),
    Type: 'AWS-HMAC',
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    Token: sessionToken,
    Expiration: wholeSeconds(expiresAt),
  };
}

const wholeSeconds = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

function errorPage(status: number, text: string): Reply {
  const body = `<html><head><title>${status} - ${text}</title></head><body><h1>${status} - ${text}</h1></body></html>`;
  return { status, headers: { 'content-type': 'text/html' }, body };
}
