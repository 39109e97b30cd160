// The main job on a real API server, under the chart's rights: a namespace is annotated and gets its Secret; and what that
// costs in calls to AWS and in requests.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  onTestFinished,
  test,
} from 'vitest';
import { Admin } from '../../rig/control-plane/admin.ts';
import { asset } from '../../rig/control-plane/assets.ts';
import { AuditLog } from '../../rig/control-plane/audit.ts';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import {
  authsOf,
  eventually,
  leak,
  pullSecretsOf,
  readSecret,
  untilSettled,
  untilSecret,
  writes,
} from './observe.ts';

const plane = inject('plane');
const host = (account: string, region: string): string => `${account}.dkr.ecr.${region}.amazonaws.com`;
const ireland = host('111122223333', 'eu-west-1');

describe('an annotated namespace', () => {
  let stage: Stage;
  let controller: ControllerProcess;
  beforeAll(async () => {
    stage = await openStage({
      plane,
      name: 'job',
      config: { registries: [ireland, host('444455556666', 'us-east-1')] },
    });
    controller = await stage.startController();
  });
  afterAll(() => stage.close());

  test('gets a Secret with valid tokens, attached to its ServiceAccount in addition to what was there', async () => {
    const namespace = await stage.createNamespace('team-a');
    const accountPath = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
    await stage.admin.request({
      method: 'PATCH',
      path: accountPath,
      body: { imagePullSecrets: [{ name: 'somebody-elses' }] },
      contentType: 'application/merge-patch+json',
    });
    const kubectl = await asset('kubectl');
    const args = [
      '--kubeconfig',
      plane.adminKubeconfig,
      'annotate',
      'namespace',
      namespace,
      'ecr-pull-secrets/enabled=true',
    ];
    const before = performance.now();
    await promisify(execFile)(kubectl, args);
    const secret = await untilSecret(stage, namespace);
    console.log(
      `Secret seen ${Math.round(performance.now() - before)} ms after kubectl annotate was started`,
    );

    expect(secret.type).toBe('kubernetes.io/dockerconfigjson');
    expect(Object.keys(secret.data)).toEqual(['.dockerconfigjson']);
    const auths = authsOf(secret);
    expect(Object.keys(auths)).toEqual([ireland, host('444455556666', 'us-east-1')]);
    for (const [key, { username, password, auth }] of Object.entries(auths)) {
      const { verdict, token } = stage.aws.verdict(password);
      expect({ verdict, region: token?.region }).toEqual({ verdict: 'valid', region: key.split('.')[3] });
      expect(username).toBe('AWS');
      expect(auth).toBe(Buffer.from(`AWS:${password}`).toString('base64'));
    }
    expect(secret.metadata.labels).toEqual({ 'app.kubernetes.io/managed-by': 'ecr-pull-secrets' });
    const annotations = secret.metadata.annotations ?? {};
    expect(Object.keys(annotations).toSorted()).toEqual(
      ['expires-at', 'inputs-hash', 'instance', 'tokens'].map((key) => `ecr-pull-secrets/${key}`),
    );
    expect(annotations['ecr-pull-secrets/instance']).toBe('job');
    const expiry = Math.min(...stage.aws.tokens.map(({ expiresAt }) => Math.floor(expiresAt / 1_000)));
    expect(Date.parse(annotations['ecr-pull-secrets/expires-at'] ?? '') / 1_000).toBe(expiry);
    const exported = 'ecr_pull_secrets_secret_expiry_timestamp_seconds';
    await eventually(async () => expect(await controller.metric(exported, { namespace })).toBe(expiry));
    await eventually(async () =>
      expect(await pullSecretsOf(stage, namespace)).toEqual(['somebody-elses', stage.secretName]),
    );
    expect(leak.test(controller.output()), 'something like a credential is in the log').toBe(false);
  });

  test('is left alone while it does not opt in', async () => {
    const namespace = await stage.createNamespace('bystander', { 'example.com/team': 'x' });
    const other = await stage.createNamespace('witness', { 'ecr-pull-secrets/enabled': 'true' });
    await untilSecret(stage, other);
    expect(await readSecret(stage, namespace)).toBeUndefined();
    expect(await pullSecretsOf(stage, namespace)).toEqual([]);
  });

  test('gets attached also when its ServiceAccount comes later', async () => {
    const namespace = stage.namespaceName('late-account');
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
    await stage.createNamespace('late-account', { 'ecr-pull-secrets/enabled': 'true' });
    await untilSecret(stage, namespace);
    await stage.admin.request({ method: 'DELETE', path });
    await eventually(async () => expect(await pullSecretsOf(stage, namespace)).toEqual([stage.secretName]));
  });
});

describe('what it costs', () => {
  let stage: Stage;
  beforeEach(async ({ task }) => {
    stage = await openStage({ plane, name: `cost${task.id.split('_').at(-1) ?? ''}` });
  });
  afterEach(() => stage.close());

  test('registries of three accounts in one region: one STS exchange, one ECR call', async () => {
    await stage.startController();
    const registries = ['111122223333', '444455556666', '777788889999'].map((account) =>
      host(account, 'eu-west-1'),
    );
    const namespace = await stage.createNamespace('a', {
      'ecr-pull-secrets/registries': registries.join(', '),
    });
    const auths = authsOf(await untilSecret(stage, namespace));
    expect(Object.keys(auths)).toEqual(registries);
    expect(new Set(Object.values(auths).map(({ password }) => password)).size).toBe(1);
    expect([stage.aws.count({ service: 'sts' }), stage.aws.count({ service: 'ecr' })]).toEqual([1, 1]);
  });

  test('two regions: one STS exchange, two ECR calls', async () => {
    await stage.startController();
    const registries = `${ireland} ${host('111122223333', 'us-east-1')}`;
    const namespace = await stage.createNamespace('a', { 'ecr-pull-secrets/registries': registries });
    expect(Object.keys(authsOf(await untilSecret(stage, namespace)))).toHaveLength(2);
    expect([stage.aws.count({ service: 'sts' }), stage.aws.count({ service: 'ecr' })]).toEqual([1, 2]);
  });

  test('200 namespaces with one identity: one STS exchange, one ECR call, 200 Secret writes', async () => {
    const annotations = { 'ecr-pull-secrets/registries': ireland };
    const names = Array.from({ length: 200 }, (_, index) => `n${index}`);
    const namespaces = await Promise.all(names.map((name) => stage.createNamespace(name, annotations)));
    const admin = new Admin(plane);
    onTestFinished(() => admin.close());
    const audit = new AuditLog(plane, admin);
    const mark = await audit.mark();
    const controller = await stage.startController();
    await Promise.all(namespaces.map((namespace) => untilSecret(stage, namespace)));
    await eventually(async () =>
      expect(await controller.metric('ecr_pull_secrets_writes_total', { kind: 'attach' })).toBe(200),
    );
    await untilSettled(controller, namespaces);
    // The API server writes an entry a moment after it has answered.
    await eventually(async () => {
      const made = writes(await audit.since(mark, { user: stage.installation.user }));
      const tally = Object.groupBy(made, ({ verb, resource, code }) => `${verb} ${resource} ${code}`);
      expect(
        Object.entries(tally)
          .map(([what, list]) => `${list?.length} × ${what}`)
          .toSorted(),
      ).toEqual(['200 × patch secrets 201', '200 × patch serviceaccounts 200']);
    });
    expect([stage.aws.count({ service: 'sts' }), stage.aws.count({ service: 'ecr' })]).toEqual([1, 1]);
  });
});
