// What becomes a key in the queue, and in which lane: changes in real stores, a real queue, and what it hands out
// afterwards. Nobody reconciles here.
import { describe, expect, test } from 'vitest';
import { connectTriggers } from '../../src/controller/triggers.ts';
import { WorkQueue } from '../../src/controller/work-queue.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../../src/domain/views.ts';
import { Store } from '../../src/kubernetes/store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordedMetrics } from '../support/model-ports.ts';
import { Hands } from '../support/queue-hands.ts';
import {
  aNamespace,
  aSecret,
  aServiceAccount,
  aSettings,
  anIntent,
  hostIn,
  midnight,
  twelveHours,
} from '../support/views.ts';

function connected() {
  const metrics = new RecordedMetrics();
  const queue = new WorkQueue({ clock: new ManualClock(), metrics });
  const namespaces = new Store<NamespaceView>();
  const secrets = new Store<SecretView>();
  const former = new Store<SecretView>();
  const accounts = new Store<ServiceAccountView>();
  const builders = new Store<ServiceAccountView>();
  const serviceAccounts = new Map([
    ['default', accounts],
    ['builder', builders],
  ]);
  const byName = new Map([
    ['ecr-pull-secret', secrets],
    ['registry-creds', former],
  ]);
  const stores = { namespaces, secrets: byName, serviceAccounts };
  connectTriggers({ stores, settings: aSettings(), queue, metrics });
  const hands = new Hands(queue);
  /** The keys in the queue: how many in each lane, and which. They are taken out. */
  const queued = async () => {
    const { urgent = 0, routine = 0 } = Object.fromEntries(metrics.depths);
    return { urgent, routine, keys: await hands.empty() };
  };
  return { metrics, queue, namespaces, secrets, former, accounts, builders, queued };
}

const nothing = { urgent: 0, routine: 0, keys: [] };
const urgent = { urgent: 1, routine: 0, keys: ['team-a'] };

/** With one namespace, Secret and ServiceAccount that are known for long. */
async function settled() {
  const world = connected();
  world.namespaces.replace(new Map([['team-a', aNamespace()]]), '1');
  world.secrets.replace(new Map([['team-a', aSecret()]]), '1');
  world.accounts.replace(new Map([['team-a', aServiceAccount({ pullSecrets: ['other'] })]]), '1');
  world.builders.replace(new Map(), '1');
  await world.queued();
  return world;
}

describe('a namespace', () => {
  test('of the first list is routine, once, though its Secret and ServiceAccounts are listed too', async () => {
    const { namespaces, secrets, accounts, queued } = connected();
    const names = ['team-a', 'team-b', 'team-c'];
    accounts.replace(new Map(names.map((namespace) => [namespace, aServiceAccount({ namespace })])), '5');
    secrets.replace(new Map(names.map((namespace) => [namespace, aSecret({ namespace })])), '5');
    namespaces.replace(new Map(names.map((name) => [name, aNamespace({ name })])), '5');
    expect(await queued()).toEqual({ urgent: 0, routine: 3, keys: names });
  });

  test('that appears later is urgent and goes before those of the first list', async () => {
    const { namespaces, queued } = connected();
    namespaces.replace(new Map(['a', 'b'].map((name) => [name, aNamespace({ name })])), '5');
    namespaces.put('new', aNamespace({ name: 'new', resourceVersion: '6' }), 'cluster');
    expect(await queued()).toEqual({ urgent: 1, routine: 2, keys: ['new', 'a', 'b'] });
  });

  test('that a later list brings is urgent', async () => {
    const { namespaces, queued } = await settled();
    const both = [aNamespace(), aNamespace({ name: 'missed', resourceVersion: '8' })];
    namespaces.replace(new Map(both.map((view) => [view.name, view])), '9');
    expect(await queued()).toEqual({ urgent: 1, routine: 0, keys: ['missed'] });
  });

  test.each<[string, Partial<NamespaceView>]>([
    ['gets another value', { annotations: { enabled: 'false' } }],
    ['gets one more annotation of ours', { annotations: { enabled: 'true', 'attach-to': 'none' } }],
    ['loses its annotations', { annotations: {} }],
    ['begins to terminate', { terminating: true }],
  ])('that %s is urgent', async (_, change) => {
    const { namespaces, queued } = await settled();
    namespaces.put('team-a', aNamespace({ resourceVersion: '2', ...change }), 'cluster');
    expect(await queued()).toEqual(urgent);
  });

  test('that is deleted is urgent', async () => {
    const { namespaces, queued } = await settled();
    namespaces.delete('team-a', '2', 'cluster');
    expect(await queued()).toEqual(urgent);
  });

  test('of which only something changed that we do not read is no news', async () => {
    const { namespaces, queued } = await settled();
    for (const resourceVersion of ['2', '3', '4']) {
      namespaces.put('team-a', aNamespace({ resourceVersion }), 'cluster');
    }
    expect(await queued()).toEqual(nothing);
  });
});

