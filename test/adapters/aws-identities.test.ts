// AwsTokenFetcher by each way in which the controller itself can get AWS credentials, with the real SDK: what its default
// chain asks for, where, how often, and whom AWS sees. Roles on top of that are in aws-roles.test.ts.
import { appendFile, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CallRecord } from '../../rig/fake-aws/call-log.ts';
import { startInstanceMetadata } from '../../rig/fake-aws/instance-metadata.ts';
import { startPodIdentityAgent } from '../../rig/fake-aws/pod-identity-agent.ts';
import { controller, controllerRole, type Scene, startScene, staticKey } from '../../rig/fake-aws/scene.ts';
import { sdkEnvironment, type SdkVariable } from '../../rig/fake-aws/sdk-environment.ts';
import type { DefaultIdentity } from '../../src/domain/identity.ts';
import {
  byChain,
  byKey,
  byWebIdentity,
  makeFetcher,
  privateSource,
  useEnvironment,
} from '../support/aws-fetching.ts';

let scene: Scene;
let stack: AsyncDisposableStack;
let folder: string;
/** How far the fetcher's clock is ahead, in ms; the signatures of the SDK keep the real time. */
let ahead: number;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  scene = stack.use(await startScene());
  folder = await mkdtemp(join(tmpdir(), 'aws-identities-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  ahead = 0;
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await stack.disposeAsync();
});

/** A source of credentials that is ready to be asked. */
interface Ready {
  readonly own: Readonly<Partial<Record<SdkVariable, string>>>;
  readonly identity: DefaultIdentity;
  /** How often it was asked; absent: it is no process that could count. */
  readonly asked?: () => number | Promise<number>;
}

interface Way {
  readonly way: string;
  readonly ready: () => Promise<Ready>;
  /** What comes before the call of ECR. */
  readonly before?: readonly Partial<CallRecord>[];
  /** Who makes the call of ECR. */
  readonly caller: Partial<CallRecord>;
  /** How often the source has been asked after two fetches at once, and after one when the first session is over. */
  readonly asked?: readonly [first: number, later: number];
}

const session = { accessKey: 'session', roleArn: controllerRole.arn } as const;
const key = { accessKey: 'static' } as const;
const assumed = { action: 'AssumeRoleWithWebIdentity', accessKey: 'none', code: 'ok' } as const;

/** A shared file with one profile in it that holds these lines. */
async function sharedFile(profile: string, ...lines: readonly string[]): Promise<string> {
  const file = join(folder, 'shared');
  await writeFile(file, [`[${profile}]`, ...lines, ''].join('\n'));
  return file;
}

const keyLines = [
  `aws_access_key_id = ${staticKey.accessKeyId}`,
  `aws_secret_access_key = ${staticKey.secretAccessKey}`,
];

/** A program that prints a session, and notes that it ran. */
async function credentialProcess(): Promise<{ readonly program: string; readonly notes: string }> {
  const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = scene.aws.issueSession(
    controllerRole.arn,
    'printed',
    900,
  );
  const document = JSON.stringify({
    Version: 1,
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken,
    Expiration: new Date(expiresAt).toISOString(),
  });
  const [program, notes] = [join(folder, 'print-session'), join(folder, 'notes')];
  await appendFile(notes, '');
  await writeFile(program, `#!/bin/sh\necho ran >> '${notes}'\ncat <<'END'\n${document}\nEND\n`);
  await chmod(program, 0o700);
  return { program, notes };
}

