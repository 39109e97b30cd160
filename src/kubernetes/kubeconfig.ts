// The way to the API server that a kubeconfig describes: certificates, tokens, exec plugins and proxies as client-node knows
// them. Used outside a cluster only, so client-node (130 MB of memory) is loaded here, when first needed.
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher, type buildConnector } from 'undici';
import { parse } from 'yaml';
import type { Clock } from '../controller/ports.ts';
import { type Connection, agentOptions, rereadAfter } from './connection.ts';

/** Which kubeconfig and which part of it. */
export interface KubeconfigProps {
  /** The files, the first one that says something wins; as KUBECONFIG lists them. */
  readonly files: readonly string[];
  /** The context; absent: the current one. */
  readonly context?: string | undefined;
  readonly clock: Pick<Clock, 'now'>;
}

/** Opens the connection. @throws Error when there is no such file or context */
export async function connectByKubeconfig({ files, context, clock }: KubeconfigProps): Promise<Connection> {
  const config = await load(files);
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    const name = JSON.stringify(config.getCurrentContext());
    throw new Error(`the kubeconfig has no cluster for the context ${name}: name one by --context`);
  }
  const tokenFile = await findTokenFile(files, config.getCurrentUser()?.name);
  return new KubeconfigConnection({ config, server: new URL(cluster.server), tokenFile, clock });
}

interface Named {
  readonly name: string;
}

async function load(files: readonly string[]): Promise<KubeConfig> {
  const { KubeConfig: Config } = await import('@kubernetes/client-node');
  const config = new Config();
  for (const file of files) {
    const part = new Config();
    part.loadFromFile(file);
    // The first file that names something wins; mergeConfig would refuse the second.
    const isNew = (known: readonly Named[] | undefined) => (entry: Named) =>
      !known?.some(({ name }) => name === entry.name);
    part.clusters = part.clusters.filter(isNew(config.clusters));
    part.users = part.users.filter(isNew(config.users));
    part.contexts = part.contexts.filter(isNew(config.contexts));
    config.mergeConfig(part, Boolean(config.getCurrentContext()));
  }
  return config;
}

interface KubeconfigUser {
  readonly name?: string;
  readonly user?: { readonly tokenFile?: string };
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

interface ConnectionProps {
  readonly config: KubeConfig;
  readonly server: URL;
  readonly tokenFile: string | undefined;
  readonly clock: Pick<Clock, 'now'>;
}

class KubeconfigConnection implements Connection {
  readonly origin: string;
  readonly prefix: string;
  readonly namespace: string;
  readonly #props: ConnectionProps;
  #dispatcher: Dispatcher | undefined;
  #headers: Readonly<Record<string, string>> = {};
  #readAt = -Infinity;
  /** Shared by the requests that ask at the same time: an exec plugin must not be run for each. */
  #reading: Promise<Readonly<Record<string, string>>> | undefined;

  constructor(props: ConnectionProps) {
    const { config, server } = props;
    this.#props = props;
    this.origin = server.origin;
    this.prefix = server.pathname.replace(/\/$/, '');
    this.namespace = config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
    // client-node's agent would speak HTTP/2, whose streams end with an uncaught error when the agent is destroyed
    // (undici 8.12); ours takes its place. Those for proxies stay theirs.
    const describe = config.createDispatcherOptions.bind(config);
    config.createDispatcherOptions = (...args) => {
      const options = describe(...args);
      if (options.type !== 'agent') return options;
      this.#dispatcher ??= new Agent({
        ...agentOptions,
        connect: options.connect as buildConnector.BuildOptions,
      });
      return { type: 'none' };
    };
  }

  async dispatcher(): Promise<Dispatcher> {
    await this.headers(false);
    this.#dispatcher ??= new Agent(agentOptions);
    return this.#dispatcher;
  }

  async headers(renew: boolean): Promise<Readonly<Record<string, string>>> {
    const now = this.#props.clock.now();
    if (!renew && now < this.#readAt + rereadAfter && now >= this.#readAt) return this.#headers;
    this.#reading ??= this.#read(now).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(now: number): Promise<Readonly<Record<string, string>>> {
    const { config, tokenFile } = this.#props;
    const headers: Record<string, string> = {};
    const request = {
      setHeaderParam: (key: string, value: string) => {
        headers[key.toLowerCase()] = value;
      },
      setDispatcher: (dispatcher: Dispatcher) => this.#keep(dispatcher),
    };
    await config.applySecurityAuthentication(request as never);
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
