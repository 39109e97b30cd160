// A cluster's own policies may deny our writes: that is said in the tenant's namespace with the policy's name, and nobody else is
// held up. The words are those of a real API server.
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Stage, openStage } from '../../rig/stage.ts';
import { eventsOf, eventually, readSecret, untilSecret } from './observe.ts';

const policy = 'secrets-need-an-owner.example.com';
let stage: Stage;

const policyObjects = (namespace: string) => {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const rule = {
    apiGroups: [''],
    apiVersions: ['v1'],
    operations: ['CREATE', 'UPDATE'],
    resources: ['secrets'],
  };
  const selector = { matchLabels: { 'kubernetes.io/metadata.name': namespace } };
  return [
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: policy },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { resourceRules: [rule], namespaceSelector: selector },
        validations: [
          { expression: "'owner' in object.metadata.labels", message: 'a Secret needs the label owner' },
        ],
      },
    },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: policy },
      spec: { policyName: policy, validationActions: ['Deny'] },
    },
  ];
};

beforeAll(async () => {
  const registries = ['111122223333.dkr.ecr.eu-west-1.amazonaws.com'];
  stage = await openStage({ plane: inject('plane'), name: 'admission', config: { registries } });
});
afterAll(async () => {
  try {
    for (const kind of ['validatingadmissionpolicybindings', 'validatingadmissionpolicies']) {
      const path = `/apis/admissionregistration.k8s.io/v1/${kind}/${policy}`;
      await stage.admin.request({ method: 'DELETE', path });
    }
  } finally {
    await stage.close();
  }
});

test('a write that an admission policy denies is told with the name of the policy; others are served', async () => {
  const namespace = await stage.createNamespace('strict');
  for (const object of policyObjects(namespace)) await stage.admin.apply(object);
  await eventually(async () => {
    const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'probe', namespace } };
    const path = `/api/v1/namespaces/${namespace}/secrets`;
    const { status } = await stage.admin.request({ method: 'POST', path, query: { dryRun: 'All' }, body });
    expect(status, 'the policy is in force').toBe(422);
  });
  const controller = await stage.startController();
  await stage.admin.annotate(namespace, { 'ecr-pull-secrets/enabled': 'true' });
  const other = await stage.createNamespace('relaxed', { 'ecr-pull-secrets/enabled': 'true' });
  await untilSecret(stage, other);
  await eventually(async () =>
    expect(await eventsOf(stage, namespace)).toEqual([
      expect.stringMatching(
        new RegExp(`^Forbidden: the admission policy or webhook ${policy} denies us to apply Secret`),
      ),
    ]),
  );
  expect(await readSecret(stage, namespace)).toBeUndefined();
  expect(await controller.metric('ecr_pull_secrets_problems_total', { reason: 'Forbidden' })).toBeGreaterThan(
    0,
  );
});
