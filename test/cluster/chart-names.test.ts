// The names that RBAC rules are made from. An empty one would open every object, so each is refused in a sentence, by the templates
// also where the schema is switched off.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { ChartValues } from '../../rig/installation/render-chart.ts';
import { ChartScene } from './chart-scene.ts';

let scene: ChartScene;
beforeAll(async () => {
  scene = await ChartScene.open(inject('plane'), 'system');
});
afterAll(() => scene.close());

type Row = readonly [sentence: string, values: ChartValues, words: string];

/** What RBAC rules are made from. */
const names: readonly Row[] = [
  ['no name of the Secret', { config: { secretName: '' } }, 'config.secretName must be the name of a Secret'],
  [
    'null for the name of the Secret',
    { config: { secretName: null } },
    'config.secretName must be the name of a Secret',
  ],
  [
    'a pattern for the name of the Secret',
    { config: { secretName: '*' } },
    'config.secretName must be the name of a Secret',
  ],
  [
    'two lines for the name of the Secret',
    { config: { secretName: 'a\nb' } },
    'config.secretName must be the name of a Secret',
  ],
  [
    'a list for the name of the Secret',
    { config: { secretName: ['a'] } },
    'config.secretName must be the name of a Secret',
  ],
  [
    'an empty former name',
    { config: { formerSecretNames: ['a', ''] } },
    'config.formerSecretNames has "": each entry must be the name of a Secret',
  ],
  [
    'a text for former names',
    { config: { formerSecretNames: 'a' } },
    'config.formerSecretNames must be a list of Secret names',
  ],
  [
    'an empty ServiceAccount to attach to',
    { config: { attachTo: [''] } },
    'config.attachTo has "": each entry must be the name of a ServiceAccount',
  ],
  [
    'null among ServiceAccounts',
    { config: { attachTo: [null] } },
    'config.attachTo has null: each entry must be the name of a ServiceAccount',
  ],
  [
    'a text for ServiceAccounts',
    { config: { attachTo: 'default' } },
    'config.attachTo must be a list of ServiceAccount names',
  ],
  [
    'null for ServiceAccounts',
    { config: { attachTo: null } },
    'config.attachTo must be a list of ServiceAccount names',
  ],
  [
    'an empty ServiceAccount with tokens',
    { config: { identity: { serviceAccounts: [''] } } },
    'config.identity.serviceAccounts has "": each entry must be the name of a ServiceAccount',
  ],
  [
    'every ServiceAccount with tokens',
    { config: { identity: { serviceAccounts: ['*'] } } },
    'config.identity.serviceAccounts has "*": each entry must be the name of a ServiceAccount',
  ],
  [
    'a text for ServiceAccounts with tokens',
    { config: { identity: { serviceAccounts: 'a' } } },
    'config.identity.serviceAccounts must be a list of ServiceAccount names',
  ],
  [
    'an empty namespace',
    { config: { namespaces: { only: [''] } } },
    'config.namespaces.only has "": each entry must be the name of a namespace',
  ],
  [
    'a pattern of namespaces',
    { config: { namespaces: { only: ['team-*'] } } },
    'config.namespaces.only has "team-*": each entry must be the name of a namespace',
  ],
  [
    'a text for namespaces',
    { config: { namespaces: { only: 'team-a' } } },
    'config.namespaces.only must be a list of namespaces',
  ],
  [
    'a namespace twice',
    { config: { namespaces: { only: ['a', 'a'] } } },
    'config.namespaces.only must name each namespace once',
  ],
  [
    'a space for the name of the Lease',
    { config: { instance: ' ' } },
    'config.instance must be a short name',
  ],
];

test.each(['a.b', 'a'.repeat(64)])(
  'nor is an instance rendered that the program would refuse: %s',
  async (instance) => {
    expect(await scene.refusal({ config: { instance } })).toContain('config.instance must be a short name');
  },
);

describe('never a rule for every object: refused with and without the schema', () => {
  test.each(names)('%s', async (_, values, words) => {
    expect(await scene.refusal(values)).not.toBe('');
    expect(await scene.refusal(values, ['--skip-schema-validation'])).toContain(words);
  });
});
