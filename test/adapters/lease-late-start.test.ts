// A change that was allowed when it was asked for, and is really sent a while later (src/kubernetes/api): reading credentials, opening
// a connection and a 401 take their time, in which the lease may have ended. Then not a byte of it may be sent.
import { type IncomingMessage, type Server, createServer } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Agent, buildConnector } from 'undici';
import { systemClock } from '../../src/app.ts';
import { HttpApi } from '../../src/kubernetes/api.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import { LeadingApi } from '../../src/kubernetes/leading-api.ts';
import { closeServer, listenOnLoopback } from '../../rig/fake-aws/loopback.ts';

const change = { method: 'PATCH', path: '/x', body: {} } as const;

let server: Server;
let origin = '';
let requests: string[] = [];
let leads = true;
let answer: () => number = () => 200;

beforeEach(async () => {
  [requests, leads, answer] = [[], true, () => 200];
  server = createServer((request: IncomingMessage, response) => {
    requests.push(request.method ?? '');
    response.writeHead(answer(), { 'content-type': 'application/json' }).end('{}');
  });
  origin = `http://127.0.0.1:${await listenOnLoopback(server)}`;
});
afterEach(() => closeServer(server));

/** What happens while credentials are read, and while a connection is opened. */
function anApi({
  whileReading = () => undefined,
  whileConnecting = () => undefined,
}: Record<string, () => void> = {}) {
  const open = buildConnector({});
  const agent = new Agent({
    connect: (options, callback) => {
      whileConnecting();
      open(options, callback);
    },
  });
  const connection: Connection = {
    origin,
    prefix: '',
    namespace: 'own',
    dispatcher: () => Promise.resolve(agent),
    headers: () => {
      whileReading();
      return Promise.resolve({});
    },
    close: () => agent.destroy(),
  };
  return new LeadingApi(new HttpApi({ connection, clock: systemClock, userAgent: 'x' }), () => leads);
}

const loseTheLease = () => void (leads = false);
const refused = { status: 0, reason: 'not sent, another replica leads' };

test('with the lease it is sent', async () => {
  expect(await anApi().call(change)).toMatchObject({ status: 200 });
  expect(requests).toEqual(['PATCH']);
});

test.each(['whileReading', 'whileConnecting'])('the lease ends %s: it is not sent', async (moment) => {
  await expect(anApi({ [moment]: loseTheLease }).call(change)).rejects.toMatchObject(refused);
  expect(requests).toEqual([]);
});

test('the lease ends before a 401: it is not sent again', async () => {
  answer = () => {
    loseTheLease();
    return 401;
  };
  await expect(anApi().call(change)).rejects.toMatchObject(refused);
  expect(requests).toEqual(['PATCH']);
});

test.each(['whileReading', 'whileConnecting'])(
  'the lease ends %s: a GET is sent all the same',
  async (moment) => {
    const get = { method: 'GET', path: '/x' } as const;
    expect(await anApi({ [moment]: loseTheLease }).call(get)).toMatchObject({ status: 200 });
  },
);
