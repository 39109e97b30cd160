// The EKS Pod Identity agent: hands out sessions of one role for ServiceAccount tokens. Used by tests, by way of
// AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE. It keeps no token. Texts and fields are
// those of aws/eks-pod-identity-agent; what EKS Auth says to a foreign token has no public record.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { decodeJwt, errors, type JWTPayload } from 'jose';
import type { Session } from './credential-store.ts';
import {
  type CredentialServer,
  jsonReply,
  plainReply,
  type Reply,
  startCredentialServer,
} from './credential-server.ts';
import type { FakeAws } from './fake-aws.ts';

/** Of the pod identity association that is played. */
export interface PodIdentityOptions {
  readonly aws: Pick<FakeAws, 'issueSession'>;
  readonly roleArn: string;
  /** The tokens that have the association, or whether one has it. */
  readonly accepts: readonly string[] | ((token: string) => boolean | Promise<boolean>);
  /** The session tags, all of them transitive; default: AWS's six. `{}` as with `disableSessionTags`. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The life of a session; default six hours. */
  readonly seconds?: number;
  /** Ms since the epoch; default Date.now. */
  readonly clock?: () => number;
}

const cluster = 'rig';

const sixTags: Readonly<Record<string, string>> = {
  'eks-cluster-arn': `arn:aws:eks:eu-west-1:111122223333:cluster/${cluster}`,
  'eks-cluster-name': cluster,
  'kubernetes-namespace': 'ecr-pull-secrets',
  'kubernetes-service-account': 'ecr-pull-secrets',
  'kubernetes-pod-name': 'ecr-pull-secrets-0',
  'kubernetes-pod-uid': '00000000-0000-4000-8000-000000000000',
};

/** Where the agent has its only page. */
const page = '/v1/credentials';

/** Starts an agent. @returns it, with the `url` for AWS_CONTAINER_CREDENTIALS_FULL_URI */
export async function startPodIdentityAgent(options: PodIdentityOptions): Promise<CredentialServer> {
  const server = await startCredentialServer((request) => answer(request, options));
  return {
    url: `${server.url}${page}`,
    get calls() {
      return server.calls;
    },
    fail: (failure) => server.fail(failure),
    close: () => server.close(),
  };
}

async function answer({ url, headers }: IncomingMessage, options: PodIdentityOptions): Promise<Reply> {
  if (url !== page) return plainReply(404, '404 page not found');
  const token = headers.authorization ?? '';
  const { clock = Date.now, aws, roleArn, tags = sixTags, seconds = 6 * 3_600 } = options;
  const fault = faultOf(token, clock());
  if (fault !== undefined) return plainReply(400, fault);
  if (!(await isAccepted(token, options))) {
    const text = 'The provided token is not associated with a role';
    return plainReply(400, `[${randomUUID()}]: (InvalidTokenException): ${text}, fault: client`);
  }
  const sessionName = `eks-${cluster}-ecr-pull-s-${randomUUID()}`;
  return jsonReply(credentials(aws.issueSession(roleArn, sessionName, seconds, tags)));
}

/** What the agent itself sees, without asking EKS. */
function faultOf(token: string, now: number): string | undefined {
  if (token === '') return 'Service account token cannot be empty';
  try {
    const { exp = Infinity }: JWTPayload = decodeJwt(token);
    if (exp * 1_000 > now) return undefined;
    return 'Service account token failed basic claim validations: token has invalid claims: token is expired';
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    return 'Service account token cannot be parsed: token is malformed';
  }
}

async function isAccepted(token: string, { accepts }: PodIdentityOptions): Promise<boolean> {
  return typeof accepts === 'function' ? await accepts(token) : accepts.includes(token);
}

function credentials({ accessKeyId, secretAccessKey, sessionToken, caller, expiresAt }: Session): object {
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    Token: sessionToken,
    AccountId: caller.account,
    Expiration: new Date(expiresAt).toISOString().replace('.000Z', 'Z'),
  };
}
