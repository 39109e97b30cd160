// One step for one namespace: observe → readIntent → diagnose → peek tokens → plan → apply. Called by the worker with a
// key; it reads the world anew each time and says what happened. It never waits for AWS and never decides about retries.
import { type Diagnosis, type Observed, diagnose } from '../domain/checks.ts';
import { describeForeign } from '../domain/foreign.ts';
import { type Decision, type Intent, readIntent, sourcesOf } from '../domain/intent.ts';
import { type HeldAuths, type TokenState, needsHeldAuths, plan } from '../domain/plan.ts';
import type { Settings } from '../domain/settings.ts';
import { type Applied, apply } from './apply.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import type { Clock, Cluster, Metrics } from './ports.ts';
import type { TokenCache } from './token-cache.ts';

/** What a step works with. */
export interface ReconcileProps {
  readonly settings: Settings;
  readonly clock: Pick<Clock, 'now'>;
  readonly cluster: Cluster;
  readonly tokens: Pick<TokenCache, 'peek'>;
  readonly metrics: Pick<Metrics, 'wrote'>;
}

/**
 * Brings one namespace closer to what it should be.
 * @param key the namespace's name
 * @throws only what is a bug: every failure of the cluster is an outcome
 */
export async function reconcile(key: string, props: ReconcileProps): Promise<Outcome> {
  try {
    const namespace = props.cluster.namespace(key);
    if (namespace === undefined) return { kind: 'settled', done: [], problems: [] };
    const decision = readIntent(namespace, props.settings);
    return decision.kind === 'wanted' ? await serve(decision, props) : notServed(decision);
  } catch (error) {
    return outcomeOf(error);
  }
}

type NotWanted = Exclude<Decision, { kind: 'wanted' }>;

function notServed({ kind, problems }: NotWanted): Outcome {
  return { kind: kind === 'refused' ? 'blocked' : 'settled', done: [], problems };
}

async function serve(
  { intent, problems }: Extract<Decision, { kind: 'wanted' }>,
  props: ReconcileProps,
): Promise<Outcome> {
  const observed = observe(intent, props);
  const diagnosis = diagnose(observed);
  if (diagnosis.foreign)
    return { kind: 'blocked', done: [], problems: [...problems, describeForeign(observed)] };
  const states = diagnosis.write === undefined ? noStates : peekAll(intent, props);
  const held = await heldAuths(observed, states, props.cluster);
  const planned = plan(observed, diagnosis, states, held);
  const applied = await apply(planned.actions, observed, { ...props, reason: diagnosis.write });
  return fold(diagnosis, applied, { ...planned, problems: [...problems, ...planned.problems] });
}

const noStates: ReadonlyMap<string, TokenState> = new Map();
const noAuths: HeldAuths = new Map();

function observe(intent: Intent, { settings, clock, cluster }: ReconcileProps): Observed {
  const accounts = intent.attachTo.map((name) => cluster.serviceAccount(intent.namespace, name));
  return {
    intent,
    settings,
    secret: cluster.secret(intent.namespace),
    serviceAccounts: accounts.filter((account) => account !== undefined),
    now: clock.now(),
  };
}

function peekAll(intent: Intent, { tokens }: ReconcileProps): ReadonlyMap<string, TokenState> {
  const sources = [...sourcesOf(intent.wanted)];
  return new Map(sources.map(([key, source]) => [key, tokens.peek(source, intent.namespace)]));
}

async function heldAuths(
  observed: Observed,
  states: ReadonlyMap<string, TokenState>,
  cluster: Cluster,
): Promise<HeldAuths> {
  const { secret } = observed;
  return secret !== undefined && needsHeldAuths(observed, states) ? cluster.readAuths(secret) : noAuths;
}

function fold(
  { write: reason }: Diagnosis,
  applied: Applied,
  planned: Pick<ReturnType<typeof plan>, 'problems' | 'awaiting' | 'recheckAt'>,
): Outcome {
  const step = { done: applied.done, reason, problems: [...planned.problems, ...applied.problems] };
  if (applied.failure !== undefined) return { ...step, kind: 'retry', failure: applied.failure };
  if (planned.awaiting.length > 0) return { ...step, kind: 'awaiting', tokens: planned.awaiting };
  if (applied.problems.length > 0) return { ...step, kind: 'blocked', at: planned.recheckAt };
  return { ...step, kind: 'recheck', at: planned.recheckAt };
}
