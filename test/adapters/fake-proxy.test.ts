// The proxy of the rig and the TLS face of the fake AWS against Node's own agents and the real SDK: which endpoint is really
// asked when FIPS or dual-stack is wanted, and how a proxy refuses.
import { Agent as HttpAgent, createServer, get } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { readFile } from 'node:fs/promises';
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import {
  ECRPUBLICClient,
  GetAuthorizationTokenCommand as PublicTokenCommand,
} from '@aws-sdk/client-ecr-public';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { closeServer, listenOnLoopback } from '../../rig/fake-aws/loopback.ts';
import { endpointNames } from '../../rig/fake-aws/partition.ts';
import { type Proxy, type ProxyOptions, startProxy } from '../../rig/fake-aws/proxy.ts';
import { type Scene, startScene, staticKey } from '../../rig/fake-aws/scene.ts';
import { sdkEnvironment } from '../../rig/fake-aws/sdk-environment.ts';
import { startTlsFace, type TlsFace } from '../../rig/fake-aws/tls-face.ts';

let scene: Scene;
let face: TlsFace;
let proxy: Proxy;

const hosts = ['us-east-1', 'us-gov-west-1', 'cn-north-1'].flatMap(endpointNames);

beforeEach(async () => {
  scene = await startScene();
  face = await startTlsFace(scene.aws.url, hosts);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await proxy.close();
  await face.close();
  await scene[Symbol.asyncDispose]();
});

/** Starts the proxy. @returns what a client needs to go through it, to AWS's own endpoints */
async function through(options: ProxyOptions = {}, proxyUrl = (url: string) => url) {
  proxy = await startProxy({ tunnels: { '*': face.port }, ...options });
  for (const [name, value] of Object.entries(sdkEnvironment(undefined))) vi.stubEnv(name, value);
  const proxyEnv = { HTTPS_PROXY: proxyUrl(proxy.url), HTTP_PROXY: proxyUrl(proxy.url) };
  return {
    credentials: staticKey,
    maxAttempts: 1,
    region: 'us-east-1',
    requestHandler: {
      httpsAgent: new HttpsAgent({ ca: face.ca, proxyEnv }),
      httpAgent: new HttpAgent({ proxyEnv }),
    },
  };
}

const whoAmI = new GetCallerIdentityCommand({});

