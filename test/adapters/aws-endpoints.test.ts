// AwsTokenFetcher and where it goes: FIPS and dual-stack, partitions and endpoint overrides, by the host names that a proxy
// was asked for and that the fake AWS saw behind it. How a proxy refuses is in aws-proxy.test.ts.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { endpointNames } from '../../rig/fake-aws/partition.ts';
import { type Proxy, startProxy } from '../../rig/fake-aws/proxy.ts';
import { controllerRole, partnerRole, type Scene, startScene } from '../../rig/fake-aws/scene.ts';
import { sdkEnvironment, type SdkVariable } from '../../rig/fake-aws/sdk-environment.ts';
import { startTlsFace, type TlsFace } from '../../rig/fake-aws/tls-face.ts';
import {
  byPartner,
  byWebIdentity,
  makeFetcher,
  privateSource,
  useEnvironment,
} from '../support/aws-fetching.ts';

let stack: AsyncDisposableStack;
let scene: Scene;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  scene = stack.use(await startScene());
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await stack.disposeAsync();
});

type Own = Readonly<Partial<Record<SdkVariable, string>>>;

/** A web identity in the environment. @param url of the services; undefined: AWS's own names */
const use = (url: string | undefined, own: Own = {}) =>
  useEnvironment(
    sdkEnvironment(url, {
      AWS_ROLE_ARN: controllerRole.arn,
      AWS_WEB_IDENTITY_TOKEN_FILE: scene.tokenFile,
      ...own,
    }),
  );

const hosts = () => scene.aws.calls.map(({ host }) => host);

describe('by AWS’s own names, through a proxy,', () => {
  let proxy: Proxy;
  let face: TlsFace;

  async function through(region: string, own: Own = {}): Promise<void> {
    face = await startTlsFace(scene.aws.url, endpointNames(region));
    stack.defer(() => face.close());
    stack.defer(face.trust());
    proxy = await startProxy({ tunnels: { '*': face.port } });
    stack.defer(() => proxy.close());
    use(undefined, { AWS_REGION: region, HTTPS_PROXY: proxy.url, ...own });
  }

  /** The hosts that the proxy was asked for, those of the certificate, and those that the fake AWS saw. */
  const asked = () => [proxy.requests.map(({ target }) => target), face.serverNames, hosts()];
  const thrice = (...names: readonly string[]) => [names.map((name) => `${name}:443`), names, names];

  test.each<[what: string, own: Own, sts: string, ecr: string]>([
    ['nothing', {}, 'sts.us-east-1.amazonaws.com', 'api.ecr.us-east-1.amazonaws.com'],
    [
      'FIPS',
      { AWS_USE_FIPS_ENDPOINT: 'true' },
      'sts-fips.us-east-1.amazonaws.com',
      'api.ecr-fips.us-east-1.amazonaws.com',
    ],
    ['dual-stack', { AWS_USE_DUALSTACK_ENDPOINT: 'true' }, 'sts.us-east-1.api.aws', 'ecr.us-east-1.api.aws'],
    [
      'both',
      { AWS_USE_FIPS_ENDPOINT: 'true', AWS_USE_DUALSTACK_ENDPOINT: 'true' },
      'sts-fips.us-east-1.api.aws',
      'ecr-fips.us-east-1.api.aws',
    ],
  ])('with %s wanted, STS and ECR are asked alike, by each exchange', async (_what, own, sts, ecr) => {
    await through('us-east-1', own);
    await makeFetcher().fetch(privateSource(byPartner, 'us-east-1'));
    // By web identity, by chaining, and for the token.
    expect(asked()).toStrictEqual(thrice(sts, sts, ecr));
  });

  test.each<[what: string, own: Own, ecrPublic: string]>([
    ['nothing', {}, 'api.ecr-public.us-east-1.amazonaws.com'],
    ['dual-stack', { AWS_USE_DUALSTACK_ENDPOINT: 'true' }, 'ecr-public.us-east-1.api.aws'],
  ])('with %s wanted, ECR Public is asked by the name for it', async (_what, own, ecrPublic) => {
    await through('us-east-1', own);
    await makeFetcher().fetch({ identity: byWebIdentity, service: 'public', region: 'us-east-1' });
    expect(hosts().at(-1)).toBe(ecrPublic);
  });

  test.each<{ region: string; own?: Own; partition: string; sts: string; ecr: string }>([
    {
      region: 'us-gov-west-1',
      partition: 'aws-us-gov',
      sts: 'sts.us-gov-west-1.amazonaws.com',
      ecr: 'api.ecr.us-gov-west-1.amazonaws.com',
    },
    {
      region: 'us-gov-west-1',
      own: { AWS_USE_FIPS_ENDPOINT: 'true' },
      partition: 'aws-us-gov',
      // There STS is of FIPS without being named so.
      sts: 'sts.us-gov-west-1.amazonaws.com',
      ecr: 'api.ecr-fips.us-gov-west-1.amazonaws.com',
    },
    {
      region: 'cn-north-1',
      partition: 'aws-cn',
      sts: 'sts.cn-north-1.amazonaws.com.cn',
      ecr: 'api.ecr.cn-north-1.amazonaws.com.cn',
    },
    {
      region: 'cn-northwest-1',
      own: { AWS_USE_DUALSTACK_ENDPOINT: 'true' },
      partition: 'aws-cn',
      sts: 'sts.cn-northwest-1.api.amazonwebservices.com.cn',
      ecr: 'ecr.cn-northwest-1.api.amazonwebservices.com.cn',
    },
    {
      region: 'eusc-de-east-1',
      partition: 'aws-eusc',
      sts: 'sts.eusc-de-east-1.amazonaws.eu',
      ecr: 'api.ecr.eusc-de-east-1.amazonaws.eu',
    },
  ])('in $region STS is the one at $sts, and ECR at $ecr', async (row) => {
    const { region, partition, own, sts, ecr } = row;
    const [base, next] = [controllerRole.arn, partnerRole.arn].map((arn) =>
      arn.replace('arn:aws:', `arn:${partition}:`),
    ) as [string, string];
    scene.aws.putRole({ ...controllerRole, arn: base });
    scene.aws.putRole({ arn: next, trust: [{ principals: [base] }] });
    await through(region, { AWS_ROLE_ARN: base, ...own });
    const identity = { ...byPartner, base: { ...byWebIdentity, roleArn: base }, roleArn: next };
    await makeFetcher().fetch(privateSource(identity, region));
    expect(asked()).toStrictEqual(thrice(sts, sts, ecr));
    expect(scene.aws.tokens).toMatchObject([{ region, roleArn: next }]);
  });
});

