// AwsTokenFetcher through a proxy: that HTTPS_PROXY, HTTP_PROXY and NO_PROXY count for every call, how it ends when the proxy or a
// certificate is wrong, and that a login in the proxy's URL is seen by nobody. Host names are in aws-endpoints.test.ts.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { endpointNames } from '../../rig/fake-aws/partition.ts';
import { type Proxy, type ProxyOptions, startProxy } from '../../rig/fake-aws/proxy.ts';
import { controllerRole, type Scene, startScene } from '../../rig/fake-aws/scene.ts';
import { sdkEnvironment, type SdkVariable } from '../../rig/fake-aws/sdk-environment.ts';
import { startTlsFace, type TlsFace } from '../../rig/fake-aws/tls-face.ts';
import type { FetchFailure } from '../../src/domain/errors.ts';
import {
  byPartner,
  byWebIdentity,
  failureOf,
  makeFetcher,
  privateSource,
  useEnvironment,
} from '../support/aws-fetching.ts';

const region = 'us-east-1';

let stack: AsyncDisposableStack;
let scene: Scene;
let face: TlsFace;
let proxy: Proxy;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  scene = stack.use(await startScene());
  face = await startTlsFace(scene.aws.url, endpointNames(region));
  stack.defer(() => face.close());
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await stack.disposeAsync();
});

async function start(options: ProxyOptions = {}): Promise<void> {
  proxy = await startProxy({ tunnels: { '*': face.port }, ...options });
  stack.defer(() => proxy.close());
}

type Own = Readonly<Partial<Record<SdkVariable, string>>>;

const use = (url: string | undefined, own: Own) =>
  useEnvironment(
    sdkEnvironment(url, {
      AWS_REGION: region,
      AWS_ROLE_ARN: controllerRole.arn,
      AWS_WEB_IDENTITY_TOKEN_FILE: scene.tokenFile,
      ...own,
    }),
  );

const login = 'me:open sesame/5';
const loggedIn = (url: string, name = 'me', password = 'open%20sesame%2F5') =>
  url.replace('://', `://${name}:${password}@`);

const fetchToken = async () => await makeFetcher().fetch(privateSource(byPartner, region));

/** How a fetch fails, having made sure that nothing of the proxy's login is in it. */
async function failure(): Promise<FetchFailure> {
  const failed = await failureOf(fetchToken());
  expect(`${failed.stack} ${JSON.stringify(failed)}`).not.toMatch(/sesame|bWU6|me:/);
  return failed;
}

describe('HTTPS_PROXY', () => {
  test.each(['HTTPS_PROXY', 'https_proxy'] as const)('as %s counts for every call', async (variable) => {
    stack.defer(face.trust());
    await start();
    use(undefined, { [variable]: proxy.url });
    await fetchToken();
    expect(proxy.requests.map(({ target }) => target)).toStrictEqual([
      'sts.us-east-1.amazonaws.com:443',
      'sts.us-east-1.amazonaws.com:443',
      'api.ecr.us-east-1.amazonaws.com:443',
    ]);
    expect(scene.aws.count({ code: 'ok' })).toBe(3);
  });

  test('with a login gets through where one is asked for, and nobody but the proxy sees it', async () => {
    stack.defer(face.trust());
    await start({ login });
    use(undefined, { HTTPS_PROXY: loggedIn(proxy.url) });
    await fetchToken();
    expect(proxy.requests.map(({ status }) => status)).toStrictEqual([200, 200, 200]);
    expect(JSON.stringify(scene.aws.calls)).not.toMatch(/sesame|bWU6/);
  });

  test.each<[what: string, url: (url: string) => string]>([
    ['no login', (url) => url],
    ['a wrong password', (url) => loggedIn(url, 'me', 'closed%20sesame')],
    ['another name', (url) => loggedIn(url, 'you')],
  ])('with %s is refused where a login is asked for, and that is said', async (_what, url) => {
    await start({ login });
    use(undefined, { HTTPS_PROXY: url(proxy.url) });
    expect(await failure()).toMatchObject({
      reason: 'unavailable',
      message: 'sts AssumeRoleWithWebIdentity in us-east-1: ERR_PROXY_TUNNEL',
      advice: expect.stringMatching(/proxy of HTTPS_PROXY.*its login/),
    });
    expect(proxy.requests.map(({ status }) => status)).toStrictEqual([407]);
    expect(scene.aws.calls).toHaveLength(0);
  });

  test.each([403, 407, 502, 503])(
    'that refuses by %d lets nothing through, until it does',
    async (status) => {
      stack.defer(face.trust());
      await start();
      use(undefined, { HTTPS_PROXY: loggedIn(proxy.url) });
      const undo = proxy.refuse(status);
      expect(await failure()).toMatchObject({
        reason: 'unavailable',
        advice: expect.stringContaining('the proxy of HTTPS_PROXY did not let us through'),
      });
      expect(scene.aws.calls).toHaveLength(0);
      undo();
      await fetchToken();
      expect(proxy.requests.map((request) => request.status)).toStrictEqual([status, 200, 200, 200]);
    },
  );

  test('that lets STS through but not ECR is named as what stands before ECR', async () => {
    stack.defer(face.trust());
    await start({ tunnels: { 'sts.us-east-1.amazonaws.com:443': face.port } });
    use(undefined, { HTTPS_PROXY: proxy.url });
    expect((await failure()).message).toBe('ecr GetAuthorizationToken in us-east-1: ERR_PROXY_TUNNEL');
    expect(proxy.requests.map(({ status }) => status)).toStrictEqual([200, 200, 502]);
  });

  test('that is no URL is named, without its login', async () => {
    use(undefined, { HTTPS_PROXY: 'http://me:sesame@' });
    expect(await failure()).toMatchObject({
      reason: 'configuration',
      advice: expect.stringContaining('is not the URL of a proxy'),
    });
  });

  test('that is away is named, with what else it could be', async () => {
    await start();
    await proxy.close();
    use(undefined, { HTTPS_PROXY: loggedIn(proxy.url) });
    expect(await failure()).toMatchObject({
      reason: 'unavailable',
      message: 'sts AssumeRoleWithWebIdentity in us-east-1: ECONNREFUSED',
      advice: expect.stringMatching(/egress rules, HTTPS_PROXY and NO_PROXY/),
    });
  });
});

