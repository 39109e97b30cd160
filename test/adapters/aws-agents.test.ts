// AwsTokenFetcher where credentials come from an agent on the machine, a file or a program: what is read anew, and how it
// ends when the source fails. When all goes well is in aws-identities.test.ts.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CredentialServer, ServerFailure } from '../../rig/fake-aws/credential-server.ts';
import { startInstanceMetadata } from '../../rig/fake-aws/instance-metadata.ts';
import { startPodIdentityAgent } from '../../rig/fake-aws/pod-identity-agent.ts';
import { controller, controllerRole, type Scene, startScene } from '../../rig/fake-aws/scene.ts';
import { sdkEnvironment, type SdkVariable } from '../../rig/fake-aws/sdk-environment.ts';
import {
  byChain,
  byPartner,
  failureOf,
  makeFetcher,
  privateSource,
  useEnvironment,
} from '../support/aws-fetching.ts';

let scene: Scene;
let stack: AsyncDisposableStack;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  scene = stack.use(await startScene());
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await stack.disposeAsync();
});

const use = (own: Readonly<Partial<Record<SdkVariable, string>>>) =>
  useEnvironment(sdkEnvironment(scene.aws.url, own));

describe('EKS Pod Identity', () => {
  /** The only token that has the association. */
  let accepted: string;
  let agent: CredentialServer;

  async function renewToken(lifeSeconds = 3_600): Promise<void> {
    accepted = await scene.issuer.sign({ ...controller, lifeSeconds });
    await scene.writeToken(accepted);
  }

  beforeEach(async () => {
    await renewToken();
    agent = await startPodIdentityAgent({
      aws: scene.aws,
      roleArn: controllerRole.arn,
      accepts: (token) => token === accepted,
      seconds: 900,
    });
    stack.defer(() => agent.close());
    use({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: scene.tokenFile,
    });
  });

  test('has its token read anew each time, as the kubelet renews it', async () => {
    let ahead = 0;
    const fetcher = makeFetcher({ now: () => Date.now() + ahead });
    await fetcher.fetch(privateSource(byChain));
    await renewToken(7_200);
    ahead = 11 * 60_000;
    await fetcher.fetch(privateSource(byChain));
    expect(agent.calls.map(({ status }) => status)).toStrictEqual([200, 200]);
  });

  test.each<[what: string, failure: ServerFailure]>([
    ['fails', { status: 500, body: '' }],
    ['cuts the connection', 'drop'],
  ])(
    'whose agent %s gives a failure in some seconds, and a token when that is over',
    async (_what, fault) => {
      const fetcher = makeFetcher();
      const undo = agent.fail(fault);
      expect(await failureOf(fetcher.fetch(privateSource(byChain)))).toMatchObject({
        reason: 'unavailable',
        message: 'credentials by the container credentials agent in eu-west-1: CredentialsProviderError',
        advice: expect.stringMatching(/^the agent at AWS_CONTAINER_CREDENTIALS_FULL_URI gave.*association/),
      });
      expect(scene.aws.calls).toHaveLength(0);
      undo();
      await expect(fetcher.fetch(privateSource(byChain))).resolves.toHaveProperty('username', 'AWS');
    },
  );

  test('whose agent hangs is given up after the configured time', async () => {
    agent.fail('hang');
    // The SDK itself warns of it on standard error.
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    stack.defer(() => warn.mockRestore());
    const startedAt = performance.now();
    expect(await failureOf(makeFetcher({ timeoutMs: 1_500 }).fetch(privateSource(byChain)))).toMatchObject({
      reason: 'timeout',
      advice: expect.stringContaining('AWS_CONTAINER_CREDENTIALS_FULL_URI did not answer in time'),
    });
    expect(performance.now() - startedAt).toBeGreaterThan(1_400);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('whose token file is missing is told from a web identity', async () => {
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', `${scene.tokenFile}-absent`);
    expect(await failureOf(makeFetcher().fetch(privateSource(byChain)))).toMatchObject({
      reason: 'configuration',
      advice: expect.stringContaining('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'),
    });
    expect(agent.calls).toHaveLength(0);
  });

  test('tags its sessions, so that the role of a profile must allow tags; which is then said', async () => {
    const identity = { ...byPartner, base: byChain };
    const { advice } = await failureOf(makeFetcher().fetch(privateSource(identity)));
    expect(advice).toContain('sts:TagSession');
    scene.aws.putRole({
      arn: byPartner.roleArn,
      trust: [{ principals: [controllerRole.arn], tagSession: true }],
    });
    await makeFetcher().fetch(privateSource(identity));
    expect(scene.aws.calls).toMatchObject([
      { action: 'AssumeRole', tags: {}, code: 'AccessDenied' },
      { action: 'AssumeRole', tags: {}, code: 'ok' },
      { service: 'ecr', roleArn: byPartner.roleArn, code: 'ok' },
    ]);
  });

  test('has tags that a profile cannot set again, which is said', async () => {
    scene.aws.putRole({
      arn: byPartner.roleArn,
      trust: [{ principals: [controllerRole.arn], tagSession: true }],
    });
    const identity = { ...byPartner, base: byChain, tags: { 'kubernetes-namespace': 'team-a' } };
    expect(await failureOf(makeFetcher().fetch(privateSource(identity)))).toMatchObject({
      reason: 'configuration',
      message: 'sts AssumeRole in eu-west-1: InvalidParameterValue',
      advice: expect.stringContaining('name it otherwise'),
    });
    expect(scene.aws.calls).toMatchObject([
      { action: 'AssumeRole', tags: { 'kubernetes-namespace': 'team-a' }, code: 'InvalidParameterValue' },
    ]);
  });
});

describe('the metadata service of the instance', () => {
  test.each<[what: string, failure: ServerFailure]>([
    ['fails', { status: 500, body: '' }],
    ['cuts the connection', 'drop'],
    ['hangs', 'hang'],
  ])('that %s is no source, until it is one', async (_what, fault) => {
    const service = await startInstanceMetadata({ aws: scene.aws, roleArn: controllerRole.arn });
    stack.defer(() => service.close());
    use({ AWS_EC2_METADATA_SERVICE_ENDPOINT: service.url, AWS_EC2_METADATA_DISABLED: 'false' });
    const fetcher = makeFetcher();
    const undo = service.fail(fault);
    const { reason } = await failureOf(fetcher.fetch(privateSource(byChain)));
    expect(reason).toBe('configuration');
    expect(scene.aws.calls).toHaveLength(0);
    undo();
    await expect(fetcher.fetch(privateSource(byChain))).resolves.toHaveProperty('username', 'AWS');
  });
});

describe('a profile', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'aws-agents-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
  });

  /** A profile `work` with a program that runs this script. */
  async function useProgram(script: string): Promise<void> {
    const [file, program] = [join(folder, 'config'), join(folder, 'program')];
    await writeFile(program, `#!/bin/sh\n${script}\n`);
    await chmod(program, 0o700);
    await writeFile(file, `[profile work]\ncredential_process = '${program}'\n`);
    use({ AWS_PROFILE: 'work', AWS_CONFIG_FILE: file });
  }

  const noProfile = {
    reason: 'configuration',
    message: 'credentials by the AWS profile in eu-west-1: CredentialsProviderError',
    advice: expect.stringMatching(/^the profile of AWS_PROFILE gave no credentials.*credential_process/),
  };
  const work = privateSource({ ...byChain, profile: 'work' });

  test.each([
    ['that fails', 'echo eyJ.secret >&2; exit 3'],
    ['that prints no JSON', 'echo eyJ.secret'],
    ['that prints no version', 'echo \'{"AccessKeyId":"AKIAX","SecretAccessKey":"wJalrX"}\''],
    ['that prints a session of yesterday', 'echo \'{"Version":1,"Expiration":"2020-01-01T00:00:00Z"}\''],
  ])('with a program %s gives no credentials, and what it printed is not repeated', async (_what, script) => {
    await useProgram(script);
    expect(await failureOf(makeFetcher().fetch(work))).toMatchObject(noProfile);
    expect(scene.aws.calls).toHaveLength(0);
  });

  test('with a program that hangs is given up after the configured time', async () => {
    await useProgram('exec sleep 5');
    expect(await failureOf(makeFetcher({ timeoutMs: 500 }).fetch(work))).toMatchObject({
      reason: 'timeout',
      advice: expect.stringContaining('credential_process'),
    });
  });

  test('that is not in the files gives no credentials, and no other profile serves instead', async () => {
    const file = join(folder, 'credentials');
    await writeFile(file, '[default]\naws_access_key_id = AKIAX\naws_secret_access_key = wJalrX\n');
    use({ AWS_PROFILE: 'work', AWS_SHARED_CREDENTIALS_FILE: file });
    expect(await failureOf(makeFetcher().fetch(work))).toMatchObject(noProfile);
    expect(scene.aws.calls).toHaveLength(0);
  });
});
