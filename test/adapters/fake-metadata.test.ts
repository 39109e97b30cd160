// The Pod Identity agent and the instance metadata service of the rig against the SDK's default chain: which sessions they
// hand out, to whom, and how they fail.
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromHttp, fromNodeProviderChain } from '@aws-sdk/credential-providers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CredentialServer } from '../../rig/fake-aws/credential-server.ts';
import { startInstanceMetadata } from '../../rig/fake-aws/instance-metadata.ts';
import { startPodIdentityAgent } from '../../rig/fake-aws/pod-identity-agent.ts';
import { controller, controllerRole, partnerRole, type Scene, startScene } from '../../rig/fake-aws/scene.ts';
import { sdkEnvironment, type SdkVariable } from '../../rig/fake-aws/sdk-environment.ts';

let scene: Scene;
let server: CredentialServer;
const region = 'eu-west-1';

beforeEach(async () => {
  scene = await startScene();
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
  await scene[Symbol.asyncDispose]();
});

function useEnvironment(own: Readonly<Partial<Record<SdkVariable, string>>>): void {
  for (const [name, value] of Object.entries(sdkEnvironment(scene.aws.url, own))) vi.stubEnv(name, value);
}

const credentials = () => fromNodeProviderChain({ clientConfig: { region } })();
/** The link of the chain that asks an agent; the chain itself says only that nobody had any. */
const fromAgent = () => fromHttp({ maxRetries: 0 })();
const askEcr = async () =>
  await new ECRClient({ region, credentials: await credentials() }).send(
    new GetAuthorizationTokenCommand({}),
  );

describe('the Pod Identity agent', () => {
  async function startAgent(tags?: Readonly<Record<string, string>>): Promise<void> {
    const token = await scene.issuer.sign({ ...controller, audience: 'pods.eks.amazonaws.com' });
    await scene.writeToken(token);
    server = await startPodIdentityAgent({
      aws: scene.aws,
      roleArn: controllerRole.arn,
      accepts: [token],
      ...(tags && { tags }),
    });
    useEnvironment({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: server.url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: scene.tokenFile,
    });
  }

  test('gives the token in the file a session of the role, for six hours', async () => {
    await startAgent();
    const { expiration } = await credentials();
    expect(Math.abs((expiration?.getTime() ?? 0) - Date.now() - 6 * 3_600_000)).toBeLessThan(5_000);
    await expect(askEcr()).resolves.toHaveProperty('authorizationData');
    expect(server.calls).toHaveLength(2);
    expect(server.calls[1]).toStrictEqual({ method: 'GET', path: '/v1/credentials', status: 200 });
    expect(scene.aws.calls).toMatchObject([
      { service: 'ecr', roleArn: controllerRole.arn, accessKey: 'session', code: 'ok' },
    ]);
    expect(scene.aws.calls[0]?.sessionName).toMatch(/^eks-/);
  });

  test('tags its sessions, so that a chain from there needs sts:TagSession', async () => {
    const request = new AssumeRoleCommand({ RoleArn: partnerRole.arn, RoleSessionName: 'me' });
    const assume = async () =>
      await new STSClient({ region, credentials: await credentials() }).send(request);
    await startAgent();
    await expect(assume()).rejects.toThrow(
      `is not authorized to perform: sts:TagSession on resource: ${partnerRole.arn}`,
    );
    await server.close();
    await startAgent({});
    await expect(assume()).resolves.toHaveProperty('Credentials');
  });

  test.each([
    ['another pod', { serviceAccount: 'other' }, /\(InvalidTokenException\).*fault: client/],
    ['a pod of yesterday', { lifeSeconds: -60 }, /failed basic claim validations.*expired/],
  ])('refuses the token of %s', async (_what, claims, text) => {
    await startAgent();
    const token = await scene.issuer.sign({ ...controller, ...claims });
    await scene.writeToken(token);
    await expect(fromAgent()).rejects.toThrow('Server responded with status: 400');
    const answer = await fetch(server.url, { headers: { authorization: token } });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toMatch(text);
  });

  test('refuses what is no token at all, and has one page only', async () => {
    await startAgent();
    const ask = async (authorization?: string) =>
      await (
        await fetch(server.url, authorization === undefined ? {} : { headers: { authorization } })
      ).text();
    expect(await ask()).toBe('Service account token cannot be empty\n');
    expect(await ask('Bearer x')).toContain('Service account token cannot be parsed');
    expect((await fetch(new URL('/', server.url))).status).toBe(404);
    expect(scene.aws.calls).toHaveLength(0);
  });

  test('can fail, hang and cut, and goes on when that is over', async () => {
    await startAgent();
    const undo = server.fail({ status: 500, body: 'x' });
    await expect(fromAgent()).rejects.toThrow('Server responded with status: 500');
    undo();
    const undoDrop = server.fail('drop');
    await expect(fromAgent()).rejects.toThrow('socket hang up');
    undoDrop();
    await expect(fromAgent()).resolves.toHaveProperty('sessionToken');
    const undoHang = server.fail('hang');
    const hanging = fromAgent();
    await vi.waitFor(() => expect(server.calls.at(-1)).not.toHaveProperty('status'));
    undoHang();
    await expect(hanging).resolves.toHaveProperty('sessionToken');
  });
});

