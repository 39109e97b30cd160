// When the API server lets us look at a namespace no more, or again, that is news for it, whichever store hears of it. Real stores
// and a real queue; nobody reconciles here. All other triggers are tested in triggers.test.ts.
import { expect, test } from 'vitest';
import { connectTriggers } from '../../src/controller/triggers.ts';
import { WorkQueue } from '../../src/controller/work-queue.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../../src/domain/views.ts';
import { Store } from '../../src/kubernetes/store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordedMetrics } from '../support/model-ports.ts';
import { Hands } from '../support/queue-hands.ts';
import { aNamespace, aSecret, aServiceAccount, aSettings } from '../support/views.ts';

const parts = ['team-a', 'team-b'];
const views = { namespaces: aNamespace(), secrets: aSecret(), accounts: aServiceAccount() } as const;

/** Two namespaces that are looked at one by one; all of the first is known for long. */
async function settled() {
  const metrics = new RecordedMetrics();
  const queue = new WorkQueue({ clock: new ManualClock(), metrics });
  const namespaces = new Store<NamespaceView>(parts);
  const secrets = new Store<SecretView>(parts);
  const accounts = new Store<ServiceAccountView>(parts);
  connectTriggers({
    stores: {
      namespaces,
      secrets: new Map([['ecr-pull-secret', secrets]]),
      serviceAccounts: new Map([['default', accounts]]),
    },
    settings: aSettings(),
    queue,
    metrics,
  });
  namespaces.replace(new Map([['team-a', views.namespaces]]), '1', 'team-a');
  secrets.replace(new Map([['team-a', views.secrets]]), '1', 'team-a');
  accounts.replace(new Map([['team-a', views.accounts]]), '1', 'team-a');
  const hands = new Hands(queue);
  await hands.empty();
  /** The keys that are urgent; they are taken out. */
  const urgent = async () => {
    const { urgent: depth = 0 } = Object.fromEntries(metrics.depths);
    const keys = await hands.empty();
    expect(depth).toBe(keys.length);
    return keys;
  };
  return { urgent, namespaces, secrets, accounts };
}

test.each(['namespaces', 'secrets', 'accounts'] as const)(
  'a namespace that may not be looked at any more, and then again, is looked at both times: %s',
  async (kind) => {
    const { urgent, ...stores } = await settled();
    stores[kind].refuse('team-a');
    expect(await urgent()).toEqual(['team-a']);
    // What there is is what there was.
    stores[kind].replace(new Map([['team-a', views[kind]]]) as never, '9', 'team-a');
    expect(await urgent()).toEqual(['team-a']);
  },
);

test.each(['namespaces', 'secrets', 'accounts'] as const)(
  'so is one that could not be looked at from the beginning: %s',
  async (kind) => {
    const { urgent, ...stores } = await settled();
    stores[kind].refuse('team-b');
    expect(await urgent()).toEqual(['team-b']);
    stores[kind].replace(new Map(), '9', 'team-b');
    expect(await urgent()).toEqual(['team-b']);
  },
);
