// What is taken away from a namespace that is not served any more, or whose Secret has got another name: our entries in the
// ServiceAccounts first, then the Secret, so that no pod is made with a pull secret that is not there. Pure; called by plan and
// by controller/leave. Foreign Secrets never get this far.
import { timesOf } from './checks.ts';
import type { Action } from './plan.ts';
import type { SecretView, ServiceAccountView } from './views.ts';

/** What to take away. */
export interface Remains {
  /** The ServiceAccounts that the configuration lets us touch. */
  readonly serviceAccounts: readonly ServiceAccountView[];
  /** Names whose entries go. */
  readonly names: readonly string[];
  /** Secrets of ours that go. */
  readonly secrets: readonly SecretView[];
}

/** The actions, in order. */
export function removalOf({ serviceAccounts, names, secrets }: Remains): readonly Action[] {
  const entries = serviceAccounts.flatMap(({ name: serviceAccount, pullSecrets = [] }) =>
    names
      .filter((secretName) => pullSecrets.includes(secretName))
      .map((secretName) => ({ kind: 'detach', serviceAccount, secretName }) as const),
  );
  return [...entries, ...secrets.map((secret) => ({ kind: 'delete-secret', secret }) as const)];
}

/**
 * When the last token of these Secrets has expired, ms since the epoch: then nobody can miss them. Where a Secret's record
 * cannot be read that is not known, and it stays.
 */
export function worthlessAt(secrets: readonly SecretView[]): number {
  const moments = secrets.map((secret) => {
    const times = [...(timesOf(secret)?.values() ?? [])];
    return times.length === 0 ? Infinity : Math.max(...times.map(({ expires }) => expires * 1_000));
  });
  return Math.max(0, ...moments);
}