describe('endpoint overrides', () => {
  /** Two names of the fake AWS: which one was used shows in the Host header. */
  const [named, numbered] = ['localhost', '127.0.0.1'];
  const at = (name = '') => scene.aws.url.replace('127.0.0.1', name);

  test.each<[variable: SdkVariable, sts: string | undefined, ecr: string | undefined, ecrPublic?: string]>([
    ['AWS_ENDPOINT_URL', numbered, numbered, numbered],
    ['AWS_ENDPOINT_URL_STS', numbered, named, named],
    ['AWS_ENDPOINT_URL_ECR', named, numbered, named],
    ['AWS_ENDPOINT_URL_ECR_PUBLIC', named, named, numbered],
  ])('%s leads the calls that it is for, and no others', async (variable, ...expected) => {
    use(at(named), { [variable]: at(numbered) });
    const fetcher = makeFetcher();
    await fetcher.fetch(privateSource(byPartner, 'us-east-1'));
    await fetcher.fetch({ identity: byPartner, service: 'public', region: 'us-east-1' });
    const port = new URL(scene.aws.url).port;
    const [sts, ecr, ecrPublic] = expected.map((name) => `${name}:${port}`);
    expect(scene.aws.calls.map(({ service, host }) => [service, host])).toStrictEqual([
      ['sts', sts],
      ['sts', sts],
      ['ecr', ecr],
      ['ecr-public', ecrPublic],
    ]);
  });

  test('are left aside by AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', async () => {
    const face = await startTlsFace(scene.aws.url, endpointNames('us-east-1'));
    stack.defer(() => face.close());
    stack.defer(face.trust());
    const proxy = await startProxy({ tunnels: { '*': face.port } });
    stack.defer(() => proxy.close());
    use('http://127.0.0.1:9', {
      AWS_REGION: 'us-east-1',
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
      HTTPS_PROXY: proxy.url,
    });
    await makeFetcher().fetch(privateSource(byWebIdentity, 'us-east-1'));
    expect(hosts()).toStrictEqual(['sts.us-east-1.amazonaws.com', 'api.ecr.us-east-1.amazonaws.com']);
  });
});
