// What others do to our Secrets and entries is repaired: in place where the Secret is still there, with the token that is at
// hand, and not for ever where somebody keeps undoing it.
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { asset } from '../../rig/control-plane/assets.ts';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import {
  type ReadSecret,
  eventsOf,
  eventually,
  outcomesIn,
  pullSecretsOf,
  readSecret,
  untilSecret,
  untilSettled,
} from './observe.ts';

const forged = Buffer.from('{"auths":{"evil.example":{"auth":"eDp5"}}}').toString('base64');
let stage: Stage;
let controller: ControllerProcess;

beforeAll(async () => {
  const registries = [
    '111122223333.dkr.ecr.eu-west-1.amazonaws.com',
    '111122223333.dkr.ecr.us-east-1.amazonaws.com',
  ];
  stage = await openStage({ plane: inject('plane'), name: 'drift', config: { registries } });
  controller = await stage.startController();
});
afterAll(() => stage.close());

const path = (namespace: string): string => `/api/v1/namespaces/${namespace}/secrets/${stage.secretName}`;

async function send(method: 'PATCH' | 'PUT' | 'DELETE', namespace: string, body?: unknown, manager?: string) {
  const apply = manager !== undefined;
  const { status } = await stage.admin.request({
    method,
    path: path(namespace),
    ...(body === undefined ? {} : { body }),
    ...(apply ? { query: { fieldManager: manager, force: 'true' } } : {}),
    ...(method === 'PATCH'
      ? { contentType: apply ? 'application/apply-patch+yaml' : 'application/merge-patch+json' }
      : {}),
  });
  expect(status).toBe(200);
}

const merge = (body: unknown) => (namespace: string) => send('PATCH', namespace, body);
const annotate = (key: string, value: string | null) =>
  merge({ metadata: { annotations: { [`ecr-pull-secrets/${key}`]: value } } });

async function kubectlEdit(namespace: string): Promise<void> {
  const args = [
    '--kubeconfig',
    stage.plane.adminKubeconfig,
    'edit',
    'secret',
    stage.secretName,
    '-n',
    namespace,
  ];
  const KUBE_EDITOR = `sed -i 's/  .dockerconfigjson: .*/  .dockerconfigjson: ${forged}/'`;
  await promisify(execFile)(await asset('kubectl'), args, { env: { ...process.env, KUBE_EDITOR } });
}

const put = (change: (secret: ReadSecret) => object) => async (namespace: string) => {
  const secret = await readSecret(stage, namespace);
  if (secret !== undefined) await send('PUT', namespace, change(secret));
};

/** The whole body as we would send it, under our own name: only the content tells. */
async function applyInOurName(namespace: string): Promise<void> {
  const secret = await readSecret(stage, namespace);
  const { name, labels, annotations } = secret?.metadata ?? {};
  const metadata = { name, namespace, labels, annotations };
  const data = { '.dockerconfigjson': forged };
  await send(
    'PATCH',
    namespace,
    { apiVersion: 'v1', kind: 'Secret', metadata, type: secret?.type, data },
    'drift',
  );
}

const inPlace: Readonly<Record<string, (namespace: string) => Promise<void>>> = {
  'its data is edited by kubectl edit': kubectlEdit,
  'its data is patched': merge({ data: { '.dockerconfigjson': forged } }),
  'it is emptied': merge({ data: { '.dockerconfigjson': Buffer.from('{"auths":{}}').toString('base64') } }),
  'it is replaced by a full PUT': put((secret) => ({ ...secret, data: { '.dockerconfigjson': forged } })),
  'it is replaced and its managed fields are cleared': put((secret) => ({
    ...secret,
    metadata: { ...secret.metadata, managedFields: [{}] },
    data: { '.dockerconfigjson': forged },
  })),
  'other data is applied in our name': applyInOurName,
  'its label is changed': merge({ metadata: { labels: { 'app.kubernetes.io/managed-by': 'helm' } } }),
  'its label is removed': merge({ metadata: { labels: { 'app.kubernetes.io/managed-by': null } } }),
  'its instance is changed': annotate('instance', 'somebody-else'),
  'its record of tokens is removed': annotate('tokens', null),
  'its record of tokens is forged': annotate(
    'tokens',
    '{"x/private/eu-west-1":{"issued":1,"expires":99999999999}}',
  ),
  'its expires-at is forged': annotate('expires-at', '2099-01-01T00:00:00Z'),
  'its inputs-hash is forged': annotate('inputs-hash', '0'),
};

