// How the API server is reached: in a pod by its ServiceAccount, else by a kubeconfig. Used by kubernetes/api only. Files
// are read again while the program runs, since the kubelet rotates the token and the cluster its CA.
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Agent, type Dispatcher } from 'undici';
import { parse } from 'yaml';
import type { Clock } from '../controller/ports.ts';

/** A way to the API server. */
export interface Connection {
  /** `https://host:port`, without a path. */
  readonly origin: string;
  /** Path prefix of a proxied API server, without a slash at the end; usually empty. */
  readonly prefix: string;
  /** What the next request is sent by. */
  dispatcher(): Promise<Dispatcher>;
  /** The headers that authenticate; `renew`: the last ones were refused. */
  headers(renew: boolean): Promise<Readonly<Record<string, string>>>;
  /** Cuts whatever is open. */
  close(): Promise<void>;
}

/** Where the kubelet puts a pod's credentials. */
export const podCredentials = '/var/run/secrets/kubernetes.io/serviceaccount';

/** How long credential files are trusted, in ms. The kubelet replaces a token when a fifth of its life is left. */
const rereadAfter = 60_000;

/** Connections beyond the workers' and the watches' are of no use; HTTP/2 was measured to be no faster here. */
const agentOptions = { allowH2: false, keepAliveTimeout: 30_000 } as const;

/** What a connection in a pod is made from. */
export interface InClusterProps {
  /** Host and port, from KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. */
  readonly host: string;
  readonly port: string;
  /** The folder with `token` and `ca.crt`. */
  readonly directory: string;
  readonly clock: Pick<Clock, 'now'>;
}

/** The connection of a pod. */
export class InClusterConnection implements Connection {
  readonly origin: string;
  readonly prefix = '';
  readonly #props: InClusterProps;
  #readAt = -Infinity;
  #token = '';
  #ca = '';
  #agent: Agent | undefined;

  constructor(props: InClusterProps) {
    this.#props = props;
    const host = props.host.includes(':') ? `[${props.host}]` : props.host;
    this.origin = `https://${host}:${props.port}`;
  }

  async dispatcher(): Promise<Dispatcher> {
    await this.#read(false);
    this.#agent ??= new Agent({ ...agentOptions, connect: { ca: this.#ca } });
    return this.#agent;
  }

  async headers(renew: boolean): Promise<Readonly<Record<string, string>>> {
    await this.#read(renew);
    return { authorization: `Bearer ${this.#token}` };
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
  }

  async #read(renew: boolean): Promise<void> {
    const { clock, directory } = this.#props;
    if (!renew && clock.now() < this.#readAt + rereadAfter && clock.now() >= this.#readAt) return;
    const [token, ca] = await Promise.all([
      readFile(join(directory, 'token'), 'utf8'),
      readFile(join(directory, 'ca.crt'), 'utf8'),
    ]);
    this.#token = token.trim();
    if (ca !== this.#ca) this.#replaceAgent();
    this.#ca = ca;
    this.#readAt = clock.now();
  }

  /** The next request opens a connection that trusts the new CA; those under way end as they would have. */
  #replaceAgent(): void {
    void this.#agent?.close();
    this.#agent = undefined;
  }
}

/** Which kubeconfig and which part of it. */
export interface KubeconfigProps {
  /** The files, the first one that says something wins; as KUBECONFIG lists them. */
  readonly files: readonly string[];
  /** The context; absent: the current one. */
  readonly context?: string | undefined;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * The connection that a kubeconfig describes: certificates, tokens, exec plugins and proxies as client-node knows them.
 * Loaded here and only when needed, since client-node costs 130 MB of memory.
 * @throws Error when there is no such file or context
 */
export async function connectByKubeconfig({ files, context, clock }: KubeconfigProps): Promise<Connection> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  for (const file of files) {
    const part = new KubeConfig();
    part.loadFromFile(file);
    config.mergeConfig(part, Boolean(config.getCurrentContext()));
  }
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const name = JSON.stringify(config.getCurrentContext());
    throw new Error(`the kubeconfig has no cluster for the context ${name}: name one by --context`);
  }
  return new KubeconfigConnection({
    server: new URL(cluster.server),
    tokenFile: await findTokenFile(files, config.getCurrentUser()?.name),
    clock,
    authenticate: (request) => config.applySecurityAuthentication(request as never),
  });
}

/** client-node knows `token-file`, which nobody writes, and not kubectl's `tokenFile`. */
async function findTokenFile(
  files: readonly string[],
  user: string | undefined,
): Promise<string | undefined> {
  for (const file of files) {
    const config = parse(await readFile(file, 'utf8')) as { users?: readonly KubeconfigUser[] } | null;
    const found = config?.users?.find(({ name }) => name === user)?.user?.tokenFile;
    if (found !== undefined) return resolve(dirname(file), found);
  }
  return undefined;
}

interface KubeconfigUser {
  readonly name?: string;
  readonly user?: { readonly tokenFile?: string };
}

/** What client-node fills in for a request. */
interface SecurityContext {
  setHeaderParam(key: string, value: string): void;
  setDispatcher(dispatcher: Dispatcher): void;
}

interface KubeconfigConnectionProps {
  readonly server: URL;
  readonly tokenFile: string | undefined;
  readonly clock: Pick<Clock, 'now'>;
  readonly authenticate: (context: SecurityContext) => Promise<void>;
}

class KubeconfigConnection implements Connection {
  readonly origin: string;
  readonly prefix: string;
  readonly #props: KubeconfigConnectionProps;
  #dispatcher: Dispatcher | undefined;
  #headers: Readonly<Record<string, string>> = {};
  #readAt = -Infinity;

  constructor(props: KubeconfigConnectionProps) {
    this.#props = props;
    this.origin = props.server.origin;
    this.prefix = props.server.pathname.replace(/\/$/, '');
  }

  async dispatcher(): Promise<Dispatcher> {
    await this.headers(false);
    this.#dispatcher ??= new Agent(agentOptions);
    return this.#dispatcher;
  }

  async headers(renew: boolean): Promise<Readonly<Record<string, string>>> {
    const { clock, tokenFile, authenticate } = this.#props;
    const now = clock.now();
    if (!renew && now < this.#readAt + rereadAfter && now >= this.#readAt) return this.#headers;
    const headers: Record<string, string> = {};
    await authenticate({
      setHeaderParam: (key, value) => {
        headers[key.toLowerCase()] = value;
      },
      setDispatcher: (dispatcher) => this.#keep(dispatcher),
    });
    if (tokenFile !== undefined)
      headers['authorization'] = `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`;
    this.#headers = headers;
    this.#readAt = now;
    return headers;
  }

  /** client-node makes a new dispatcher, with its own connections, each time: only the first is used. */
  #keep(dispatcher: Dispatcher): void {
    if (this.#dispatcher === undefined) this.#dispatcher = dispatcher;
    else void dispatcher.close();
  }

  async close(): Promise<void> {
    await this.#dispatcher?.destroy();
  }
}
