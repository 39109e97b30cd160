// moto against the real SDK: that it runs here and speaks the wire formats that the fake AWS plays. Left out where moto
// cannot be had.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { expect, test } from 'vitest';
import { startMoto } from '../../rig/moto.ts';

const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'any' };

test('moto starts, answers STS and ECR, and is gone afterwards', { timeout: 300_000 }, async ({ skip }) => {
  const told: string[] = [];
  const moto = await startMoto({ progress: (line) => void told.push(line) });
  if (moto === undefined) return skip(told.join('\n'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => moto.stop());
  const client = { region: 'eu-west-1', endpoint: moto.url, credentials };
  const sts = new STSClient(client);
  expect(await sts.send(new GetCallerIdentityCommand({}))).toMatchObject({ Account: '123456789012' });
  const role = 'arn:aws:iam::123456789012:role/pull';
  const session = await sts.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: 'me' }));
  expect(session.Credentials).toMatchObject({ Expiration: expect.any(Date) });
  const { authorizationData } = await new ECRClient(client).send(new GetAuthorizationTokenCommand({}));
  expect(authorizationData).toStrictEqual([
    {
      authorizationToken: expect.any(String),
      // In 2015: moto's tokens have long expired.
      expiresAt: expect.any(Date),
      proxyEndpoint: 'https://123456789012.dkr.ecr.eu-west-1.amazonaws.com',
    },
  ]);
  await moto.stop();
  expect(() => process.kill(moto.pid, 0)).toThrow('ESRCH');
});

test.each<[what: string, env: NodeJS.ProcessEnv, reason: RegExp]>([
  ['no python3', { PATH: '/nowhere' }, /python3 is needed, and cannot be run/],
  [
    'no PyPI',
    { PIP_INDEX_URL: 'http://127.0.0.1:9/', PIP_FIND_LINKS: '', PIP_RETRIES: '0' },
    // Where there is no Python either, that is said instead.
    /moto could not be installed: (?:pip|venv) ended with exit code 1|python3 is needed/,
  ],
])(
  'where there is %s it says why there is no moto, and leaves nothing half',
  async (_what, env, reason) => {
    const cache = await mkdtemp(join(tmpdir(), 'moto-cache-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(cache, { recursive: true, force: true }));
    const told: string[] = [];
    const moto = await startMoto({
      progress: (line) => void told.push(line),
      env: { ...process.env, ECR_PULL_SECRETS_CACHE: cache, ...env },
    });
    expect(moto).toBeUndefined();
    expect(told.join('\n')).toMatch(reason);
    const left = await readdir(cache, { recursive: true });
    expect(left.filter((name) => name !== 'assets')).toStrictEqual([]);
  },
  120_000,
);
