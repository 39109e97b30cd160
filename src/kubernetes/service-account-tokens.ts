// Tokens of ServiceAccounts, which AWS verifies: one TokenRequest each. Called by the exchange of namespaces' own identities.
// The RBAC rule for it names the configured ServiceAccounts: without names it would let us be anybody in the cluster.
import type { Api, ServiceAccountTokens } from '../controller/ports.ts';
import { FetchFailure } from '../domain/errors.ts';
import type { NamespaceIdentity } from '../domain/identity.ts';
import { SecretText } from '../domain/token.ts';
import { ApiError } from './errors.ts';

/** The shortest life that the API server grants: the token is used once, at once. In s. */
const lifeSeconds = 600;

/** The ServiceAccountTokens port, by the API server. */
export class TokenRequests implements ServiceAccountTokens {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async request({ namespace, serviceAccount, audience }: NamespaceIdentity): Promise<SecretText> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
    const spec = { audiences: [audience], expirationSeconds: lifeSeconds };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
    try {
      const { body: answer } = await this.#api.call({ method: 'POST', path, body });
      return tokenOf(answer);
    } catch (error) {
      throw asFetchFailure(error, serviceAccount);
    }
  }
}

function tokenOf(answer: unknown): SecretText {
  const { status } = (answer ?? {}) as { status?: { token?: unknown } };
  if (typeof status?.token === 'string' && status.token !== '') return new SecretText(status.token);
  throw new FetchFailure(
    'invalid-answer',
    'TokenRequest: the answer has no token',
    'the API server answered a token request without a token: look at what stands between it and the controller',
  );
}

function asFetchFailure(error: unknown, account: string): unknown {
  if (!(error instanceof ApiError)) return error;
  const { status, message } = error;
  if (status === 403) {
    return new FetchFailure(
      'configuration',
      message,
      `the controller may not request tokens of ServiceAccount ${account}: compare its ClusterRole with the chart's, which names those of identity.serviceAccounts`,
    );
  }
  if (status === 404) {
    return new FetchFailure('configuration', message, `there is no ServiceAccount ${account} any more`);
  }
  return new FetchFailure(
    'unavailable',
    message,
    `the API server gave no token of ServiceAccount ${account}: it is tried again by itself`,
  );
}
