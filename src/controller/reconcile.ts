// One step for one namespace: what is it to get, and what follows from that? Called by the worker with a key; it reads the
// world anew each time and says what happened. Serving is in serve, taking away in leave. It never waits for AWS and never
// decides about retries.
import { type Decision, readIntent } from '../domain/intent.ts';
import { refusals } from '../domain/refusals.ts';
import type { Settings } from '../domain/settings.ts';
import { leave } from './leave.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import type { Clock, Cluster, Metrics } from './ports.ts';
import type { Provenance } from './provenance.ts';
import type { RepairLimit } from './repair-limit.ts';
import { serve } from './serve.ts';
import type { TokenCache } from './token-cache.ts';

/** What a step works with. */
export interface ReconcileProps {
  readonly settings: Settings;
  readonly clock: Pick<Clock, 'now'>;
  readonly cluster: Cluster;
  readonly tokens: Pick<TokenCache, 'peek' | 'held'>;
  readonly metrics: Pick<Metrics, 'wrote'>;
  readonly provenance: Provenance;
  readonly repairs: RepairLimit;
}

/**
 * Brings one namespace closer to what it should be.
 * @param key the namespace's name
 * @throws only what is a bug: every failure of the cluster is an outcome
 */
export async function reconcile(key: string, props: ReconcileProps): Promise<Outcome> {
  try {
    const outcome = await step(key, props);
    if (outcome.kind === 'settled') {
      props.provenance.forget(key);
      props.repairs.forget(key);
    }
    return outcome;
  } catch (error) {
    return outcomeOf(error);
  }
}

function step(key: string, props: ReconcileProps): Promise<Outcome> | Outcome {
  // Of what we may not see, nothing is to be concluded: neither that it is there nor that it is not.
  const hidden = props.cluster.hidden(key);
  if (hidden.length > 0) return { kind: 'blocked', done: [], problems: [refusals.hidden(key, hidden)] };
  const namespace = props.cluster.namespace(key);
  if (namespace?.terminating === true) return { kind: 'settled', done: [], problems: [] };
  // One that is not in the store is gone, or the selector does not match it any more.
  const decision: Decision =
    namespace === undefined
      ? { kind: 'unselected', problems: [] }
      : readIntent(namespace, props.settings, (name) => props.cluster.serviceAccount(key, name));
  switch (decision.kind) {
    case 'wanted':
      return serve(decision, props);
    case 'refused':
      return { kind: 'blocked', done: [], problems: decision.problems };
    case 'off':
    case 'unselected':
      return leave(key, { kind: decision.kind, problems: decision.problems }, props);
  }
}
