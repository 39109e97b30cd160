// A badly behaved API server on a loopback port, by HTTP or TLS: each test scripts what it answers, stalls or cuts. Used
// by the adapter tests of src/kubernetes. It knows the form of Kubernetes' answers and nothing of their meaning.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { Agent } from 'undici';
import type { Connection } from '../../src/kubernetes/connection.ts';

/** Stands in the body of every refusal, where a real server may repeat what was sent; it must never get any further. */
export const leakedText = 'QVdTOmV5SnNaV0ZyWldRaU9uUnlkV1Y5';

/** A request as it arrived. */
export interface SeenRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a refusal says beside its reason. */
export interface RefusalOptions {
  readonly message?: string;
  readonly causes?: readonly { readonly reason?: string; readonly field?: string }[];
  /** The header, in s. */
  readonly retryAfter?: string;
  /** In the body, in s. */
  readonly retryAfterSeconds?: number;
}

/** The body of a refusal, as the API server writes it. */
export function statusObject(code: number, reason: string, options: RefusalOptions = {}): unknown {
  const causes = options.causes?.map((cause) => ({ ...cause, message: `Invalid value: ${leakedText}` }));
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: options.message ?? `it was sent ${leakedText}`,
    reason,
    details: { name: leakedText, causes, retryAfterSeconds: options.retryAfterSeconds },
    code,
  };
}

/** The open body of a watch. */
export class WatchStream {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
  }

  send(type: string, object: unknown): this {
    return this.raw(`${JSON.stringify({ type, object })}\n`);
  }

  raw(bytes: string | Uint8Array): this {
    this.#response.write(bytes);
    return this;
  }

  /** Ends in good order, as a server does when `timeoutSeconds` are over. */
  end(): void {
    this.#response.end();
  }

  /** The connection breaks. */
  cut(): void {
    this.#response.socket?.destroy();
  }

  /** True once the client has gone, or the stream was ended. */
  get over(): boolean {
    return this.#response.destroyed || this.#response.writableFinished;
  }
}

/** One request, to be answered in one of these ways, or not at all. */
export class Exchange {
  readonly request: SeenRequest;
  readonly #response: ServerResponse;

  constructor(request: SeenRequest, response: ServerResponse) {
    this.request = request;
    this.#response = response;
  }

  json(body: unknown, status = 200): void {
    this.text(JSON.stringify(body), status);
  }

  text(body: string, status = 200): void {
    this.#response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  }

  refuse(status: number, reason: string, options: RefusalOptions = {}): void {
    if (options.retryAfter !== undefined) this.#response.setHeader('retry-after', options.retryAfter);
    this.json(statusObject(status, reason, options), status);
  }

  watch(): WatchStream {
    return new WatchStream(this.#response);
  }

  cut(): void {
    this.#response.socket?.destroy();
  }

  /** True once the client has gone. */
  get over(): boolean {
    return this.#response.destroyed;
  }
}

/** What to do with a request; doing nothing is a server that hangs. */
export type Handler = (exchange: Exchange) => void;

/** A key with its certificate for the loopback addresses, signed by nobody else. */
export interface Authority {
  readonly key: string;
  readonly cert: string;
}

/** Makes a certificate that is its own CA; `directory` is a place for the files. */
export function makeAuthority(directory: string, name: string): Authority {
  const [key, cert, config] = ['key', 'crt', 'cnf'].map((ending) => join(directory, `${name}.${ending}`));
  if (key === undefined || cert === undefined || config === undefined) throw new Error('unreachable');
  writeFileSync(
    config,
    [
      `[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\nCN=${name}\n[ext]\nbasicConstraints=critical,CA:TRUE`,
      'subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost\n',
    ].join('\n'),
  );
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-config', config, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

/** A running stub. */
export interface StubApiServer {
  readonly url: string;
  readonly port: number;
  /** In the order of their arrival. */
  readonly requests: readonly SeenRequest[];
  /** Connections that were ever opened. */
  readonly connections: number;
  /** What answers each request from now on, unless `next` has something for it. */
  handle(handler: Handler): void;
  /** What answers the coming requests, one each; for the last ones there is `handle`. */
  next(...handlers: Handler[]): void;
  /** Serves by another certificate from now on; open connections are cut. */
  rotate(authority: Authority): void;
  close(): Promise<void>;
}

/** Starts a stub on a free port; with `tls` by TLS. It answers 404 until it is told otherwise. */
export async function startStubApiServer(
  options: { tls?: Authority; host?: string } = {},
): Promise<StubApiServer> {
  const { tls, host = '127.0.0.1' } = options;
  const requests: SeenRequest[] = [];
  const script: Handler[] = [];
  let handler: Handler = (exchange) => exchange.refuse(404, 'NotFound');
  let connections = 0;
  const sockets = new Set<Socket>();
  const receive = async (message: IncomingMessage, response: ServerResponse) => {
    const request = await readRequest(message);
    requests.push(request);
    (script.shift() ?? handler)(new Exchange(request, response));
  };
  const listener = (message: IncomingMessage, response: ServerResponse) => {
    response.on('error', () => undefined);
    receive(message, response).catch(() => response.destroy());
  };
  const secure = tls === undefined ? undefined : createTlsServer(tls, listener);
  const server = secure ?? createServer(listener);
  server.on(secure === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${secure === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    requests,
    get connections() {
      return connections;
    },
    handle: (next) => void (handler = next),
    next: (...handlers) => void script.push(...handlers),
    rotate: (authority) => {
      secure?.setSecureContext(authority);
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

async function readRequest(message: IncomingMessage): Promise<SeenRequest> {
  const { pathname, searchParams } = new URL(message.url ?? '/', 'http://stub');
  const chunks: Uint8Array[] = [];
  for await (const chunk of message) chunks.push(chunk as Uint8Array);
  return {
    method: message.method ?? '',
    path: pathname,
    query: Object.fromEntries(searchParams),
    headers: message.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

/** A plain way to the stub, without credentials; what the tests of everything above `connection` use. */
export function connectTo(server: Pick<StubApiServer, 'url'>): Connection {
  const agent = new Agent();
  return {
    origin: server.url,
    prefix: '',
    namespace: 'own',
    dispatcher: () => Promise.resolve(agent),
    headers: () => Promise.resolve({ authorization: 'Bearer plain' }),
    close: () => agent.destroy(),
  };
}

/** Waits for something that takes real time, such as an answer from a socket. */
export async function until(what: () => boolean, limitMs = 20_000): Promise<void> {
  for (const end = performance.now() + limitMs; !what();) {
    if (performance.now() > end) throw new Error(`this did not become true: ${what.toString()}`);
    await new Promise<void>((resolve) => void setTimeout(resolve, 2));
  }
}
