// An HTTP proxy on loopback, for programs with HTTPS_PROXY and HTTP_PROXY: it notes what it is asked for, tunnels to chosen
// loopback ports, and forwards plain requests to loopback. Used by tests. It never reaches anything outside this machine,
// and keeps no login and no body.
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as startRequest,
  type ServerResponse,
} from 'node:http';
import { connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { closeServer, listenOnLoopback } from './loopback.ts';

/** How the proxy behaves. */
export interface ProxyOptions {
  /** `host:port` of a CONNECT → loopback port; `*` for every host that is not named. */
  readonly tunnels?: Readonly<Record<string, number>>;
  /** `user:password` that it asks for; default: none. */
  readonly login?: string;
}

/** What was asked for. */
export interface ProxiedRequest {
  /** `CONNECT`, or the method of a plain request. */
  readonly method: string;
  /** `host:port` of a CONNECT, else the URL. */
  readonly target: string;
  /** Of the proxy's own answer; of a forwarded request, the status that came back. Absent: not answered yet. */
  readonly status?: number;
}

/** A running proxy. */
export interface Proxy {
  /** `http://127.0.0.1:<port>`, for HTTPS_PROXY. */
  readonly url: string;
  /** Every request so far. */
  readonly requests: readonly ProxiedRequest[];
  /** Refuses everything, such as by 407 or 502. @returns how to undo it */
  refuse(status: number): () => void;
  /** Cuts every connection and tunnel, and ends. */
  close(): Promise<void>;
}

type Noted = { -readonly [Name in keyof ProxiedRequest]: ProxiedRequest[Name] };

/** Starts a proxy on a free port. */
export async function startProxy({ tunnels = {}, login }: ProxyOptions = {}): Promise<Proxy> {
  const requests: Noted[] = [];
  const sockets = new Set<Socket>();
  let refusal: number | undefined;
  const note = (method: string, target: string): Noted => {
    const noted: Noted = { method, target };
    requests.push(noted);
    return noted;
  };
  const refusalOf = ({ headers }: IncomingMessage): number | undefined =>
    refusal ?? (isLoggedIn(headers['proxy-authorization'], login) ? undefined : 407);
  const server = createServer((request, response) => {
    const noted = note(request.method ?? '', request.url ?? '');
    const status = refusalOf(request);
    response.once('finish', () => void (noted.status = response.statusCode));
    if (status === undefined) forward(request, response);
    else refuse(response, status);
  });
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    const noted = note('CONNECT', request.url ?? '');
    const port = tunnels[noted.target] ?? tunnels['*'];
    noted.status = refusalOf(request) ?? (port === undefined ? 502 : 200);
    if (noted.status !== 200 || port === undefined) {
      client.end(`HTTP/1.1 ${noted.status} Refused\r\n${challenge(noted.status)}content-length: 0\r\n\r\n`);
      return;
    }
    // What the client sent without waiting for the answer belongs to the tunnel.
    if (head.length > 0) client.unshift(head);
    for (const socket of tunnel(client, port)) sockets.add(socket);
  });
  const port = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}`,
    get requests() {
      return requests.map((request) => ({ ...request }));
    },
    refuse: (status) => {
      refusal = status;
      return () => void (refusal = undefined);
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await closeServer(server);
    },
  };
}

function isLoggedIn(header: string | undefined, login: string | undefined): boolean {
  return login === undefined || header === `Basic ${Buffer.from(login).toString('base64')}`;
}

/** What a client is to do about a refusal, as a header line. */
const challenge = (status: number): string =>
  status === 407 ? 'proxy-authenticate: Basic realm="rig"\r\n' : '';

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, status === 407 ? { 'proxy-authenticate': 'Basic realm="rig"' } : {}).end();
}

/** Joins two sockets until one of them ends. */
function tunnel(client: Socket, port: number): readonly [Socket, Socket] {
  const target = connect(port, '127.0.0.1');
  target.once('connect', () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    pipeline(client, target, client, () => undefined);
  });
  target.once('error', () => client.destroy());
  client.once('error', () => target.destroy());
  return [client, target];
}

function forward(request: IncomingMessage, response: ServerResponse): void {
  const url = URL.parse(request.url ?? '');
  if (url === null || url.protocol !== 'http:' || !isLoopback(url.hostname)) {
    refuse(response, 502);
    return;
  }
  const { method = '', headers } = request;
  const onward = startRequest(
    { host: '127.0.0.1', port: url.port, path: url.pathname + url.search, method, headers: ownOnly(headers) },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, ownOnly(answer.headers));
      pipeline(answer, response, () => undefined);
    },
  );
  onward.once('error', () => (response.headersSent ? response.destroy() : refuse(response, 502)));
  response.once('close', () => onward.destroy());
  request.pipe(onward);
}

const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || /^127(\.\d{1,3}){3}$/.test(hostname);

/** What concerns one connection only is not passed on. */
function ownOnly(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const ofConnection = /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ofConnection.test(name)));
}
