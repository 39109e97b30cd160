// A way to the API server, and the one that a pod has: its ServiceAccount (kubeconfig is the other one). Used by kubernetes/api
// only. Files are read again while the program runs, since the kubelet rotates the token and the cluster its CA.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, type Dispatcher } from 'undici';
import type { Clock } from '../controller/ports.ts';

/** A way to the API server. */
export interface Connection {
  /** `https://host:port`, without a path. */
  readonly origin: string;
  /** Path prefix of a proxied API server, without a slash at the end; usually empty. */
  readonly prefix: string;
  /** The namespace that the program itself is in, or acts from: the pod's, or that of the kubeconfig's context. */
  readonly namespace: string;
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
export const rereadAfter = 60_000;

/** Connections beyond the workers' and the watches' are of no use; HTTP/2 was measured to be no faster here. */
export const agentOptions = { allowH2: false, keepAliveTimeout: 30_000 } as const;

/** What a connection in a pod is made from. */
export interface InClusterProps {
  /** Host and port, from KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. */
  readonly host: string;
  readonly port: string;
  /** The folder with `token` and `ca.crt`. */
  readonly directory: string;
  /** The pod's namespace. */
  readonly namespace: string;
  readonly clock: Pick<Clock, 'now'>;
}

/** The connection of a pod. */
export class InClusterConnection implements Connection {
  readonly origin: string;
  readonly prefix = '';
  readonly namespace: string;
  readonly #props: InClusterProps;
  #readAt = -Infinity;
  #token = '';
  #ca = '';
  #agent: Agent | undefined;
  /** Those of an older CA, kept for `close`; undici's close would forget what they have under way. */
  readonly #retired: Agent[] = [];

  constructor(props: InClusterProps) {
    this.#props = props;
    this.namespace = props.namespace;
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
    for (const agent of this.#retired) await agent.destroy();
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
    if (this.#agent !== undefined) this.#retired.push(this.#agent);
    this.#agent = undefined;
  }
}
