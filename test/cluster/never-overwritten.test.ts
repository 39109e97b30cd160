// Between the look and the write anything may happen: 1,000 times a foreign Secret takes the place of what was seen, and is
// never overwritten or deleted. The writer is the real one, under the chart's rights.
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { systemClock } from '../../src/app.ts';
import { desiredFields, desiredSecret } from '../../src/domain/desired-secret.ts';
import type { SecretView } from '../../src/domain/views.ts';
import { HttpApi } from '../../src/kubernetes/api.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import { connectByKubeconfig } from '../../src/kubernetes/kubeconfig.ts';
import { SecretWriter } from '../../src/kubernetes/secret-writer.ts';
import { Store } from '../../src/kubernetes/store.ts';
import { secretProjector } from '../../src/kubernetes/views.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { aSettings, aToken, anIntent } from '../support/views.ts';
import { readSecret } from './observe.ts';

const rounds = 1_000;
const lanes = 8;
let stage: Stage;
let connection: Connection;
let writer: SecretWriter;

beforeAll(async () => {
  stage = await openStage({ plane: inject('plane'), name: 'races' });
  connection = await connectByKubeconfig({ files: [stage.installation.kubeconfigFile], clock: systemClock });
  const api = new HttpApi({ connection, clock: systemClock, userAgent: 'test' });
  const settings = aSettings({ instance: 'races', secretName: stage.secretName });
  writer = new SecretWriter({
    api,
    secrets: new Map([[stage.secretName, new Store<SecretView>()]]),
    projectSecret: secretProjector({ manager: 'races', fields: desiredFields(settings) }),
    manager: 'races',
  });
});
afterAll(async () => {
  await connection.close();
  await stage.close();
});

const path = (namespace: string): string => `/api/v1/namespaces/${namespace}/secrets`;

async function remove(namespace: string): Promise<void> {
  await stage.admin.request({ method: 'DELETE', path: `${path(namespace)}/${stage.secretName}` });
}

async function makeForeign(namespace: string, mark: string): Promise<void> {
  const metadata = { name: stage.secretName, namespace, annotations: { mark } };
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': 'e30=' },
  };
  expect((await stage.admin.request({ method: 'POST', path: path(namespace), body })).status).toBe(201);
}

/** What was tried on a foreign Secret that had just taken the place. */
const attempts = ['create', 'update', 'delete'] as const;

async function round(namespace: string, index: number): Promise<void> {
  const settings = aSettings({ instance: 'races', secretName: stage.secretName });
  const intent = anIntent({ namespace });
  const desired = desiredSecret(intent, settings, {
    auths: new Map(intent.wanted.map(({ registry }) => [registry.host, aToken()])),
    times: new Map([['key', aToken()]]),
  });
  const attempt = attempts[index % attempts.length];
  const place = { namespace, name: stage.secretName };
  const seen = attempt === 'create' ? undefined : await writer.create(place, desired);
  // Now it happens.
  if (seen !== undefined) await remove(namespace);
  await makeForeign(namespace, String(index));
  const write = async () => {
    if (seen === undefined) await writer.create(place, desired);
    else if (attempt === 'update') await writer.update(seen, desired);
    else await writer.delete(seen);
  };
  await expect(write(), `${attempt} must not succeed`).rejects.toMatchObject({
    name: 'Retryable',
    reason: 'conflict',
  });
  const after = await readSecret(stage, namespace);
  expect({ mark: after?.metadata.annotations?.['mark'], data: after?.data }).toEqual({
    mark: String(index),
    data: { '.dockerconfigjson': 'e30=' },
  });
  await remove(namespace);
}

test(`a foreign Secret that comes between look and write is never overwritten, ${rounds} times`, async () => {
  const names = Array.from({ length: lanes }, (_, lane) => `lane${lane}`);
  const namespaces = await Promise.all(names.map((name) => stage.createNamespace(name)));
  await Promise.all(
    namespaces.map(async (namespace, lane) => {
      for (let index = lane; index < rounds; index += lanes) await round(namespace, index);
    }),
  );
});
