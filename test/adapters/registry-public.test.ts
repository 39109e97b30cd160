// The registry of the rig under the names of ECR Public: which tokens of the fake AWS open it, and that they open nothing
// else. Private registries alone are in registry.test.ts.
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import {
  ECRPUBLICClient,
  GetAuthorizationTokenCommand as PublicTokenCommand,
} from '@aws-sdk/client-ecr-public';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Scene, startScene, staticKey } from '../../rig/fake-aws/scene.ts';
import { pullImage } from '../../rig/registry/pull-image.ts';
import { type Registry, startRegistry } from '../../rig/registry/registry.ts';

const privateHost = '111122223333.dkr.ecr.us-east-1.amazonaws.com';

let scene: Scene;
let registry: Registry;
/** Ms since the epoch, as the registry sees it. */
let now: number;

beforeEach(async () => {
  now = Date.now();
  scene = await startScene();
  registry = await startRegistry({ admits: (password) => scene.aws.verdict(password, now) });
});

afterEach(async () => {
  await registry.close();
  await scene[Symbol.asyncDispose]();
});

const client = () => ({ region: 'us-east-1', endpoint: scene.aws.url, credentials: staticKey });

/** The logins that both services give, each as `auth` of a Secret. */
const logins = {
  private: async () => {
    const { authorizationData } = await new ECRClient(client()).send(new GetAuthorizationTokenCommand({}));
    return authorizationData?.[0]?.authorizationToken;
  },
  public: async () => {
    const { authorizationData } = await new ECRPUBLICClient(client()).send(new PublicTokenCommand({}));
    return authorizationData?.authorizationToken;
  },
};

const pull = async (host: string, auth: string | undefined) =>
  await pullImage({
    registryUrl: registry.url,
    host,
    repository: 'team-a/shop',
    tag: '1.2.3',
    dockerConfigJson: JSON.stringify({ auths: { [host]: { auth } } }),
  });

test.each([
  ['private', privateHost],
  ['public', 'public.ecr.aws'],
  ['public', 'ecr-public.aws.com'],
] as const)('a %s token pulls from %s until it has expired', async (service, host) => {
  const auth = await logins[service]();
  expect(await pull(host, auth)).toMatchObject({ ok: true });
  now += 12 * 3_600_000 + 1_000;
  expect(await pull(host, auth)).toMatchObject({
    ok: false,
    status: 403,
    message: expect.stringContaining('expired'),
  });
  expect(registry.pulls.map((tried) => [tried.host, tried.status])).toStrictEqual([
    [host, 200],
    [host, 403],
  ]);
});

test.each([
  // Of the region that is ECR Public's only one.
  ['private', 'public.ecr.aws'],
  ['private', 'ecr-public.aws.com'],
  ['public', privateHost],
  ['private', 'public.ecr.aws.example.com'],
  ['public', 'public.ecr.aws.example.com'],
] as const)('a %s token is refused at %s, in the words of ECR', async (service, host) => {
  expect(await pull(host, await logins[service]())).toStrictEqual({
    ok: false,
    status: 400,
    message: 'DENIED: Your Authorization Token is invalid.',
  });
  expect(scene.aws.tokens.map((token) => token.service)).toStrictEqual([
    service === 'private' ? 'ecr' : 'ecr-public',
  ]);
});
