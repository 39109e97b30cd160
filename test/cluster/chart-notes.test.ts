// What helm says after an installation: the next command, and what is not as one might think.
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { ChartValues } from '../../rig/installation/render-chart.ts';
import { ChartScene, examples } from './chart-scene.ts';

let scene: ChartScene;
beforeAll(async () => {
  scene = await ChartScene.open(inject('plane'), 'system');
});
afterAll(() => scene.close());

const registries = ['111122223333.dkr.ecr.eu-west-1.amazonaws.com'];
const next = 'kubectl annotate namespace NAMESPACE ecr-pull-secrets/enabled=true';
const leftOut = 'The ServiceMonitor was left out';
const noCredentials = 'the credentials for AWS must come from elsewhere';
const monitored = { serviceMonitor: { enabled: true } };

const rows: readonly (readonly [sentence: string, values: ChartValues, words: readonly string[]])[] = [
  ['the next command, where there are default registries', { config: { registries } }, [next]],
  [
    'another one where there are none',
    {},
    ['No default registries are configured', 'ecr-pull-secrets/registries='],
  ],
  [
    'where to look when nothing appears',
    {},
    ['kubectl get events --namespace NAMESPACE', 'kubectl logs --namespace system'],
  ],
  ['that nothing gives credentials', {}, [noCredentials]],
  ['that there is no region', {}, ['Neither aws.region nor AWS_REGION in extraEnv is set']],
  [
    'the namespaces that it is limited to',
    examples['some-namespaces'] ?? {},
    ['  team-a, team-b', 'annotate namespace team-a'],
  ],
  ['that the ServiceMonitor was left out', monitored, [leftOut]],
  [
    'that a CronJob has no ServiceMonitor',
    { ...monitored, cronJob: { enabled: true } },
    ["a CronJob's passes serve no metrics"],
  ],
  [
    'how to start a pass at once',
    { cronJob: { enabled: true } },
    ['kubectl create job --from cronjob/ecr-pull-secrets'],
  ],
];

test.each(rows)('NOTES say %s', async (_, values, words) => {
  const notes = await scene.notes(values);
  for (const each of words) expect(notes).toContain(each);
});

test('NOTES do not warn of what is there', async () => {
  const notes = await scene.notes(examples['web-identity'] ?? {});
  expect(notes).toContain(next);
  for (const warning of [leftOut, noCredentials, 'Neither', 'No default', 'CronJob', 'limited']) {
    expect(notes).not.toContain(warning);
  }
});
