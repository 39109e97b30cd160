// AwsTokenFetcher against moto, a fake AWS that other people wrote: the common ways, as a second opinion on what ours plays.
// moto trusts everybody and its tokens expired in 2015, so only what it says of accounts and calls is compared. Left out where
// moto cannot be had.
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { controllerRole, partnerRole, type Scene, startScene } from '../../rig/fake-aws/scene.ts';
import { type Moto, startMoto } from '../../rig/moto.ts';
import type { Identity } from '../../src/domain/identity.ts';
import { SecretText } from '../../src/domain/token.ts';
import { byKey, byPartner, byWebIdentity, makeFetcher, useEnvironment } from '../support/aws-fetching.ts';

let scene: Scene;
let moto: Moto | undefined;
const told: string[] = [];

beforeAll(async () => {
  scene = await startScene();
  moto = await startMoto({ progress: (line) => void told.push(line) });
}, 300_000);

afterEach(() => void vi.unstubAllEnvs());

afterAll(async () => {
  await moto?.stop();
  await scene[Symbol.asyncDispose]();
});

interface Way {
  readonly way: string;
  readonly environment: 'staticKeys' | 'webIdentity';
  readonly identity: Identity;
  /** Whose account moto takes the caller for: it is in the password. */
  readonly account: string;
}

const serviceAccountTokens = {
  request: async () =>
    new SecretText(await scene.issuer.sign({ namespace: 'team-a', serviceAccount: 'image-puller' })),
};

const ways: readonly Way[] = [
  // moto's own account, since it does not know the key.
  { way: 'static keys', environment: 'staticKeys', identity: byKey, account: '123456789012' },
  {
    way: 'AssumeRole with external id and tags',
    environment: 'staticKeys',
    identity: { ...byPartner, base: byKey, externalId: 'customer-7', tags: { team: 'a' } },
    account: '444455556666',
  },
  {
    way: 'AssumeRoleWithWebIdentity',
    environment: 'webIdentity',
    identity: byWebIdentity,
    account: '111122223333',
  },
  {
    way: 'AssumeRoleWithWebIdentity and AssumeRole',
    environment: 'webIdentity',
    identity: byPartner,
    account: '444455556666',
  },
  {
    way: 'AssumeRoleWithWebIdentity in another account',
    environment: 'webIdentity',
    identity: { kind: 'webIdentity', roleArn: partnerRole.arn, sessionName: 'ecr-pull-secrets-test' },
    account: '444455556666',
  },
  {
    way: 'a namespace’s own identity with its session policies',
    environment: 'staticKeys',
    identity: {
      kind: 'namespace',
      namespace: 'team-a',
      serviceAccount: 'image-puller',
      uid: 'a-1',
      audience: 'sts.amazonaws.com',
      roleArn: controllerRole.arn,
      sessionName: 'ecr-pull-secrets-test-team-a',
    },
    account: '111122223333',
  },
];

test.for(ways)('moto gives a token by $way', async ({ environment, identity, account }, { skip }) => {
  if (moto === undefined) return skip(told.join('\n'));
  useEnvironment({ ...scene[environment], AWS_ENDPOINT_URL: moto.url });
  const token = await makeFetcher({ serviceAccountTokens }).fetch({
    identity,
    service: 'private',
    region: 'eu-central-1',
  });
  expect(token.username).toBe('AWS');
  expect(token.password.reveal()).toBe(`${account}-auth-token`);
  expect(new Date(token.expires * 1_000).getUTCFullYear()).toBe(2015);
  expect(Math.abs(token.issued - Date.now() / 1_000)).toBeLessThan(60);
  // The fake AWS of the scene had no part in it.
  expect(scene.aws.calls).toHaveLength(0);
});
