// Where objects live at the API server.
import { expect, it } from 'vitest';
import { collectionPaths, resourcePath } from '../../rig/control-plane/resource-path.ts';

it.each([
  ['v1', 'Namespace', '/api/v1/namespaces/x'],
  ['v1', 'Secret', '/api/v1/namespaces/team-a/secrets/x'],
  ['apps/v1', 'Deployment', '/apis/apps/v1/namespaces/team-a/deployments/x'],
  ['rbac.authorization.k8s.io/v1', 'ClusterRole', '/apis/rbac.authorization.k8s.io/v1/clusterroles/x'],
  ['flowcontrol.apiserver.k8s.io/v1', 'FlowSchema', '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/x'],
  ['policy/v1', 'PodDisruptionBudget', '/apis/policy/v1/namespaces/team-a/poddisruptionbudgets/x'],
  ['networking.k8s.io/v1', 'NetworkPolicy', '/apis/networking.k8s.io/v1/namespaces/team-a/networkpolicies/x'],
])('knows %s %s', (apiVersion, kind, path) => {
  expect(resourcePath({ apiVersion, kind, metadata: { name: 'x', namespace: 'team-a' } })).toBe(path);
});

it('puts an object without a namespace into default', () => {
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'x' } };
  expect(resourcePath(lease)).toBe('/apis/coordination.k8s.io/v1/namespaces/default/leases/x');
});

it('refuses a kind that it does not know', () => {
  const object = { apiVersion: 'example.org/v1', kind: 'Thing', metadata: { name: 'x' } };
  expect(() => resourcePath(object)).toThrow('example.org/v1 Thing');
});

it('lists what a namespace may hold', () => {
  expect(collectionPaths('team-a')).toContain('/api/v1/namespaces/team-a/secrets');
  expect(collectionPaths('team-a')).toContain('/apis/rbac.authorization.k8s.io/v1/namespaces/team-a/roles');
});
