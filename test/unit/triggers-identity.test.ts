// When a ServiceAccount is news for the identity that it gives: its role or itself changed. Real stores and a real queue; nobody
// reconciles here. Pull secrets and all other triggers are tested in triggers.test.ts.
import { describe, expect, test } from 'vitest';
import { connectTriggers } from '../../src/controller/triggers.ts';
import { WorkQueue } from '../../src/controller/work-queue.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../../src/domain/views.ts';
import { Store } from '../../src/kubernetes/store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordedMetrics } from '../support/model-ports.ts';
import { Hands } from '../support/queue-hands.ts';
import { aServiceAccount, aSettings } from '../support/views.ts';

const role = 'arn:aws:iam::111122223333:role/puller';
const known = { roleArn: role, uid: 'u1', pullSecrets: ['other'] };

/** `puller` gives identities only, `default` is attached to only, `both` is both; each is known in team-a for long. */
async function settled() {
  const metrics = new RecordedMetrics();
  const queue = new WorkQueue({ clock: new ManualClock(), metrics });
  const stores = {
    namespaces: new Store<NamespaceView>(),
    secrets: new Map([['ecr-pull-secret', new Store<SecretView>()]]),
    serviceAccounts: new Map(
      ['default', 'both', 'puller'].map((name) => [name, new Store<ServiceAccountView>()] as const),
    ),
  };
  const settings = aSettings({
    attachTo: ['default', 'both'],
    identity: { serviceAccounts: ['puller', 'both'], audience: 'sts.amazonaws.com' },
  });
  connectTriggers({ stores, settings, queue, metrics });
  const hands = new Hands(queue);
  for (const [name, store] of stores.serviceAccounts) {
    store.replace(new Map([['team-a', aServiceAccount({ name, ...known })]]), '1');
  }
  const urgent = async () => {
    const { urgent: depth = 0, routine = 0 } = Object.fromEntries(metrics.depths);
    const keys = await hands.empty();
    expect({ depth, routine }).toEqual({ depth: keys.length, routine: 0 });
    return keys;
  };
  // The first list is nobody's news: namespaces bring their own.
  expect(await urgent()).toEqual([]);
  const put = (name: string, change: Partial<ServiceAccountView>, origin: 'cluster' | 'own' = 'cluster') =>
    stores.serviceAccounts
      .get(name)
      ?.put('team-a', aServiceAccount({ name, ...known, resourceVersion: '2', ...change }), origin);
  const remove = (name: string) => stores.serviceAccounts.get(name)?.delete('team-a', '2', 'cluster');
  return { urgent, put, remove };
}

describe('a ServiceAccount', () => {
  const changes: readonly (readonly [string, Partial<ServiceAccountView>])[] = [
    ['gets another role', { roleArn: 'arn:aws:iam::111122223333:role/other' }],
    ['loses its role', { roleArn: undefined }],
    ['gets an empty role', { roleArn: '' }],
    ['was made anew, with the same role', { uid: 'u2' }],
  ];

  test.each(changes)('that gives identities is urgent where it %s', async (_, change) => {
    for (const name of ['puller', 'both']) {
      const { put, urgent } = await settled();
      put(name, change);
      expect(await urgent()).toEqual(['team-a']);
    }
  });

  test.each(changes)('that gives none is no news where it %s', async (_, change) => {
    const { put, urgent } = await settled();
    put('default', change);
    expect(await urgent()).toEqual([]);
  });

  test('of which nothing changed that we read is no news', async () => {
    const { put, urgent } = await settled();
    for (const name of ['default', 'both', 'puller']) put(name, {});
    expect(await urgent()).toEqual([]);
  });

  test.each(['puller', 'both'])(
    'that gives identities is urgent where it is deleted, and made again: %s',
    async (name) => {
      const { put, remove, urgent } = await settled();
      remove(name);
      expect(await urgent()).toEqual(['team-a']);
      put(name, { uid: 'u2', resourceVersion: '3' });
      expect(await urgent()).toEqual(['team-a']);
    },
  );

  test('that gives identities and is attached to as well is urgent for its pull secrets, too', async () => {
    const { put, urgent } = await settled();
    put('both', { pullSecrets: [] });
    expect(await urgent()).toEqual(['team-a']);
  });

  test('that we patched ourselves is no news; a change of its role afterwards is', async () => {
    const { put, urgent } = await settled();
    put('both', { pullSecrets: ['other', 'ecr-pull-secret'] }, 'own');
    expect(await urgent()).toEqual([]);
    put('both', { pullSecrets: ['other', 'ecr-pull-secret'], roleArn: 'x', resourceVersion: '3' });
    expect(await urgent()).toEqual(['team-a']);
  });
});
