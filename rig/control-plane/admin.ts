// The cluster's administrator as a plain HTTP client, for tests and demo: it prepares namespaces and looks at what the
// controller did. Not the client under test, and never part of the product.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import type { ControlPlane } from './control-plane.ts';
import { type ObjectReference, resourcePath } from './resource-path.ts';

/** One request to the API server. */
export interface AdminRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Without a query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Further ones; they win over the client's own. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the API server answered. */
export interface AdminAnswer {
  readonly status: number;
  /** Parsed when it is JSON, else the text. */
  readonly body: unknown;
}

/** The parts of an object that all have. */
export interface KubernetesObject extends ObjectReference {
  readonly metadata: ObjectReference['metadata'] & {
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly Readonly<Record<string, unknown>>[];
  };
  readonly [field: string]: unknown;
}

/** Public keys, as RFC 7517 has them. */
export interface Jwks {
  readonly keys: readonly (Readonly<Record<string, unknown>> & { readonly kty: string })[];
}

/** What a client must know. */
export type AdminAccess = Pick<ControlPlane, 'url' | 'caFile' | 'adminToken'>;

/** A client with all rights. */
export class Admin {
  readonly #url: string;
  readonly #token: string;
  readonly #agent: Agent;

  constructor({ url, caFile, adminToken }: AdminAccess) {
    this.#url = url;
    this.#token = adminToken;
    // Tests ask for a thousand things at once.
    this.#agent = new Agent({ connections: 64, connect: { ca: readFileSync(caFile, 'utf8') } });
  }

  /** Sends a request; an HTTP error is an answer like any other. */
  async request({ method, path, query, body, contentType, headers }: AdminRequest): Promise<AdminAnswer> {
    const response = await request(new URL(path, this.#url), {
      method,
      dispatcher: this.#agent,
      ...(query === undefined ? {} : { query }),
      headers: {
        authorization: `Bearer ${this.#token}`,
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
        ...headers,
      },
      body: body === undefined || typeof body === 'string' ? (body ?? null) : JSON.stringify(body),
    });
    const text = await response.body.text();
    const isJson = /^application\/([\w-]+\+)?json\b/u.test(String(response.headers['content-type']));
    return { status: response.statusCode, body: isJson && !isWatch(query) ? JSON.parse(text) : text };
  }

  /** @returns undefined on 404 */
  async get<T = KubernetesObject>(path: string): Promise<T | undefined> {
    const answer = await this.request({ method: 'GET', path });
    return answer.status === 404 ? undefined : (expectOk(`GET ${path}`, answer) as T);
  }

  /** Server-side apply by force, as field manager `admin`. */
  async apply<T = KubernetesObject>(object: ObjectReference): Promise<T> {
    const path = resourcePath(object);
    const answer = await this.request({
      method: 'PATCH',
      path,
      query: { fieldManager: 'admin', force: 'true' },
      body: object,
      contentType: 'application/apply-patch+yaml',
    });
    return expectOk(`apply ${path}`, answer) as T;
  }

  /** Creates a namespace that must not exist; its `default` ServiceAccount appears a little later. */
  async createNamespace(
    name: string,
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<KubernetesObject> {
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, annotations } };
    const answer = await this.request({ method: 'POST', path: '/api/v1/namespaces', body });
    return expectOk(`create namespace ${name}`, answer) as KubernetesObject;
  }

  /** Sets annotations of a namespace; null removes one. */
  async annotate(
    namespace: string,
    annotations: Readonly<Record<string, string | null>>,
  ): Promise<KubernetesObject> {
    const answer = await this.request({
      method: 'PATCH',
      path: namespacePath(namespace),
      body: { metadata: { annotations } },
      contentType: 'application/merge-patch+json',
    });
    return expectOk(`annotate namespace ${namespace}`, answer) as KubernetesObject;
  }

  /** A token of a ServiceAccount, by TokenRequest: default audience the API server's own, for one hour. */
  async serviceAccountToken(
    namespace: string,
    name: string,
    { audience, seconds = 3600 }: { readonly audience?: string; readonly seconds?: number } = {},
  ): Promise<string> {
    const audiences = audience === undefined ? [] : [audience];
    const answer = await this.request({
      method: 'POST',
      path: `${namespacePath(namespace)}/serviceaccounts/${encodeURIComponent(name)}/token`,
      body: { spec: { audiences, expirationSeconds: seconds } },
    });
    const made = expectOk(`token of ${namespace}/${name}`, answer) as { status: { token: string } };
    return made.status.token;
  }

  /** The public keys of the cluster's ServiceAccount tokens. */
  async jwks(): Promise<Jwks> {
    const headers = { accept: 'application/jwk-set+json' };
    const answer = await this.request({ method: 'GET', path: '/openid/v1/jwks', headers });
    return expectOk('read the JWKS', answer) as Jwks;
  }

  /** Asks to delete a namespace, if it exists; it is gone a little later. */
  async deleteNamespace(name: string): Promise<void> {
    const answer = await this.request({ method: 'DELETE', path: namespacePath(name) });
    if (answer.status !== 404 && answer.status !== 409) expectOk(`delete namespace ${name}`, answer);
  }

  /** Cuts every connection. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** A watch answers with many documents, one a line. */
const isWatch = (query: AdminRequest['query']): boolean => query?.['watch'] !== undefined;

function namespacePath(name: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(name)}`;
}

function expectOk(what: string, { status, body }: AdminAnswer): unknown {
  if (status >= 200 && status < 300) return body;
  const message = (body as { message?: string } | null)?.message ?? JSON.stringify(body);
  throw new Error(`${what}: HTTP ${status}: ${message}`);
}