describe('for plain endpoints', () => {
  test('HTTP_PROXY counts', async () => {
    await start({ login });
    use(scene.aws.url, { HTTP_PROXY: loggedIn(proxy.url) });
    await fetchToken();
    expect(proxy.requests).toStrictEqual(
      ['sts', 'sts', 'ecr'].map(() => ({ method: 'POST', target: `${scene.aws.url}/`, status: 200 })),
    );
    expect(JSON.stringify(scene.aws.calls)).not.toMatch(/sesame|bWU6/);
  });

  test('HTTP_PROXY that asks for a login is named, and is no denial by AWS', async () => {
    await start({ login });
    use(scene.aws.url, { HTTP_PROXY: proxy.url });
    expect(await failure()).toMatchObject({
      reason: 'unavailable',
      advice: expect.stringContaining('asks for a login'),
    });
    expect(scene.aws.calls).toHaveLength(0);
  });

  test('HTTPS_PROXY does not', async () => {
    await start();
    use(scene.aws.url, { HTTPS_PROXY: proxy.url });
    await fetchToken();
    expect(proxy.requests).toHaveLength(0);
  });

  const named = () => scene.aws.url.replace('127.0.0.1', 'localhost');

  test.each<[noProxy: string, targets: readonly ('sts' | 'ecr')[]]>([
    ['', ['sts', 'sts', 'ecr']],
    ['localhost', ['ecr']],
    ['127.0.0.1', ['sts', 'sts']],
    ['example.com,localhost', ['ecr']],
    ['*', []],
  ])('NO_PROXY %j leaves the proxy %j', async (noProxy, targets) => {
    await start();
    const urls = { sts: named(), ecr: scene.aws.url };
    use(undefined, {
      AWS_ENDPOINT_URL_STS: urls.sts,
      AWS_ENDPOINT_URL_ECR: urls.ecr,
      HTTP_PROXY: proxy.url,
      NO_PROXY: noProxy,
    });
    await fetchToken();
    expect(proxy.requests.map(({ target }) => target)).toStrictEqual(
      targets.map((service) => `${urls[service]}/`),
    );
    expect(scene.aws.count({ code: 'ok' })).toBe(3);
  });
});

describe('a certificate', () => {
  test('of an unknown CA is not believed, and how to make it known is said', async () => {
    await start();
    use(undefined, { HTTPS_PROXY: proxy.url });
    const { reason, message, advice } = await failure();
    expect(reason).toBe('unavailable');
    expect(message).toBe('sts AssumeRoleWithWebIdentity in us-east-1: DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(advice).toContain('NODE_EXTRA_CA_CERTS');
    expect(scene.aws.calls).toHaveLength(0);
  });

  test('of a known CA for another name is not believed either', async () => {
    stack.defer(face.trust());
    await start();
    use(undefined, { HTTPS_PROXY: proxy.url, AWS_REGION: 'eu-west-1' });
    expect(await failure()).toMatchObject({
      message: 'sts AssumeRoleWithWebIdentity in eu-west-1: ERR_TLS_CERT_ALTNAME_INVALID',
      advice: expect.stringContaining('endpoint overrides'),
    });
    expect(scene.aws.calls).toHaveLength(0);
  });

  test('of a CA that NODE_EXTRA_CA_CERTS names is believed by the process', { timeout: 60_000 }, async () => {
    await start();
    use(undefined, { HTTPS_PROXY: proxy.url });
    const script = `
      import { AwsTokenFetcher } from '${import.meta.dirname}/../../src/aws/fetchers.ts';
      const clock = { now: Date.now, timeoutSignal: (ms) => AbortSignal.timeout(ms) };
      const settings = { aws: { concurrency: 8, timeoutMs: 20_000 } };
      const fetcher = new AwsTokenFetcher({ settings, clock, environment: process.env, userAgent: 'x' });
      const source = ${JSON.stringify(privateSource(byWebIdentity, region))};
      console.log((await fetcher.fetch(source)).username);`;
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: face.caFile };
    const args = ['--input-type=module', '--eval', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    expect(stdout.trim()).toBe('AWS');
    expect(scene.aws.calls.map(({ code }) => code)).toStrictEqual(['ok', 'ok']);
  });
});
