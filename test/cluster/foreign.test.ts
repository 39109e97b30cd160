// A Secret of our name that is somebody else's is never touched, whatever it looks like and whenever it appears; that is said
// where the tenant looks; and when it goes away, ours comes.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { KubernetesObject } from '../../rig/control-plane/admin.ts';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { eventsOf, eventually, outcomesIn, pullSecretsOf, readSecret, untilSecret } from './observe.ts';

const data = {
  '.dockerconfigjson': Buffer.from('{"auths":{"registry.example":{"auth":"eDp5"}}}').toString('base64'),
};
const managed = { 'app.kubernetes.io/managed-by': 'ecr-pull-secrets' };
const dockerConfig = 'kubernetes.io/dockerconfigjson';
let stage: Stage;
let controller: ControllerProcess;

beforeAll(async () => {
  const registries = ['111122223333.dkr.ecr.eu-west-1.amazonaws.com'];
  stage = await openStage({ plane: inject('plane'), name: 'foreign', config: { registries } });
  controller = await stage.startController();
});
afterAll(() => stage.close());

interface Foreign {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The field manager of an apply; absent: a POST. */
  readonly manager?: string;
}

const kinds: Readonly<Record<string, Foreign>> = {
  'made by somebody else': { type: dockerConfig, data },
  'of type Opaque': { type: 'Opaque', data: { password: 'eA==' } },
  immutable: { type: dockerConfig, data, immutable: true },
  'with our label only': { type: dockerConfig, data, labels: managed },
  'with our label and instance, but not applied by us': {
    type: dockerConfig,
    data,
    labels: managed,
    annotations: { 'ecr-pull-secrets/instance': 'foreign' },
  },
  'applied in our name, without label': { type: dockerConfig, data, manager: 'foreign' },
  'of another installation': {
    type: dockerConfig,
    data,
    labels: managed,
    annotations: { 'ecr-pull-secrets/instance': 'other' },
    manager: 'other',
  },
};

async function make(
  namespace: string,
  { labels = {}, annotations = {}, manager, ...rest }: Foreign,
): Promise<void> {
  const metadata = { name: stage.secretName, namespace, labels, annotations };
  const body = { apiVersion: 'v1', kind: 'Secret', metadata, ...rest };
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  const { status } = await stage.admin.request(
    manager === undefined
      ? { method: 'POST', path, body }
      : {
          method: 'PATCH',
          path: `${path}/${stage.secretName}`,
          query: { fieldManager: manager },
          body,
          contentType: 'application/apply-patch+yaml',
        },
  );
  expect(status).toBe(201);
}

describe('a Secret of our name', () => {
  test.each(Object.entries(kinds))(
    '%s: untouched to the byte, told with advice; when it goes, ours comes',
    async (what, foreign) => {
      const index = Object.keys(kinds).indexOf(what);
      const namespace = await stage.createNamespace(`kind${index}`);
      await make(namespace, foreign);
      const before = await readSecret(stage, namespace);
      const isUntouched = async () =>
        JSON.stringify(await readSecret(stage, namespace)) === JSON.stringify(before);
      await stage.admin.annotate(namespace, { 'ecr-pull-secrets/enabled': 'true' });
      await eventually(async () =>
        expect(await eventsOf(stage, namespace)).toEqual([
          expect.stringMatching(/^SecretForeign: .*left untouched.*To hand it over, delete it/),
        ]),
      );
      const other = await stage.createNamespace(`beside${index}`, { 'ecr-pull-secrets/enabled': 'true' });
      await untilSecret(stage, other);
      expect(await isUntouched()).toBe(true);
      expect(await pullSecretsOf(stage, namespace)).toEqual([]);
      // Opting out takes nothing away that is not ours.
      await stage.admin.annotate(namespace, { 'ecr-pull-secrets/enabled': 'false' });
      await eventually(async () => expect(outcomesIn(controller, namespace).at(-1)).toBe('settled'));
      expect(await isUntouched()).toBe(true);
      await stage.admin.annotate(namespace, { 'ecr-pull-secrets/enabled': 'true' });
      await stage.admin.request({
        method: 'DELETE',
        path: `/api/v1/namespaces/${namespace}/secrets/${stage.secretName}`,
      });
      await eventually(async () => {
        const secret = await readSecret(stage, namespace);
        expect(secret?.metadata.annotations?.['ecr-pull-secrets/instance']).toBe('foreign');
        expect((secret as KubernetesObject).metadata.uid).not.toBe(before?.metadata.uid);
      });
    },
  );
});