describe('the Secret', () => {
  test.each<[string, Partial<SecretView>]>([
    ['changed by somebody else', { lostFields: ['data'] }],
    ['written again with the same content', {}],
  ])('%s is urgent', async (_, change) => {
    const { secrets, queued } = await settled();
    secrets.put('team-a', aSecret({ resourceVersion: '2', ...change }), 'cluster');
    expect(await queued()).toEqual(urgent);
  });

  test('that is deleted is urgent', async () => {
    const { secrets, queued } = await settled();
    secrets.delete('team-a', '2', 'cluster');
    expect(await queued()).toEqual(urgent);
  });

  test('that somebody makes in our place is urgent', async () => {
    const { secrets, queued } = await settled();
    secrets.put('team-b', aSecret({ namespace: 'team-b', resourceVersion: '2' }), 'cluster');
    expect(await queued()).toEqual({ ...urgent, keys: ['team-b'] });
  });

  test('of a former name that appears is urgent, also where its namespace is not known', async () => {
    const { former, queued } = await settled();
    former.put('team-b', aSecret({ namespace: 'team-b', name: 'registry-creds' }), 'cluster');
    expect(await queued()).toEqual({ ...urgent, keys: ['team-b'] });
  });

  test.each(['secrets', 'former'] as const)(
    'of the first list is routine also where its namespace is not selected any more: %s',
    async (store) => {
      const world = connected();
      world[store].replace(new Map([['team-z', aSecret({ namespace: 'team-z' })]]), '5');
      expect(await world.queued()).toEqual({ urgent: 0, routine: 1, keys: ['team-z'] });
    },
  );

  test('that we wrote ourselves is no news, and its echo from the watch neither', async () => {
    const { secrets, queued } = await settled();
    const written = aSecret({ resourceVersion: '2' });
    secrets.put('team-a', written, 'own');
    secrets.put('team-a', written, 'cluster');
    expect(await queued()).toEqual(nothing);
  });
});

describe('a ServiceAccount', () => {
  test.each<[string, Partial<ServiceAccountView>]>([
    ['loses an entry', { pullSecrets: [] }],
    ['loses the list', { pullSecrets: undefined }],
    ['gets an entry', { pullSecrets: ['other', 'more'] }],
    ['gets another entry', { pullSecrets: ['changed'] }],
  ])('whose pull secrets change is urgent: it %s', async (_, change) => {
    const { accounts, queued } = await settled();
    accounts.put('team-a', aServiceAccount({ resourceVersion: '2', ...change }), 'cluster');
    expect(await queued()).toEqual(urgent);
  });

  test.each(['default', 'builder'] as const)(
    'that appears is urgent, also without a list: %s',
    async (name) => {
      const { accounts, builders, queued } = await settled();
      const store = name === 'default' ? accounts : builders;
      store.put('team-b', aServiceAccount({ namespace: 'team-b', name, resourceVersion: '2' }), 'cluster');
      expect(await queued()).toEqual({ ...urgent, keys: ['team-b'] });
    },
  );

  test('of which something else changed is no news', async () => {
    const { accounts, queued } = await settled();
    const change = {
      pullSecrets: ['other'],
      roleArn: 'arn:aws:iam::111122223333:role/x',
      resourceVersion: '2',
    };
    accounts.put('team-a', aServiceAccount(change), 'cluster');
    expect(await queued()).toEqual(nothing);
  });

  test('that we patched ourselves is no news, and its echo from the watch neither', async () => {
    const { accounts, queued } = await settled();
    const patched = aServiceAccount({ pullSecrets: ['other', 'ecr-pull-secret'], resourceVersion: '2' });
    accounts.put('team-a', patched, 'own');
    accounts.put('team-a', patched, 'cluster');
    expect(await queued()).toEqual(nothing);
  });
});

describe('the expiry of a Secret as a metric', () => {
  test('is the earliest of its tokens, from the first list on', async () => {
    const { metrics } = await settled();
    expect(Object.fromEntries(metrics.expiries)).toEqual({ 'team-a': midnight + twelveHours });
    const { secrets, metrics: other } = connected();
    const intent = anIntent({ hosts: [hostIn('eu-west-1'), hostIn('us-east-1'), hostIn('us-east-2')] });
    const tokens = Object.fromEntries(
      [30, 10, 20].map((expires, index) => [`k${index}`, { issued: 1, expires }]),
    );
    secrets.replace(
      new Map([['team-a', aSecret({ annotations: { tokens: JSON.stringify(tokens) } }, { intent })]]),
      '1',
    );
    expect(Object.fromEntries(other.expiries)).toEqual({ 'team-a': 10 });
  });

  test.each(['own', 'cluster'] as const)('follows each write: %s', async (origin) => {
    const { metrics, secrets } = await settled();
    const tokens = JSON.stringify({ k: { issued: 1, expires: 99 } });
    secrets.put('team-a', aSecret({ resourceVersion: '2', annotations: { tokens } }), origin);
    expect(Object.fromEntries(metrics.expiries)).toEqual({ 'team-a': 99 });
  });

  test.each<[string, Partial<SecretView>]>([
    ['is not ours', { managedBy: 'helm' }],
    ['is of another installation', { annotations: { instance: 'other' } }],
  ])('tells nothing of a Secret that %s, nor of one of a former name', async (_, change) => {
    const { metrics, secrets, former } = await settled();
    secrets.put('team-a', aSecret({ resourceVersion: '2', ...change }), 'cluster');
    former.put('team-a', aSecret({ name: 'registry-creds' }), 'cluster');
    expect(Object.fromEntries(metrics.expiries)).toEqual({});
  });

  test('is removed with the Secret', async () => {
    const { metrics, secrets } = await settled();
    secrets.delete('team-a', '2', 'cluster');
    expect(Object.fromEntries(metrics.expiries)).toEqual({});
  });

  test.each(['{}', 'not json', '[]'])(
    'is removed where the record of tokens tells nothing: %s',
    async (tokens) => {
      const { metrics, secrets } = await settled();
      secrets.put('team-a', aSecret({ resourceVersion: '2', annotations: { tokens } }), 'cluster');
      expect(Object.fromEntries(metrics.expiries)).toEqual({});
    },
  );
});