/** What of a Secret is ours, without what the API server adds. */
const ours = ({ data, type, metadata: { labels, annotations } }: ReadSecret) => ({
  data,
  type,
  labels,
  annotations,
});

describe('repaired with the token that is at hand, when', () => {
  test.each(Object.entries(inPlace))('%s: in place', async (what, change) => {
    const index = Object.keys(inPlace).indexOf(what);
    const namespace = await stage.createNamespace(`place${index}`, { 'ecr-pull-secrets/enabled': 'true' });
    const before = await untilSecret(stage, namespace);
    const calls = stage.aws.count();
    await change(namespace);
    await eventually(async () => {
      const after = await untilSecret(stage, namespace);
      expect(JSON.stringify(ours(after)) === JSON.stringify(ours(before)), 'as it was').toBe(true);
      expect(after.metadata.uid).toBe(before.metadata.uid);
    });
    expect(stage.aws.count()).toBe(calls);
    expect(await eventsOf(stage, namespace)).toEqual([]);
  });

  test('it is deleted', async () => {
    const namespace = await stage.createNamespace('deleted', { 'ecr-pull-secrets/enabled': 'true' });
    const before = await untilSecret(stage, namespace);
    const calls = stage.aws.count();
    await send('DELETE', namespace);
    const after = await untilSecret(stage, namespace);
    expect(JSON.stringify(ours(after)) === JSON.stringify(ours(before)), 'as it was').toBe(true);
    expect(stage.aws.count()).toBe(calls);
  });

  test('our entry is taken out of the ServiceAccount, and what is there beside it stays', async () => {
    const namespace = await stage.createNamespace('detached', { 'ecr-pull-secrets/enabled': 'true' });
    await eventually(async () => expect(await pullSecretsOf(stage, namespace)).toEqual([stage.secretName]));
    await stage.admin.request({
      method: 'PATCH',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/default`,
      body: { imagePullSecrets: [{ name: 'other' }] },
      contentType: 'application/merge-patch+json',
    });
    await eventually(async () =>
      expect(await pullSecretsOf(stage, namespace)).toEqual(['other', stage.secretName]),
    );
  });
});

test('a change that does not concern us costs one look, and no write', async () => {
  const namespace = await stage.createNamespace('labelled', { 'ecr-pull-secrets/enabled': 'true' });
  await untilSecret(stage, namespace);
  await untilSettled(controller, [namespace]);
  const looks = outcomesIn(controller, namespace).length;
  await merge({ metadata: { labels: { team: 'a' } } })(namespace);
  const labelled = await untilSecret(stage, namespace);
  await eventually(async () => expect(outcomesIn(controller, namespace).length).toBeGreaterThan(looks));
  await sleep(500);
  expect((await untilSecret(stage, namespace)).metadata.resourceVersion).toBe(
    labelled.metadata.resourceVersion,
  );
});

test('a fight with another writer is limited, and told', async () => {
  const namespace = await stage.createNamespace('contested', { 'ecr-pull-secrets/enabled': 'true' });
  await untilSecret(stage, namespace);
  const updates = async () =>
    (await controller.metric('ecr_pull_secrets_writes_total', { kind: 'update' })) ?? 0;
  const before = await updates();
  const fightOnce = async () => {
    const secret = await untilSecret(stage, namespace);
    if (secret.data['.dockerconfigjson'] !== forged)
      await merge({ data: { '.dockerconfigjson': forged } })(namespace);
  };
  await eventually(async () => {
    await fightOnce();
    expect(await eventsOf(stage, namespace)).toEqual([
      expect.stringMatching(/^Contested: somebody keeps changing .*--show-managed-fields$/),
    ]);
  });
  for (const until = Date.now() + 4_000; Date.now() < until;) await fightOnce();
  expect((await updates()) - before).toBe(5);
});
