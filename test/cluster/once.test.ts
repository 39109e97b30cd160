// `once` and `once --dry-run` against a real API server under the chart's rights: what they do, what they print, and how
// they end; and `version`, which needs neither.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { AuditLog } from '../../rig/control-plane/audit.ts';
import { runToEnd } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { authsOf, leak, pullSecretsOf, readSecret, writes } from './observe.ts';

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
let stage: Stage;
let namespaces: readonly string[];

beforeAll(async () => {
  stage = await openStage({ plane: inject('plane'), name: 'pass', config: { registries: [ireland] } });
  namespaces = [
    await stage.createNamespace('a', { 'ecr-pull-secrets/enabled': 'true' }),
    await stage.createNamespace('b', { 'ecr-pull-secrets/enabled': 'true' }),
  ];
  await stage.createNamespace('bystander');
});
afterAll(() => stage.close());

async function once(...args: readonly string[]) {
  const { installation, awsAccess: aws } = stage;
  const ended = await runToEnd({ installation, aws, args: ['once', ...args] });
  expect(leak.test(ended.stdout + ended.stderr), 'something like a credential is told').toBe(false);
  return ended;
}

describe('in this order', () => {
  test('once --dry-run says what it would do, has the API server check it, and changes nothing', async () => {
    const audit = new AuditLog(stage.plane, stage.admin);
    const mark = await audit.mark();
    const { code, stdout } = await once('--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^pass-a +would change +add pass-pull-secret to the imagePullSecrets of ServiceAccount default$/m,
    );
    expect(stdout).toMatch(new RegExp(`^ +create Secret pass-pull-secret for ${ireland}$`, 'm'));
    expect(stdout).toMatch(/^2 would change, 0 unchanged, 0 failed \(dry run: nothing was changed\)$/m);
    const made = writes(await audit.since(mark, { user: stage.installation.user }));
    expect(made.length).toBeGreaterThanOrEqual(4);
    expect(made.filter(({ dryRun, code: status }) => !dryRun || status >= 300)).toEqual([]);
    for (const namespace of namespaces) {
      expect(await readSecret(stage, namespace)).toBeUndefined();
      expect(await pullSecretsOf(stage, namespace)).toEqual([]);
    }
  });

  test('once --namespace serves that namespace only', async () => {
    const { code, stdout } = await once('--namespace', 'pass-b');
    expect({ code, last: stdout.trim().split('\n').at(-1) }).toEqual({
      code: 0,
      last: '1 changed, 0 unchanged, 0 failed',
    });
    expect(await readSecret(stage, 'pass-a')).toBeUndefined();
    expect(await readSecret(stage, 'pass-b')).toBeDefined();
  });

  test('once serves every namespace, attaches, and ends', async () => {
    const { code, stdout } = await once('--output', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ dryRun: false, changed: 1, unchanged: 1, failed: 0 });
    for (const namespace of namespaces) {
      const secret = await readSecret(stage, namespace);
      const password = secret === undefined ? '' : (authsOf(secret)[ireland]?.password ?? '');
      expect(stage.aws.verdict(password).verdict).toBe('valid');
      expect(await pullSecretsOf(stage, namespace)).toEqual([stage.secretName]);
    }
  });

  test('once more: nothing to do, no AWS call, exit code 0', async () => {
    const calls = stage.aws.count();
    const { code, stdout } = await once();
    expect({ code, stdout }).toEqual({ code: 0, stdout: '0 changed, 2 unchanged, 0 failed\n' });
    expect(stage.aws.count()).toBe(calls);
  });

  test('a namespace that cannot be served: the account names it with the cure, the others are served, exit code 1', async () => {
    await stage.createNamespace('c', { 'ecr-pull-secrets/registries': 'docker.io' });
    await stage.createNamespace('d', { 'ecr-pull-secrets/enabled': 'true' });
    const { code, stdout } = await once();
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^pass-c +failed +AnnotationInvalid: annotation ecr-pull-secrets\/registries: "docker\.io" is not an ECR registry; expected/m,
    );
    expect(stdout).toMatch(/^pass-d +changed +/m);
  });

  test('AWS denies: exit code 1 with the cure; existing Secrets stay', async () => {
    onTestFinished(stage.aws.behave({ service: 'sts' }, { fail: 'deny' }));
    await stage.createNamespace('e', { 'ecr-pull-secrets/enabled': 'true' });
    const before = await readSecret(stage, 'pass-a');
    const { code, stdout } = await once();
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^pass-e +failed +.*\n +TokenUnavailable: no token for .*trust policy names another OIDC provider, subject or audience/m,
    );
    const after = await readSecret(stage, 'pass-a');
    expect(JSON.stringify(after) === JSON.stringify(before), 'as it was').toBe(true);
  });
});

describe('wrong usage', () => {
  test('a namespace that does not exist: exit code 1', async () => {
    const { code, stderr } = await once('--namespace', 'nowhere');
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'error: there is no namespace nowhere\n' });
  });

  test('a wrong configuration: every problem with its path, exit code 2', async () => {
    const file = join(stage.plane.directory, 'wrong.yaml');
    await writeFile(file, 'registries: [docker.io]\nworkers: none\nsecretname: x\n');
    const { code, stderr } = await once('--config', file);
    expect(code).toBe(2);
    expect(stderr).toContain('registries.0: "docker.io" is not an ECR registry');
    expect(stderr).toContain('workers: must be a number');
    expect(stderr).toContain('secretname: is no setting; check the spelling');
  });

  test('an unknown flag: exit code 2', async () => {
    const { code, stderr } = await once('--force-it');
    expect(code).toBe(2);
    expect(stderr).toContain("unknown option '--force-it'");
  });
});

test('version prints one line', async () => {
  const { code, stdout } = await runToEnd({ args: ['version'] });
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^ecr-pull-secrets \d+\.\d+\.\d+ \(node \d+\.\d+\.\d+\)\n$/),
  });
});
