// The HTTP server for probes and Prometheus: /healthz, /readyz, /metrics, nothing else. Started first and stopped last by
// the `run` command. It answers from memory and never asks the API server or AWS anything.
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { MetricsPage } from './metrics.ts';

/** What the server tells. */
export interface TelemetryServerProps {
  /** Where to listen; undefined: everywhere; port 0: any free one. */
  readonly host: string | undefined;
  readonly port: number;
  /** True while everything that is watched is known completely and nothing is stopping. */
  readonly ready: () => boolean;
  readonly page: Pick<MetricsPage, 'render' | 'contentType'>;
}

/** A server that listens. */
export interface TelemetryServer {
  /** `http://host:port`, with the port that was really taken. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts to listen. @throws Error when the address cannot be had */
export async function startTelemetryServer(props: TelemetryServerProps): Promise<TelemetryServer> {
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    answer(request, response, props).catch(() => response.destroy());
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(props.port, props.host, resolve);
  await promise;
  return { url: `http://${addressOf(server)}`, close: () => close(server) };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { ready, page }: TelemetryServerProps,
): Promise<void> {
  const path = (request.url ?? '').replace(/\?.*$/, '');
  if (path === '/healthz') return send(response, 200, 'ok\n');
  if (path === '/readyz') return ready() ? send(response, 200, 'ok\n') : send(response, 503, 'not ready\n');
  if (path !== '/metrics') return send(response, 404, 'There are /healthz, /readyz and /metrics.\n');
  const body = await page.render();
  response.setHeader('content-type', page.contentType);
  send(response, 200, body);
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status).end(body);
}

function addressOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the telemetry server has no port');
  return address.family === 'IPv6'
    ? `[${address.address}]:${address.port}`
    : `${address.address}:${address.port}`;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
}