const ways: readonly Way[] = [
  {
    way: 'the token in AWS_WEB_IDENTITY_TOKEN_FILE',
    ready: () =>
      Promise.resolve({
        own: { AWS_ROLE_ARN: controllerRole.arn, AWS_WEB_IDENTITY_TOKEN_FILE: scene.tokenFile },
        identity: byWebIdentity,
        asked: () => scene.aws.count({ action: assumed.action }),
      }),
    before: [{ ...assumed, roleArn: controllerRole.arn, sessionName: byWebIdentity.sessionName }],
    caller: { ...session, sessionName: byWebIdentity.sessionName },
    asked: [1, 2],
  },
  {
    way: 'keys in the environment',
    ready: () =>
      Promise.resolve({
        own: {
          AWS_ACCESS_KEY_ID: staticKey.accessKeyId,
          AWS_SECRET_ACCESS_KEY: staticKey.secretAccessKey,
        },
        identity: byKey,
      }),
    caller: key,
  },
  {
    way: 'keys in a shared file, under the name in AWS_PROFILE',
    ready: async () => ({
      own: { AWS_PROFILE: 'work', AWS_SHARED_CREDENTIALS_FILE: await sharedFile('work', ...keyLines) },
      identity: { ...byChain, profile: 'work' },
    }),
    caller: key,
  },
  {
    way: 'keys of the default profile, where no name is given',
    ready: async () => ({
      own: { AWS_SHARED_CREDENTIALS_FILE: await sharedFile('default', ...keyLines) },
      identity: byChain,
    }),
    caller: key,
  },
  {
    way: 'a profile with credential_process',
    ready: async () => {
      const { program, notes } = await credentialProcess();
      const file = await sharedFile('profile work', `credential_process = '${program}'`);
      return {
        own: { AWS_PROFILE: 'work', AWS_CONFIG_FILE: file },
        identity: { ...byChain, profile: 'work' },
        asked: async () => (await readFile(notes, 'utf8')).split('\n').length - 1,
      };
    },
    caller: { ...session, sessionName: 'printed' },
    asked: [1, 2],
  },
  {
    way: 'EKS Pod Identity',
    ready: async () => {
      const token = await scene.issuer.sign({ ...controller, audience: 'pods.eks.amazonaws.com' });
      await scene.writeToken(token);
      const agent = await startPodIdentityAgent({
        aws: scene.aws,
        roleArn: controllerRole.arn,
        accepts: [token],
        seconds: 900,
      });
      stack.defer(() => agent.close());
      const own = {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.url,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: scene.tokenFile,
      };
      return { own, identity: byChain, asked: () => agent.calls.length };
    },
    caller: { ...session, sessionName: expect.stringMatching(/^eks-/) },
    asked: [1, 2],
  },
  {
    way: 'the metadata service of the instance',
    ready: async () => {
      const service = await startInstanceMetadata({
        aws: scene.aws,
        roleArn: controllerRole.arn,
        seconds: 900,
      });
      stack.defer(() => service.close());
      const own = {
        AWS_EC2_METADATA_SERVICE_ENDPOINT: service.url,
        AWS_EC2_METADATA_DISABLED: 'false',
      };
      return { own, identity: byChain, asked: () => service.calls.length };
    },
    caller: { ...session, sessionName: 'i-0123456789abcdef0' },
    // For a token, the name of the role, and the session.
    asked: [3, 6],
  },
];

test.each(ways)(
  'by $way a token is got, with the calls that it takes',
  async ({ ready, before = [], caller }) => {
    const { own, identity } = await ready();
    useEnvironment(sdkEnvironment(scene.aws.url, own));
    const { username, password } = await makeFetcher().fetch(privateSource(identity, 'us-west-2'));
    expect(username).toBe('AWS');
    expect(scene.aws.verdict(password.reveal())).toMatchObject({
      verdict: 'valid',
      token: { service: 'ecr', account: '111122223333', region: 'us-west-2' },
    });
    expect(scene.aws.calls).toMatchObject([
      ...before,
      { service: 'ecr', region: 'us-west-2', code: 'ok', ...caller },
    ]);
  },
);

test.each(ways.filter(({ asked }) => asked !== undefined))(
  'by $way the source is asked once for all, and again when the session is over',
  async ({ ready, asked }) => {
    const { own, identity, asked: count = () => 0 } = await ready();
    useEnvironment(sdkEnvironment(scene.aws.url, own));
    const fetcher = makeFetcher({ now: () => Date.now() + ahead });
    await Promise.all(
      ['eu-west-1', 'us-west-2'].map((region) => fetcher.fetch(privateSource(identity, region))),
    );
    const first = await count();
    ahead = 11 * 60_000;
    await fetcher.fetch(privateSource(identity));
    expect([first, await count()]).toStrictEqual(asked);
    expect(scene.aws.count({ service: 'ecr', code: 'ok' })).toBe(3);
  },
);
