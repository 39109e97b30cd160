// What the controller's identity may not do, asked of the real API server: whatever the program might come to try, no
// Secret of another name can be read, written or listed.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Admin, type AdminRequest } from '../../rig/control-plane/admin.ts';
import { type Stage, openStage } from '../../rig/stage.ts';

let stage: Stage;
let namespace: string;
let controller: Admin;
const other = 'database-password';

beforeAll(async () => {
  stage = await openStage({ plane: inject('plane'), name: 'rights' });
  namespace = await stage.createNamespace('team-a');
  const { url, caFile } = stage.plane;
  controller = new Admin({ url, caFile, adminToken: await stage.installation.token() });
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: other, namespace },
    data: { key: 'dmFsdWU=' },
  };
  await stage.admin.apply(secret);
});
afterAll(async () => {
  await controller.close();
  await stage.close();
});

const secrets = (): string => `/api/v1/namespaces/${namespace}/secrets`;

/** Requests about the Secret of a name, as somebody who had the controller's token would send them. */
const requestsFor = (name: string): Readonly<Record<string, AdminRequest>> => {
  const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'Opaque', data: {} };
  const byName = { fieldSelector: `metadata.name=${name}` };
  return {
    get: { method: 'GET', path: `${secrets()}/${name}` },
    list: { method: 'GET', path: secrets(), query: byName },
    'list in all namespaces': { method: 'GET', path: '/api/v1/secrets', query: byName },
    watch: { method: 'GET', path: secrets(), query: { ...byName, watch: 'true', timeoutSeconds: '1' } },
    apply: {
      method: 'PATCH',
      path: `${secrets()}/${name}`,
      query: { fieldManager: 'rights', force: 'true' },
      body,
      contentType: 'application/apply-patch+yaml',
    },
    put: { method: 'PUT', path: `${secrets()}/${name}`, body },
    post: { method: 'POST', path: secrets(), body },
    delete: { method: 'DELETE', path: `${secrets()}/${name}` },
  };
};

describe("the controller's identity gets 403", () => {
  test.each(Object.keys(requestsFor('')))('for any other Secret: %s', async (verb) => {
    for (const name of [other, 'a-name-that-nobody-has']) {
      const request = requestsFor(name)[verb];
      expect(request && (await controller.request(request)).status).toBe(403);
    }
  });

  test.each([
    ['list of all Secrets', { method: 'GET', path: '/api/v1/secrets' }],
    [
      'list of all Secrets by a label',
      { method: 'GET', path: '/api/v1/secrets', query: { labelSelector: 'a=b' } },
    ],
    ['delete of all Secrets', { method: 'DELETE', path: '/api/v1/namespaces/default/secrets' }],
    ['list of all ServiceAccounts', { method: 'GET', path: '/api/v1/serviceaccounts' }],
    [
      'token of a ServiceAccount',
      { method: 'POST', path: '/api/v1/namespaces/default/serviceaccounts/default/token', body: {} },
    ],
    ['config maps', { method: 'GET', path: '/api/v1/configmaps' }],
    [
      'change of a Namespace',
      {
        method: 'PATCH',
        path: '/api/v1/namespaces/default',
        body: {},
        contentType: 'application/merge-patch+json',
      },
    ],
  ] satisfies readonly (readonly [string, AdminRequest])[])('for the %s', async (_, request) => {
    expect((await controller.request(request)).status).toBe(403);
  });

  test('and the other Secret is as it was', async () => {
    const secret = await stage.admin.get<{ data: unknown }>(`${secrets()}/${other}`);
    expect(secret?.data).toEqual({ key: 'dmFsdWU=' });
  });
});

test('its own Secret it can list, watch, make by apply, read and delete; not post or put', async () => {
  const requests = requestsFor(stage.secretName);
  const statuses: Record<string, number> = {};
  for (const verb of ['post', 'list', 'list in all namespaces', 'watch', 'apply', 'get', 'put', 'delete']) {
    const request = requests[verb];
    if (request !== undefined) statuses[verb] = (await controller.request(request)).status;
  }
  expect(statuses).toEqual({
    post: 403,
    list: 200,
    'list in all namespaces': 200,
    watch: 200,
    apply: 201,
    get: 200,
    put: 403,
    delete: 200,
  });
});
