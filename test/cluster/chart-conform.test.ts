// What the chart renders, by defaults and by each example, as kubeconform sees it with the schemas of this Kubernetes: for those
// who check manifests in a pipeline, before any cluster.
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Admin } from '../../rig/control-plane/admin.ts';
import type { Manifest } from '../../rig/installation/render-chart.ts';
import { kubeconform } from '../../rig/kubeconform.ts';
import { ChartScene, examples } from './chart-scene.ts';

let scene: ChartScene;
let admin: Admin;
beforeAll(async () => {
  admin = new Admin(inject('plane'));
  scene = await ChartScene.open(inject('plane'), 'chart-conform');
});
afterAll(async () => {
  await scene.close();
  await admin.close();
});

const everything = { flowSchema: { enabled: true }, networkPolicy: { enabled: true }, replicas: 2 };

test.each(Object.entries({ ...examples, 'everything that may be left out': everything }))(
  'kubeconform -strict finds nothing: %s',
  async (_, values) => {
    expect(await kubeconform(await scene.render(values), admin)).toBe('');
  },
);

test.each<[string, (manifest: Manifest) => unknown, string]>([
  [
    'a field that there is not',
    ({ spec, ...rest }) => ({ ...rest, spec: { ...spec, replica: 1 } }),
    'replica',
  ],
  [
    'a number that is a text',
    ({ spec, ...rest }) => ({ ...rest, spec: { ...spec, replicas: 'one' } }),
    'replicas',
  ],
  ['a kind that there is not', (manifest) => ({ ...manifest, kind: 'Deploy' }), 'could not find schema'],
])('it would find %s', async (_, spoil, words) => {
  const spoilt = (await scene.render({})).map((manifest) =>
    manifest.kind === 'Deployment' ? (spoil(manifest) as Manifest) : manifest,
  );
  expect(await kubeconform(spoilt, admin)).toContain(words);
});
