// With flowSchema.enabled, the API server ranks our requests as the chart means it: it says by which FlowSchema it took each.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Agent, request } from 'undici';
import { Admin } from '../../rig/control-plane/admin.ts';
import { type Installation, installChart } from '../../rig/installation.ts';
import { eventually } from './observe.ts';

const plane = inject('plane');
const namespace = 'flow-system';
let admin: Admin;
let agent: Agent;
let installation: Installation | undefined;

beforeAll(async () => {
  admin = new Admin(plane);
  agent = new Agent({ connect: { ca: readFileSync(plane.caFile, 'utf8') } });
  const values = { flowSchema: { enabled: true }, config: { instance: 'flow' } };
  installation = await installChart({ plane, admin, namespace, release: 'flow', values });
});
afterAll(async () => {
  await installation?.remove();
  await agent.close();
  await admin.close();
});

/** The name of the FlowSchema by which the API server takes a request of the controller. */
async function schemaOf(method: 'GET' | 'PUT', path: string): Promise<string | undefined> {
  const authorization = `Bearer ${await installation?.token()}`;
  const answer = await request(new URL(path, plane.url), {
    method,
    dispatcher: agent,
    headers: { authorization, 'content-type': 'application/json' },
    body: method === 'GET' ? null : '{}',
  });
  await answer.body.dump();
  const list = await admin.get<{ items: { metadata: { name: string; uid: string } }[] }>(
    '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas',
  );
  const uid = answer.headers['x-kubernetes-pf-flowschema-uid'];
  return list?.items.find(({ metadata }) => metadata.uid === uid)?.metadata.name;
}

const lease = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/flow`;

test.each<[string, 'GET' | 'PUT', string, string]>([
  ['reading the Lease', 'GET', lease, 'flow-ecr-pull-secrets.flow-system.leases'],
  ['writing the Lease', 'PUT', lease, 'flow-ecr-pull-secrets.flow-system.leases'],
  ['watching namespaces', 'GET', '/api/v1/namespaces', 'flow-ecr-pull-secrets.flow-system'],
])('%s has its FlowSchema', async (_, method, path, schema) => {
  // The API server takes new ones up a little later.
  await eventually(async () => expect(await schemaOf(method, path)).toBe(schema));
});

test('nobody else is taken by them', async () => {
  const token = await admin.serviceAccountToken(namespace, 'default');
  const answer = await request(new URL('/api/v1/namespaces', plane.url), {
    dispatcher: agent,
    headers: { authorization: `Bearer ${token}` },
  });
  await answer.body.dump();
  const uid = String(answer.headers['x-kubernetes-pf-flowschema-uid']);
  const own = await admin.get<{ metadata: { uid: string } }>(
    '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/flow-ecr-pull-secrets.flow-system',
  );
  expect(uid).not.toBe(own?.metadata.uid);
});
