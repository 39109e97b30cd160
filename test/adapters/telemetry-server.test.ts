// The server for probes and Prometheus (src/telemetry/server) over real sockets.
import { createConnection } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { type TelemetryServer, startTelemetryServer } from '../../src/telemetry/server.ts';
import { until } from '../support/stub-api-server.ts';

let server: TelemetryServer;
let ready: boolean;
const page = createMetrics('1.2.3');

const start = (port = 0, host = '127.0.0.1') =>
  startTelemetryServer({ host, port, ready: () => ready, page });

beforeEach(async () => {
  ready = false;
  server = await start();
});

afterEach(() => server.close());

const get = async (path: string, init: RequestInit = {}) => {
  const response = await fetch(server.url + path, init);
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
};

test('its address is the one that it was given, with the port that it took', () => {
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
});

test('it is alive as soon as it answers, ready or not', async () => {
  expect(await get('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
  ready = true;
  expect((await get('/healthz')).status).toBe(200);
});

test('it is ready exactly while the controller says so', async () => {
  expect((await get('/readyz')).status).toBe(503);
  ready = true;
  expect((await get('/readyz')).status).toBe(200);
  ready = false;
  expect((await get('/readyz')).status).toBe(503);
});

test('the metrics are there at once, in the format that Prometheus reads', async () => {
  page.metrics.reconciled('recheck', 0.01);
  const { status, type, body } = await get('/metrics');
  expect([status, type]).toStrictEqual([200, page.contentType]);
  expect(body).toContain('ecr_pull_secrets_build_info{version="1.2.3"} 1');
  expect(body).toMatch(/^ecr_pull_secrets_reconciles_total\{outcome="recheck"\} \d+$/m);
  expect(body).toMatch(/^process_cpu_/m);
});

test('a query changes nothing, as kubelet and Prometheus may send one', async () => {
  ready = true;
  expect((await get('/readyz?verbose')).status).toBe(200);
  expect((await get('/metrics?x=/healthz')).body).toContain('ecr_pull_secrets_build_info');
});

test.each(['/', '/metrics/', '/healthz/x', '/debug/pprof', '//healthz', '/?/healthz'])(
  'there is nothing else: %s is not found, and says what there is',
  async (path) => {
    const { status, body } = await get(path);
    expect(status).toBe(404);
    for (const known of ['/healthz', '/readyz', '/metrics']) expect(body).toContain(known);
  },
);

test('a page that cannot be rendered cuts that request only', async () => {
  const broken = { contentType: 'text/plain', render: () => Promise.reject(new Error('no page')) };
  const other = await startTelemetryServer({ host: '127.0.0.1', port: 0, ready: () => true, page: broken });
  await expect(fetch(`${other.url}/metrics`)).rejects.toThrow(TypeError);
  expect((await fetch(`${other.url}/healthz`)).status).toBe(200);
  await other.close();
});

describe('the address', () => {
  test('that is in use is an error that names it', async () => {
    const port = Number(new URL(server.url).port);
    await expect(start(port)).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  });

  test('that the machine does not have is an error', async () => {
    await expect(start(0, '203.0.113.1')).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
  });

  test('of IPv6 is written with brackets', async ({ skip }) => {
    const six = await start(0, '::1').catch(() => undefined);
    if (six === undefined) return skip('no IPv6 on this machine');
    expect(six.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect((await fetch(`${six.url}/healthz`)).status).toBe(200);
    await six.close();
  });

  test('is free again after closing', async () => {
    await get('/healthz');
    await server.close();
    await expect(get('/healthz')).rejects.toThrow(TypeError);
    server = await start(Number(new URL(server.url).port));
    expect((await get('/healthz')).status).toBe(200);
  });
});

test('closing does not wait for clients that hold their connection open', async () => {
  const { hostname, port } = new URL(server.url);
  const client = createConnection({ host: hostname, port: Number(port) });
  let over = false;
  client.on('error', () => undefined).on('close', () => (over = true));
  await new Promise<void>((resolve) => void client.once('connect', () => resolve()));
  client.write('GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ');
  await server.close();
  await until(() => over);
  expect(over).toBe(true);
});
