// What happened in the cluster → a key in the queue. An event is never looked at closer: the reconcile reads the world
// anew. Called by app once, before the first list arrives. The first list is routine work, whatever comes later is urgent,
// so that a new namespace never waits behind a restart.
import { isOurs, timesOf } from '../domain/checks.ts';
import type { Settings } from '../domain/settings.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../domain/views.ts';
import type { ChangeOrigin, Lane, Metrics, Stores } from './ports.ts';
import type { WorkQueue } from './work-queue.ts';

interface TriggerProps {
  readonly stores: Stores;
  readonly settings: Settings;
  readonly queue: Pick<WorkQueue, 'add'>;
  readonly metrics: Pick<Metrics, 'secretExpiry'>;
}

/** Connects the stores with the queue. What we wrote ourselves is no news. */
export function connectTriggers({ stores, settings, queue, metrics }: TriggerProps): void {
  stores.namespaces.onChange(({ key, before, after, origin }) => {
    if (origin === 'access' || differs(before, after)) queue.add(key, laneOf(origin));
  });
  for (const [name, secrets] of stores.secrets) {
    secrets.onChange(({ key, after, origin }) => {
      if (name === settings.secretName) metrics.secretExpiry(key, expiryOf(after, settings));
      // Also the first list: a namespace that is not selected any more may still hold a Secret.
      if (origin !== 'own') queue.add(key, laneOf(origin));
    });
  }
  for (const [name, accounts] of stores.serviceAccounts) {
    const givesIdentity = settings.identity.serviceAccounts.includes(name);
    accounts.onChange(({ key, before, after, origin }) => {
      const news = pullSecretsDiffer(before, after) || (givesIdentity && identityDiffers(before, after));
      if (origin === 'access' || (origin === 'cluster' && news)) queue.add(key, 'urgent');
    });
  }
}

const laneOf = (origin: ChangeOrigin): Lane => (origin === 'initial' ? 'routine' : 'urgent');

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

function identityDiffers(
  before: ServiceAccountView | undefined,
  after: ServiceAccountView | undefined,
): boolean {
  return before?.uid !== after?.uid || before?.roleArn !== after?.roleArn;
}

/** Of a foreign Secret nothing is told: anybody may write what stands on it. */
function expiryOf(secret: SecretView | undefined, settings: Settings): number | undefined {
  if (secret === undefined || !isOurs(secret, settings)) return undefined;
  const times = [...(timesOf(secret)?.values() ?? [])];
  return times.length === 0 ? undefined : Math.min(...times.map(({ expires }) => expires));
}