describe('the endpoints of AWS, by name', () => {
  test.each([
    [{}, ['sts.us-east-1.amazonaws.com', 'api.ecr.us-east-1.amazonaws.com']],
    [{ useFipsEndpoint: true }, ['sts-fips.us-east-1.amazonaws.com', 'api.ecr-fips.us-east-1.amazonaws.com']],
    [{ useDualstackEndpoint: true }, ['sts.us-east-1.api.aws', 'ecr.us-east-1.api.aws']],
    [
      { useFipsEndpoint: true, useDualstackEndpoint: true },
      ['sts-fips.us-east-1.api.aws', 'ecr-fips.us-east-1.api.aws'],
    ],
  ])('with %j', async (endpoints, [sts = '', ecr = '']) => {
    const client = { ...(await through()), ...endpoints };
    const { Arn } = await new STSClient(client).send(whoAmI);
    expect(Arn).toBe(staticKey.userArn);
    const { authorizationData } = await new ECRClient(client).send(new GetAuthorizationTokenCommand({}));
    expect(authorizationData).toHaveLength(1);
    expect(scene.aws.calls).toMatchObject([
      { service: 'sts', host: sts, region: 'us-east-1', code: 'ok' },
      { service: 'ecr', host: ecr, region: 'us-east-1', code: 'ok' },
    ]);
    expect(proxy.requests).toStrictEqual([
      { method: 'CONNECT', target: `${sts}:443`, status: 200 },
      { method: 'CONNECT', target: `${ecr}:443`, status: 200 },
    ]);
    expect(face.serverNames).toStrictEqual([sts, ecr]);
  });

  test.each([
    ['us-gov-west-1', 'sts.us-gov-west-1.api.aws'],
    ['cn-north-1', 'sts.cn-north-1.api.amazonwebservices.com.cn'],
  ])('of another partition: %s', async (region, host) => {
    const client = { ...(await through()), region, useDualstackEndpoint: true };
    // The key is one of the commercial partition.
    await expect(new STSClient(client).send(whoAmI)).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
    expect(scene.aws.calls).toMatchObject([{ host, region, code: 'InvalidClientTokenId' }]);
  });

  test('of ECR Public', async () => {
    await new ECRPUBLICClient(await through()).send(new PublicTokenCommand({}));
    expect(scene.aws.calls).toMatchObject([
      { service: 'ecr-public', host: 'api.ecr-public.us-east-1.amazonaws.com' },
    ]);
  });

  test('a name that the certificate is not for is not believed, nor is the certificate without its CA', async () => {
    const client = await through();
    await expect(new STSClient({ ...client, region: 'eu-west-1' }).send(whoAmI)).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    const httpsAgent = new HttpsAgent({ proxyEnv: { HTTPS_PROXY: proxy.url } });
    const unaware = new STSClient({ ...client, requestHandler: { httpsAgent } });
    await expect(unaware.send(whoAmI)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(await readFile(face.caFile, 'utf8')).toBe(face.ca);
    expect(scene.aws.calls).toHaveLength(0);
  });

  test('an agent of which nobody knows believes it as long as the whole process does', async () => {
    const client = await through();
    const askWithOwnAgent = async () => {
      const httpsAgent = new HttpsAgent({ proxyEnv: { HTTPS_PROXY: proxy.url } });
      return await new STSClient({ ...client, requestHandler: { httpsAgent } }).send(whoAmI);
    };
    const undo = face.trust();
    await expect(askWithOwnAgent()).resolves.toHaveProperty('Arn');
    undo();
    await expect(askWithOwnAgent()).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });
});

describe('a proxy', () => {
  test.each([407, 502])('that refuses by %d lets nothing through, until it does', async (status) => {
    const client = new STSClient(await through());
    const undo = proxy.refuse(status);
    await expect(client.send(whoAmI)).rejects.toMatchObject({
      code: 'ERR_PROXY_TUNNEL',
      message: expect.stringContaining(String(status)),
    });
    expect(scene.aws.calls).toHaveLength(0);
    undo();
    await client.send(whoAmI);
    expect(proxy.requests.map((request) => request.status)).toStrictEqual([status, 200]);
  });

  test('opens the tunnels that it was told of and no others', async () => {
    const client = await through({ tunnels: { 'sts.us-east-1.amazonaws.com:443': face.port } });
    await new STSClient(client).send(whoAmI);
    await expect(new ECRClient(client).send(new GetAuthorizationTokenCommand({}))).rejects.toMatchObject({
      code: 'ERR_PROXY_TUNNEL',
    });
    expect(proxy.requests.map(({ status }) => status)).toStrictEqual([200, 502]);
  });

  test('can ask for a login, which nothing keeps', async () => {
    const login = 'me:sesame';
    const refused = new STSClient(await through({ login }));
    await expect(refused.send(whoAmI)).rejects.toThrow('407');
    await proxy.close();
    const admitted = new STSClient(await through({ login }, (url) => url.replace('://', `://${login}@`)));
    await admitted.send(whoAmI);
    expect(JSON.stringify([proxy.requests, scene.aws.calls])).not.toMatch(/sesame|bWU6/);
  });

  test('forwards plain requests to loopback, with their signature intact', async () => {
    const client = { ...(await through()), endpoint: scene.aws.url };
    await new STSClient(client).send(whoAmI);
    expect(proxy.requests).toStrictEqual([{ method: 'POST', target: `${scene.aws.url}/`, status: 200 }]);
    const undo = proxy.refuse(407);
    await expect(new STSClient(client).send(whoAmI)).rejects.toMatchObject({
      $metadata: { httpStatusCode: 407 },
    });
    undo();
    expect(scene.aws.calls).toHaveLength(1);
  });

  test('keeps its login to itself', async () => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(...Object.keys(request.headers));
      response.end();
    });
    const endpoint = `http://127.0.0.1:${await listenOnLoopback(server)}`;
    await using stack = new AsyncDisposableStack();
    stack.defer(() => closeServer(server));
    const login = 'me:sesame';
    const { requestHandler } = await through({ login }, (url) => url.replace('://', `://${login}@`));
    await new Promise((resolve) => void get(endpoint, { agent: requestHandler.httpAgent }, resolve));
    expect(seen).toContain('host');
    expect(seen.filter((name) => name.startsWith('proxy-'))).toStrictEqual([]);
  });

  test('reaches nothing but loopback, and says so when nobody listens there', async () => {
    const client = await through();
    const statusOf = async (endpoint: string): Promise<unknown> => {
      const error: unknown = await new STSClient({ ...client, endpoint })
        .send(whoAmI)
        .catch((e: unknown) => e);
      return Reflect.get(Object(Reflect.get(Object(error), '$metadata')), 'httpStatusCode');
    };
    expect(await statusOf('http://sts.us-east-1.amazonaws.com')).toBe(502);
    // Not even when somebody listens on loopback at that port.
    expect(await statusOf(scene.aws.url.replace('127.0.0.1', '192.0.2.1'))).toBe(502);
    expect(await statusOf('http://127.example.com')).toBe(502);
    const gone = createServer();
    const port = await listenOnLoopback(gone);
    await closeServer(gone);
    expect(await statusOf(`http://127.0.0.1:${port}`)).toBe(502);
  });
});
