// What happened in the cluster → a key in the queue. An event is never looked at closer: the reconcile reads the world
// anew. Called by app once, before the first list arrives. The first list is routine work, whatever comes later is urgent,
// so that a new namespace never waits behind a restart.
import { readTokenTimes } from '../domain/token.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../domain/views.ts';
import type { Metrics, Stores } from './ports.ts';
import type { WorkQueue } from './work-queue.ts';

interface TriggerProps {
  readonly stores: Stores;
  readonly queue: Pick<WorkQueue, 'add'>;
  readonly metrics: Pick<Metrics, 'secretExpiry'>;
}

/** Connects the stores with the queue. What we wrote ourselves is no news. */
export function connectTriggers({ stores, queue, metrics }: TriggerProps): void {
  stores.namespaces.onChange(({ key, before, after, origin }) => {
    if (differs(before, after)) queue.add(key, origin === 'initial' ? 'routine' : 'urgent');
  });
  stores.secrets.onChange(({ key, after, origin }) => {
    metrics.secretExpiry(key, after === undefined ? undefined : earliestExpiry(after));
    if (origin === 'cluster') queue.add(key, 'urgent');
  });
  for (const accounts of stores.serviceAccounts.values()) {
    accounts.onChange(({ key, before, after, origin }) => {
      if (origin === 'cluster' && pullSecretsDiffer(before, after)) queue.add(key, 'urgent');
    });
  }
}

/** A namespace changes for many reasons; only what we read of it is worth a look. */
function differs(before: NamespaceView | undefined, after: NamespaceView | undefined): boolean {
  if (before === undefined || after === undefined) return true;
  return (
    before.terminating !== after.terminating ||
    JSON.stringify(before.annotations) !== JSON.stringify(after.annotations)
  );
}

function pullSecretsDiffer(
  before: ServiceAccountView | undefined,
  after: ServiceAccountView | undefined,
): boolean {
  return before?.pullSecrets?.join() !== after?.pullSecrets?.join() || before === undefined;
}

function earliestExpiry({ annotations }: SecretView): number | undefined {
  const times = [...(readTokenTimes(annotations['tokens'])?.values() ?? [])];
  return times.length === 0 ? undefined : Math.min(...times.map(({ expires }) => expires));
}
