// Performs the actions of a plan, in order, each one request. Called by reconcile. An action that a person must unblock
// does not keep the others from being done; one that must be tried again ends the step, since the world has changed.
import type { Observed, WriteReason } from '../domain/checks.ts';
import { Blocked, type Problem, Retryable } from '../domain/errors.ts';
import type { Action } from '../domain/plan.ts';
import type { Done } from './outcome.ts';
import type { Cluster, Metrics } from './ports.ts';

/** What came of the actions. */
export interface Applied {
  readonly done: readonly Done[];
  readonly problems: readonly Problem[];
  /** The action that must be tried again; those after it were not begun. */
  readonly failure?: Retryable;
}

interface ApplyProps {
  readonly cluster: Cluster;
  readonly metrics: Pick<Metrics, 'wrote'>;
  readonly reason: WriteReason | undefined;
}

/** Performs the actions. @throws NamespaceGone, and what is a bug */
export async function apply(
  actions: readonly Action[],
  observed: Observed,
  props: ApplyProps,
): Promise<Applied> {
  const done: Done[] = [];
  const problems: Problem[] = [];
  for (const action of actions) {
    try {
      const description = await perform(action, observed, props);
      done.push({ kind: action.kind, description });
    } catch (error) {
      if (error instanceof Retryable) return { done, problems, failure: error };
      if (!(error instanceof Blocked)) throw error;
      problems.push(error.problem);
    }
  }
  return { done, problems };
}

async function perform(action: Action, observed: Observed, props: ApplyProps): Promise<string> {
  switch (action.kind) {
    case 'attach':
      return attach(action, observed, props);
    case 'write-secret':
      return writeSecret(action, observed, props);
  }
}

async function attach(
  { serviceAccount }: Extract<Action, { kind: 'attach' }>,
  { serviceAccounts, settings }: Observed,
  { cluster, metrics }: ApplyProps,
): Promise<string> {
  const seen = serviceAccounts.find(({ name }) => name === serviceAccount);
  if (seen === undefined) throw new Error(`planned to attach to ${serviceAccount}, which was not observed`);
  await cluster.attach(seen);
  metrics.wrote('attach', 'not-attached');
  return `add ${settings.secretName} to the imagePullSecrets of ServiceAccount ${serviceAccount}`;
}

async function writeSecret(
  { desired }: Extract<Action, { kind: 'write-secret' }>,
  { secret, intent, settings }: Observed,
  { cluster, metrics, reason = 'missing' }: ApplyProps,
): Promise<string> {
  const kind = secret === undefined ? 'create' : 'update';
  await (secret === undefined
    ? cluster.createSecret(intent.namespace, desired)
    : cluster.updateSecret(secret, desired));
  metrics.wrote(kind, reason);
  return `${kind} Secret ${settings.secretName} for ${desired.hosts.join(', ')}`;
}
