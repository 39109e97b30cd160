// How a namespace leaves: at once when its tenant says so; when its tokens have expired where it merely ceased to be selected;
// and what never happens: that something of somebody else goes, or that a namespace is stuck.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { eventually, pullSecretsOf, readSecret, untilSecret } from './observe.ts';

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const shortLived = '111122223333.dkr.ecr.us-east-1.amazonaws.com';
const enabled = { 'ecr-pull-secrets/enabled': 'true' };
/** s; due after half of it. */
const life = 16;
let stage: Stage;
let controller: ControllerProcess;

beforeAll(async () => {
  stage = await openStage({ plane: inject('plane'), name: 'leave', config: { registries: [ireland] } });
  stage.aws.behave({ service: 'ecr', region: 'us-east-1' }, { lifeSeconds: life });
  controller = await stage.startController();
});
afterAll(() => stage.close());

async function attach(namespace: string, ...names: readonly string[]): Promise<void> {
  await stage.admin.request({
    method: 'PATCH',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/default`,
    body: { imagePullSecrets: names.map((name) => ({ name })) },
    contentType: 'application/merge-patch+json',
  });
}

async function untilAttached(namespace: string): Promise<void> {
  await eventually(async () => expect(await pullSecretsOf(stage, namespace)).toContain(stage.secretName));
}

async function untilGone(namespace: string): Promise<void> {
  await eventually(async () => {
    expect(await readSecret(stage, namespace)).toBeUndefined();
    expect(await pullSecretsOf(stage, namespace)).not.toContain(stage.secretName);
  }, 60);
}

/** Waits until so many namespaces are on the way out. Those of a test that failed go when their tokens have expired. */
const untilLeaving = (count: number): Promise<void> =>
  eventually(
    async () => expect(await controller.metric('ecr_pull_secrets_leaving_namespaces')).toBe(count),
    60,
  );

/** A new start under another configuration; the old one comes back when the test has ended, however it ends. */
async function reconfigure(config: Readonly<Record<string, unknown>>): Promise<void> {
  const restart = async (values: Readonly<Record<string, unknown>>) => {
    await controller.stop();
    await stage.installation.upgrade(stage.values(values));
    controller = await stage.startController();
  };
  onTestFinished(() => restart({}));
  await restart(config);
}

/** What the controller says it has done in a namespace, each by its first two words. */
const doneIn = (namespace: string): readonly string[] =>
  controller
    .logs()
    .filter((line) => line['namespace'] === namespace && line['msg'] === 'done')
    .map(({ what }) => String(what).split(' ').slice(0, 2).join(' '));

describe('enabled: "false"', () => {
  test('detaches and deletes at once, and what is beside it stays', async () => {
    const namespace = await stage.createNamespace('off', enabled);
    await untilSecret(stage, namespace);
    await untilAttached(namespace);
    await attach(namespace, 'one', stage.secretName, 'two');
    await stage.admin.annotate(namespace, { 'ecr-pull-secrets/enabled': 'false' });
    await untilGone(namespace);
    expect(await pullSecretsOf(stage, namespace)).toEqual(['one', 'two']);
    await stage.admin.annotate(namespace, enabled);
    await untilSecret(stage, namespace);
  });

  test('while there is no token yet: the entry goes', async () => {
    onTestFinished(stage.aws.behave({ service: 'ecr', region: 'eu-west-3' }, { hang: true }));
    const registries = '111122223333.dkr.ecr.eu-west-3.amazonaws.com';
    const namespace = await stage.createNamespace('early', { 'ecr-pull-secrets/registries': registries });
    await untilAttached(namespace);
    await stage.admin.annotate(namespace, { 'ecr-pull-secrets/enabled': 'false' });
    await untilGone(namespace);
  });
});

describe('ceasing to be selected', () => {
  test('keeps Secret and entry until the token has expired; then both go', async () => {
    const namespace = await stage.createNamespace('ceased', { 'ecr-pull-secrets/registries': shortLived });
    const secret = await untilSecret(stage, namespace);
    await untilAttached(namespace);
    const expiry = Date.parse(secret.metadata.annotations?.['ecr-pull-secrets/expires-at'] ?? '');
    await stage.admin.annotate(namespace, { 'ecr-pull-secrets/registries': null });
    await untilLeaving(1);
    const versions = new Set<string | undefined>();
    const isKept = async () => {
      const attached = await pullSecretsOf(stage, namespace);
      const found = await readSecret(stage, namespace);
      if (found !== undefined) versions.add(found.metadata.resourceVersion);
      return found !== undefined && attached.includes(stage.secretName);
    };
    while (await isKept()) await sleep(20);
    expect(Date.now()).toBeGreaterThanOrEqual(expiry);
    // Kept, and no longer refreshed, though it was due after half of its life.
    expect([...versions]).toEqual([secret.metadata.resourceVersion]);
    await untilGone(namespace);
    await untilLeaving(0);
  });

  test('and being selected again in time: nothing has happened', async () => {
    const namespace = await stage.createNamespace('slip', enabled);
    const secret = await untilSecret(stage, namespace);
    await stage.admin.annotate(namespace, { 'ecr-pull-secrets/enabled': null });
    await untilLeaving(1);
    await stage.admin.annotate(namespace, enabled);
    await untilLeaving(0);
    expect((await readSecret(stage, namespace))?.metadata.resourceVersion).toBe(
      secret.metadata.resourceVersion,
    );
  });

  test('by a changed configuration, seen at the next start: the same', async () => {
    const namespace = await stage.createNamespace('config', { 'ecr-pull-secrets/registries': shortLived });
    const kept = await stage.createNamespace('config-long', enabled);
    await untilSecret(stage, namespace);
    const long = await untilSecret(stage, kept);
    await reconfigure({ namespaces: { include: ['leave-*'], exclude: [namespace, kept] } });
    await untilGone(namespace);
    expect((await readSecret(stage, kept))?.metadata.resourceVersion).toBe(long.metadata.resourceVersion);
  });

  test('by a label selector that does not match any more: the same', async () => {
    const namespace = await stage.createNamespace('selector', { 'ecr-pull-secrets/registries': shortLived });
    await untilSecret(stage, namespace);
    await reconfigure({ namespaces: { include: ['leave-*'], selector: 'team=a' } });
    await untilGone(namespace);
  });
});

test('renaming: the new Secret is written and attached first, then the old one and its entry go', async () => {
  const namespace = await stage.createNamespace('renamed', enabled);
  const stays = await stage.createNamespace('renamed-foreign');
  const old = await untilSecret(stage, namespace);
  await untilAttached(namespace);
  await controller.stop();
  const path = `/api/v1/namespaces/${stays}/secrets`;
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: stage.secretName, namespace: stays },
    data: { a: 'eA==' },
  };
  expect((await stage.admin.request({ method: 'POST', path, body })).status).toBe(201);
  await stage.admin.annotate(stays, enabled);
  await reconfigure({ secretName: 'leave-new-name', formerSecretNames: [stage.secretName] });
  await eventually(async () => {
    expect(await pullSecretsOf(stage, namespace)).toEqual(['leave-new-name']);
    expect(await readSecret(stage, namespace)).toBeUndefined();
  });
  const fresh = await stage.admin.get(`/api/v1/namespaces/${namespace}/secrets/leave-new-name`);
  expect(fresh?.metadata.uid).not.toBe(old.metadata.uid);
  // The API server answers others before the program has read the answer and written its line.
  await eventually(async () =>
    expect(doneIn(namespace)).toEqual([
      `add leave-new-name`,
      'create Secret',
      `remove ${stage.secretName}`,
      'delete Secret',
    ]),
  );
  // A foreign Secret of the former name is nobody's to delete.
  await eventually(async () => expect(await pullSecretsOf(stage, stays)).toEqual(['leave-new-name']));
  expect(await readSecret(stage, stays)).toBeDefined();
});

describe('deleting', () => {
  test('the namespace: it goes, and comes again under the same name', async () => {
    const namespace = await stage.createNamespace('deleted', enabled);
    const before = await untilSecret(stage, namespace);
    await stage.admin.deleteNamespace(namespace);
    await eventually(
      async () => expect(await stage.admin.get(`/api/v1/namespaces/${namespace}`)).toBeUndefined(),
      60,
    );
    await stage.createNamespace('deleted', enabled);
    const after = await untilSecret(stage, namespace);
    expect(after.metadata.uid).not.toBe(before.metadata.uid);
    await untilAttached(namespace);
  });

  test('the ServiceAccount while a namespace opts out: nothing is stuck', async () => {
    const namespace = await stage.createNamespace('no-account', enabled);
    await untilSecret(stage, namespace);
    await stage.admin.request({
      method: 'DELETE',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/default`,
    });
    await stage.admin.annotate(namespace, { 'ecr-pull-secrets/enabled': 'false' });
    await untilGone(namespace);
  });
});
