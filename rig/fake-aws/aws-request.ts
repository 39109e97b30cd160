// What a request to the fake AWS asks for, read off the wire formats that the AWS SDK v3 really sends: both ECRs speak
// JSON 1.1 (X-Amz-Target), STS the Query protocol (a form). Used by fake-aws; knows nothing of who asks or what is answered.
import type { IncomingHttpHeaders } from 'node:http';

/** Private ECR and ECR Public, by the names that they have in signatures. */
export type EcrService = 'ecr' | 'ecr-public';

export type AwsService = EcrService | 'sts';

/** One request as it arrived, and what it asks for. */
export interface AwsRequest {
  readonly service: AwsService;
  /** The API action, such as `GetAuthorizationToken`. */
  readonly action: string;
  /** The form of an STS request; empty for both ECRs. */
  readonly form: URLSearchParams;
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** `X-Amz-Target` begins with one of these. */
const targets: Readonly<Record<string, EcrService>> = {
  AmazonEC2ContainerRegistry_V20150921: 'ecr',
  SpencerFrontendService: 'ecr-public',
};

/** Reads a request; undefined when it is addressed to no service that we play. */
export function readAwsRequest(
  raw: Pick<AwsRequest, 'method' | 'url' | 'headers' | 'body'>,
): AwsRequest | undefined {
  const [target = '', operation = ''] = (headerOf(raw.headers, 'x-amz-target') ?? '').split('.');
  const service = targets[target];
  if (service !== undefined) return { ...raw, service, action: operation, form: new URLSearchParams() };
  const form = new URLSearchParams(raw.body.toString());
  const action = form.get('Action');
  if (action === null || form.get('Version') !== '2011-06-15') return undefined;
  return { ...raw, service: 'sts', action, form };
}

/** One header as text. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** A list of the Query protocol: `<name>.member.1<suffix>`, `<name>.member.2<suffix>`, … */
export function formList(form: URLSearchParams, name: string, suffix = ''): readonly string[] {
  const values: string[] = [];
  for (let index = 1; ; index += 1) {
    const value = form.get(`${name}.member.${index}${suffix}`);
    if (value === null) return values;
    values.push(value);
  }
}
