// The controller's web identity token, a file that the kubelet keeps fresh: rotated, gone, unreadable, expired. Each failure
// says what to look at, and ends by itself when the file is good again, without a restart. Every role makes an exchange of its
// own, so that none of them is spared by a session of another.
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { eventsOf, eventually, leak, readSecret, untilSecret } from './observe.ts';

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const names = ['first', 'rotated', 'gone', 'garbage', 'expired'] as const;
const roleOf = (name: string): string => `arn:aws:iam::111122223333:role/${name}`;
/** s; a wrong file is tried again after 30 s at most. */
const backoff = 30;
let stage: Stage;
let controller: ControllerProcess;
let good: string;

beforeAll(async () => {
  const profiles = Object.fromEntries(
    names.map((name) => [
      name,
      { registries: [ireland], namespaces: ['*'], roleArn: roleOf(name), via: 'webIdentity' },
    ]),
  );
  stage = await openStage({ plane: inject('plane'), name: 'token-file', config: { profiles } });
  for (const name of names) {
    stage.aws.putRole({
      arn: roleOf(name),
      trust: [{ subjects: [stage.installation.user], audience: 'sts.amazonaws.com' }],
    });
  }
  controller = await stage.startController();
  good = stage.installation.webIdentityTokenFile;
  await untilSecret(stage, await serve('first'));
});
afterEach(() => expect(controller.output()).not.toMatch(leak));
afterAll(() => stage.close());

const serve = (name: (typeof names)[number]): Promise<string> =>
  stage.createNamespace(name, { 'ecr-pull-secrets/profile': name });

async function isTold(namespace: string, what: RegExp): Promise<void> {
  await eventually(async () =>
    expect(await eventsOf(stage, namespace)).toEqual([expect.stringMatching(what)]),
  );
  expect(await readSecret(stage, namespace)).toBeUndefined();
}

test('a token that was rotated is used for the next exchange', async () => {
  // One that another role trusts, so that it is known which of them was sent.
  const account = { namespace: 'default', name: 'default' };
  const other = await stage.admin.serviceAccountToken(account.namespace, account.name, {
    audience: 'sts.amazonaws.com',
  });
  const subjects = [`system:serviceaccount:${account.namespace}:${account.name}`];
  stage.aws.putRole({ arn: roleOf('rotated'), trust: [{ subjects, audience: 'sts.amazonaws.com' }] });
  await writeFile(`${good}.new`, other);
  await rename(`${good}.new`, good);
  onTestFinished(() => stage.installation.refreshTokens());
  await untilSecret(stage, await serve('rotated'));
});

test(
  'a file that is gone, and one that holds no token, are named; both recover when it is good again',
  { timeout: 120_000 },
  async () => {
    onTestFinished(() => stage.installation.refreshTokens());
    await rm(good);
    const gone = await serve('gone');
    await isTold(gone, /TokenUnavailable: .*token file is missing.*AWS_WEB_IDENTITY_TOKEN_FILE/);
    await writeFile(good, 'no token at all');
    await chmod(good, 0o600);
    const garbage = await serve('garbage');
    await isTold(garbage, /TokenUnavailable: .*could not be read/);
    await stage.installation.refreshTokens();
    for (const namespace of [gone, garbage]) {
      await eventually(async () => expect(await readSecret(stage, namespace)).toBeDefined(), 2 * backoff);
    }
    expect(await controller.ready()).toBe(true);
  },
);

test(
  'a token that AWS calls expired is told as that, with the clock, and recovers',
  { timeout: 120_000 },
  async () => {
    const failure = {
      status: 400,
      code: 'ExpiredTokenException',
      message: 'Token expired: current date/time',
    };
    const undo = stage.aws.behave({ roleArn: roleOf('expired') }, { fail: failure });
    const namespace = await serve('expired');
    await isTold(namespace, /TokenUnavailable: .*web identity token has expired.*clock/);
    undo();
    await eventually(async () => expect(await readSecret(stage, namespace)).toBeDefined(), 2 * backoff);
  },
);
