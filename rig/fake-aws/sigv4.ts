// Checks AWS Signature Version 4, written down from the specification ("Create a signed AWS API request") rather than
// with the SDK's own signer, so that the two check each other. Used by authenticate; does not know whose key it is.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { AwsRequest } from './aws-request.ts';
import { headerOf } from './aws-request.ts';

/** The parts of an Authorization header. */
export interface Signature {
  readonly accessKeyId: string;
  /** YYYYMMDD of the credential scope. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  /** Hexadecimal. */
  readonly signature: string;
}

const authorization =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/** Takes an Authorization header apart; undefined when it is no signature of version 4. */
export function readSignature(header: string): Signature | undefined {
  const match = authorization.exec(header);
  if (match === null) return undefined;
  const [, accessKeyId = '', date = '', region = '', service = '', headers = '', signature = ''] = match;
  return { accessKeyId, date, region, service, signedHeaders: headers.split(';'), signature };
}

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

function canonicalRequest(request: AwsRequest, signedHeaders: readonly string[]): string {
  const url = new URL(request.url, 'http://unused');
  const query = url.search.slice(1).split('&').toSorted().join('&');
  const headers = signedHeaders.map((name) => {
    const value = headerOf(request.headers, name) ?? '';
    return `${name}:${value.trim().replace(/ +/g, ' ')}\n`;
  });
  return [
    request.method,
    url.pathname,
    query,
    headers.join(''),
    signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n');
}

/** Whether the signature is the one that this secret makes of the request. */
export function signatureHolds(request: AwsRequest, signature: Signature, secretAccessKey: string): boolean {
  const { date, region, service, signedHeaders } = signature;
  const time = headerOf(request.headers, 'x-amz-date') ?? '';
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonicalRequest(request, signedHeaders))].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  return timingSafeEqual(hmac(key, text), Buffer.from(signature.signature, 'hex'));
}

/** AWS's compact form of a time: `20260102T030405Z`. */
export function formatAmzDate(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

/** Ms since the epoch of an `X-Amz-Date`; NaN when it is none. */
export function parseAmzDate(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
