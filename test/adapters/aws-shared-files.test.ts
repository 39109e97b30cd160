// AwsTokenFetcher and the shared files of AWS (AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE), which are renewed under the
// process: a Secret volume is, and so is the file that `aws_signing_helper update` writes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { controllerRole, type Scene, startScene, staticKey } from '../../rig/fake-aws/scene.ts';
import { sdkEnvironment } from '../../rig/fake-aws/sdk-environment.ts';
import { byChain, failureOf, makeFetcher, privateSource, useEnvironment } from '../support/aws-fetching.ts';

let scene: Scene;
let folder: string;
let file: string;

const work = privateSource({ ...byChain, profile: 'work' });
const write = (lines: Readonly<Record<string, string>>) =>
  writeFile(
    file,
    ['[work]', ...Object.entries(lines).map(([name, value]) => `${name} = ${value}`), ''].join('\n'),
  );
const keys = (secret: string) => ({
  aws_access_key_id: staticKey.accessKeyId,
  aws_secret_access_key: secret,
});

beforeEach(async () => {
  scene = await startScene();
  folder = await mkdtemp(join(tmpdir(), 'aws-shared-files-'));
  file = join(folder, 'credentials');
  useEnvironment(sdkEnvironment(scene.aws.url, { AWS_PROFILE: 'work', AWS_SHARED_CREDENTIALS_FILE: file }));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
  await scene[Symbol.asyncDispose]();
});

test('a key that is changed in the file counts from the next fetch on', async () => {
  await write(keys('wrong'));
  const fetcher = makeFetcher();
  expect((await failureOf(fetcher.fetch(work))).reason).toBe('denied');
  await write(keys(staticKey.secretAccessKey));
  await fetcher.fetch(work);
  expect(scene.aws.calls.map(({ code }) => code)).toStrictEqual(['InvalidSignatureException', 'ok']);
});

test('a session that is renewed in the file is used when the one before is over', async () => {
  const session = (name: string, seconds: number) => {
    const issued = scene.aws.issueSession(controllerRole.arn, name, seconds);
    return write({
      aws_access_key_id: issued.accessKeyId,
      aws_secret_access_key: issued.secretAccessKey,
      aws_session_token: issued.sessionToken,
    });
  };
  await session('before', -60);
  const fetcher = makeFetcher();
  expect(await failureOf(fetcher.fetch(work))).toMatchObject({
    reason: 'denied',
    advice: expect.stringContaining('credentials have expired'),
  });
  await session('after', 900);
  await fetcher.fetch(work);
  expect(scene.aws.calls.map(({ code, sessionName }) => [code, sessionName])).toStrictEqual([
    ['ExpiredTokenException', undefined],
    ['ok', 'after'],
  ]);
});
