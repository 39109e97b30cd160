// The chart's own token and the EKS pod identity webhook on the same pod: they must not collide. The webhook is played as its
// source says (pkg/handler/handler.go): it leaves a variable, a volume or a mount alone whose name it finds.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Admin } from '../../rig/control-plane/admin.ts';
import { ChartScene, type PodSpec, examples, podOf } from './chart-scene.ts';

const plane = inject('plane');
const namespace = 'chart-webhook';
const folder = '/var/run/secrets/eks.amazonaws.com/serviceaccount';
const role = 'arn:aws:iam::111122223333:role/ecr-pull-secrets';
let scene: ChartScene;
let admin: Admin;
beforeAll(async () => {
  admin = new Admin(plane);
  scene = await ChartScene.open(plane, namespace);
  await admin.createNamespace(namespace);
  await admin.apply({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'ecr-pull-secrets', namespace },
  });
});
afterAll(async () => {
  await admin.deleteNamespace(namespace);
  await scene.close();
  await admin.close();
});

interface Named {
  readonly name: string;
}

const added = <Item extends Named>(there: readonly Item[], more: readonly Item[]): readonly Item[] => [
  ...there,
  ...more.filter(({ name }) => !there.some((item) => item.name === name)),
];

/** What the webhook makes of a pod whose ServiceAccount is annotated with the role. */
function mutated(pod: PodSpec): PodSpec {
  const env = {
    AWS_STS_REGIONAL_ENDPOINTS: 'regional',
    AWS_DEFAULT_REGION: 'us-west-2',
    AWS_REGION: 'us-west-2',
    AWS_ROLE_ARN: role,
    AWS_WEB_IDENTITY_TOKEN_FILE: `${folder}/token`,
  };
  const serviceAccountToken = { audience: 'sts.amazonaws.com', expirationSeconds: 86_400, path: 'token' };
  const mount = { name: 'aws-iam-token', readOnly: true, mountPath: folder };
  return {
    ...pod,
    volumes: added<Named>(pod.volumes, [
      { name: 'aws-iam-token', projected: { sources: [{ serviceAccountToken }] } } as Named,
    ]),
    containers: pod.containers.map((container) => ({
      ...container,
      env: added(
        container.env ?? [],
        Object.entries(env).map(([name, value]) => ({ name, value })),
      ),
      volumeMounts: added(container.volumeMounts, [mount]),
    })),
  };
}

/** Of the controller's container. */
const variables = ({ containers: [controller] }: PodSpec): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries((controller?.env ?? []).map(({ name, value }) => [name, value]));

const ways = {
  'the chart alone': { values: examples['web-identity'] ?? {}, webhook: false },
  'the webhook alone': { values: examples['webhook'] ?? {}, webhook: true },
  both: {
    values: {
      ...examples['web-identity'],
      serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': role } },
    },
    webhook: true,
  },
} as const;

describe.each(Object.entries(ways))('%s', (_, { values, webhook }) => {
  test('one token at one place, the role, and the region of the values', async () => {
    const rendered = podOf(await scene.render(values));
    const pod = webhook ? mutated(rendered) : rendered;
    const mounts = pod.containers[0]?.volumeMounts.map(({ mountPath }) => mountPath) ?? [];
    expect(mounts.filter((path) => path === folder)).toEqual([folder]);
    expect(new Set(mounts).size).toBe(mounts.length);
    expect(pod.containers[0]?.env).toHaveLength(Object.keys(variables(pod)).length);
    expect(variables(pod)).toEqual({
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_ROLE_ARN: role,
      AWS_WEB_IDENTITY_TOKEN_FILE: `${folder}/token`,
      AWS_STS_REGIONAL_ENDPOINTS: 'regional',
    });
    const answer = await admin.request({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods`,
      query: { dryRun: 'All', fieldValidation: 'Strict' },
      body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod', namespace }, spec: pod },
    });
    expect(answer).toMatchObject({ status: 201 });
  });
});
