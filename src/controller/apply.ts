// Performs the actions of a plan, in order, each one request. Called by serve and leave. An action that fails does not keep
// the others from being done (each is guarded by what was seen of its own object), but for removals: what is to be there
// or to be gone before them must be so.
import type { WriteReason } from '../domain/checks.ts';
import { Blocked, type Problem, Retryable } from '../domain/errors.ts';
import type { Action } from '../domain/plan.ts';
import type { Settings } from '../domain/settings.ts';
import type { SecretView } from '../domain/views.ts';
import type { Done } from './outcome.ts';
import type { Cluster, Metrics, WriteCause } from './ports.ts';

/** What came of the actions. */
export interface Applied {
  readonly done: readonly Done[];
  readonly problems: readonly Problem[];
  /** Our Secret as the answer to our write had it. */
  readonly written?: SecretView | undefined;
  /** The first action that must be tried again. */
  readonly failure?: Retryable;
}

/** Where and why. */
export interface ApplyProps {
  readonly namespace: string;
  readonly settings: Settings;
  readonly cluster: Cluster;
  readonly metrics: Pick<Metrics, 'wrote'>;
  /** The Secret as the decision saw it; a write is guarded by it. */
  readonly secret?: SecretView | undefined;
  /** Why the Secret is written; attaching needs no reason. */
  readonly reason?: WriteReason | undefined;
  /** Why something is taken away. */
  readonly removal: WriteCause;
}

/** Performs the actions. @throws NamespaceGone, and what is a bug */
export async function apply(actions: readonly Action[], props: ApplyProps): Promise<Applied> {
  const done: Done[] = [];
  const problems: Problem[] = [];
  let written: SecretView | undefined;
  let failure: Retryable | undefined;
  const failed = new Set<Action['kind']>();
  for (const action of actions) {
    if (mustNotFollow(action, failed)) continue;
    try {
      const result = await perform(action, props);
      if (result === undefined) continue;
      done.push({ kind: action.kind, description: result.description });
      written = result.written ?? written;
    } catch (error) {
      failed.add(action.kind);
      if (error instanceof Retryable) failure ??= error;
      else if (error instanceof Blocked) problems.push(error.problem);
      else throw error;
    }
  }
  return { done, problems, written, ...(failure && { failure }) };
}

/** Nothing goes before what takes its place is there; and a Secret only when no entry names it any more. */
function mustNotFollow({ kind }: Action, failed: ReadonlySet<Action['kind']>): boolean {
  if (kind === 'delete-secret') return failed.size > 0;
  return kind === 'detach' && (failed.has('attach') || failed.has('write-secret'));
}

interface Performed {
  readonly description: string;
  readonly written?: SecretView;
}

type ActionOf<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;

/** @returns what was done; undefined when it was done already */
function perform(action: Action, props: ApplyProps): Promise<Performed | undefined> {
  switch (action.kind) {
    case 'attach':
      return attach(action, props);
    case 'detach':
      return detach(action, props);
    case 'write-secret':
      return writeSecret(action, props);
    case 'delete-secret':
      return deleteSecret(action, props);
  }
}

async function attach(
  { serviceAccount }: ActionOf<'attach'>,
  props: ApplyProps,
): Promise<Performed | undefined> {
  const { cluster, metrics, namespace, settings } = props;
  const seen = cluster.serviceAccount(namespace, serviceAccount);
  if (seen === undefined || seen.pullSecrets?.includes(settings.secretName) === true) return undefined;
  await cluster.attach(seen, settings.secretName);
  metrics.wrote('attach', 'not-attached');
  return {
    description: `add ${settings.secretName} to the imagePullSecrets of ServiceAccount ${serviceAccount}`,
  };
}

async function detach(
  { serviceAccount, secretName }: ActionOf<'detach'>,
  { cluster, metrics, namespace, removal }: ApplyProps,
): Promise<Performed | undefined> {
  const seen = cluster.serviceAccount(namespace, serviceAccount);
  if (seen?.pullSecrets?.includes(secretName) !== true) return undefined;
  await cluster.detach(seen, secretName);
  metrics.wrote('detach', removal);
  return {
    description: `remove ${secretName} from the imagePullSecrets of ServiceAccount ${serviceAccount}`,
  };
}

async function writeSecret({ desired }: ActionOf<'write-secret'>, props: ApplyProps): Promise<Performed> {
  const { cluster, metrics, namespace, settings, secret, reason = 'missing' } = props;
  const kind = secret === undefined ? 'create' : 'update';
  const written = await (secret === undefined
    ? cluster.createSecret(namespace, settings.secretName, desired)
    : cluster.updateSecret(secret, desired));
  metrics.wrote(kind, reason);
  return { description: `${kind} Secret ${settings.secretName} for ${desired.hosts.join(', ')}`, written };
}

async function deleteSecret(
  { secret }: ActionOf<'delete-secret'>,
  { cluster, metrics, removal }: ApplyProps,
): Promise<Performed> {
  await cluster.deleteSecret(secret);
  metrics.wrote('delete', removal);
  return { description: `delete Secret ${secret.name}` };
}