describe('the instance metadata service', () => {
  async function startService(roleArn?: string, clock = Date.now): Promise<void> {
    server = await startInstanceMetadata({
      aws: scene.aws,
      clock,
      ...(roleArn !== undefined && { roleArn }),
    });
    useEnvironment({ AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url, AWS_EC2_METADATA_DISABLED: 'false' });
  }

  const roles = '/latest/meta-data/iam/security-credentials';

  test('gives whoever has a token of it a session of the role of the instance', async () => {
    await startService(controllerRole.arn);
    const { Arn } = await new STSClient({ region, credentials: await credentials() }).send(
      new GetCallerIdentityCommand({}),
    );
    expect(Arn).toBe('arn:aws:sts::111122223333:assumed-role/controller/i-0123456789abcdef0');
    expect(server.calls).toStrictEqual([
      { method: 'PUT', path: '/latest/api/token', status: 200 },
      { method: 'GET', path: `${roles}/`, status: 200 },
      { method: 'GET', path: `${roles}/controller`, status: 200 },
    ]);
  });

  test('is version 2: without a token there is nothing, and a token has a life', async () => {
    let now = Date.now();
    await startService(controllerRole.arn, () => now);
    const url = (path: string) => new URL(path, server.url);
    expect((await fetch(url(`${roles}/`))).status).toBe(401);
    const token = { 'x-aws-ec2-metadata-token': 'forged' };
    expect((await fetch(url(`${roles}/`), { headers: token })).status).toBe(401);
    for (const ttl of ['', '0', '21601', 'x']) {
      const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': ttl };
      expect((await fetch(url('/latest/api/token'), { method: 'PUT', headers })).status).toBe(400);
    }
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' };
    const issued = await fetch(url('/latest/api/token'), { method: 'PUT', headers });
    const valid = { headers: { 'x-aws-ec2-metadata-token': await issued.text() } };
    expect((await fetch(url(`${roles}/`), valid)).status).toBe(200);
    expect((await fetch(url(`${roles}/other`), valid)).status).toBe(404);
    now += 61_000;
    expect((await fetch(url(`${roles}/`), valid)).status).toBe(401);
    vi.stubEnv('AWS_EC2_METADATA_V1_DISABLED', 'true');
    await expect(credentials()).resolves.toHaveProperty('sessionToken');
  });

  test('of an instance without a profile has no role, and one that is down is no source', async () => {
    await startService();
    await expect(credentials()).rejects.toMatchObject({ name: expect.stringMatching(/Provider/) });
    await server.close();
    await startService(controllerRole.arn);
    server.fail({ status: 503, body: '' });
    await expect(credentials()).rejects.toMatchObject({ name: expect.stringMatching(/Provider/) });
  });
});
