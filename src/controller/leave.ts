// The step for a namespace that is not to be served: opted out, or merely no longer selected. Called by reconcile. Opted out
// by the tenant: our entries and our Secret go now. No longer selected (an annotation gone, a pattern changed): they stay until
// their tokens are worth nothing, and go only when a live look confirms it, so that a slip does no harm at once.
import { isOurs } from '../domain/checks.ts';
import { type Problem, Retryable } from '../domain/errors.ts';
import { readIntent } from '../domain/intent.ts';
import { removalOf, worthlessAt } from '../domain/leaving.ts';
import type { ServiceAccountView, SecretView } from '../domain/views.ts';
import { apply } from './apply.ts';
import type { Outcome } from './outcome.ts';
import type { ReconcileProps } from './reconcile.ts';

/** Why the namespace is left. */
export interface Leaving {
  readonly kind: 'off' | 'unselected';
  readonly problems: readonly Problem[];
}

/** Takes away what is ours, if its time has come. @throws Retryable, Blocked, NamespaceGone */
export async function leave(
  key: string,
  { kind, problems }: Leaving,
  props: ReconcileProps,
): Promise<Outcome> {
  const { settings, cluster, clock } = props;
  const names = [settings.secretName, ...settings.formerSecretNames];
  const there = names.map((name) => cluster.secret(key, name)).filter((secret) => secret !== undefined);
  const secrets = there.filter((secret) => isOurs(secret, settings));
  const settled = { kind: 'settled', done: [], problems } as const;
  // Without a Secret of ours, an entry of that name is ours only where the tenant said no to us, or where we saw it made.
  const entryIsOurs = there.length === 0 && (kind === 'off' || wasAttached(key, props));
  if (secrets.length === 0 && !entryIsOurs) return settled;
  const at = kind === 'off' ? 0 : worthlessAt(secrets);
  if (clock.now() < at) return { kind: 'recheck', at, leaving: true, done: [], problems };
  if (kind === 'unselected') await confirmUnselected(key, props);
  const removable = there.length === 0 ? names : secrets.map(({ name }) => name);
  const actions = removalOf({ serviceAccounts: accountsOf(key, props), names: removable, secrets });
  const removal = kind === 'off' ? 'opted-out' : 'unselected';
  const applied = await apply(actions, {
    namespace: key,
    settings,
    cluster,
    metrics: props.metrics,
    removal,
  });
  const step = { done: applied.done, problems: [...problems, ...applied.problems] };
  if (applied.failure !== undefined) return { ...step, kind: 'retry', failure: applied.failure };
  return { ...step, kind: applied.problems.length > 0 ? 'blocked' : 'settled' };
}

/** The configured ServiceAccounts that this namespace has. */
export function accountsOf(
  key: string,
  { settings, cluster }: ReconcileProps,
): readonly ServiceAccountView[] {
  const accounts = settings.attachTo.map((name) => cluster.serviceAccount(key, name));
  return accounts.filter((account) => account !== undefined);
}

/** Of a namespace that is gone there is nothing to take an entry from. */
const wasAttached = (key: string, { settings, provenance, cluster }: ReconcileProps): boolean =>
  cluster.namespace(key) !== undefined && settings.attachTo.some((name) => provenance.wasAttached(key, name));

/** What we know may be old, or cut short by a wrong selector: the API server has the last word. */
async function confirmUnselected(key: string, { settings, cluster }: ReconcileProps): Promise<void> {
  const live = await cluster.lookUpNamespace(key);
  const decision = live === undefined ? undefined : readIntent(live, settings);
  if (
    live?.terminating === true ||
    (decision !== undefined && !['off', 'unselected'].includes(decision.kind))
  ) {
    throw new Retryable('conflict', `namespace ${key} has changed`);
  }
}

/** Our Secrets of former names. */
export function formerSecrets(key: string, { settings, cluster }: ReconcileProps): readonly SecretView[] {
  const there = settings.formerSecretNames.map((name) => cluster.secret(key, name));
  return there.filter((secret) => secret !== undefined && isOurs(secret, settings)) as readonly SecretView[];
}
