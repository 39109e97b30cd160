// The step for a namespace that is to have a Secret: observe → diagnose → peek tokens → plan → apply. Called by reconcile. It
// takes what the token cache has, and never waits for AWS.
import { type Diagnosis, type Observed, diagnose, isOurs } from '../domain/checks.ts';
import { describeContest } from '../domain/contest.ts';
import { readDockerConfig } from '../domain/docker-config.ts';
import type { Problem } from '../domain/errors.ts';
import { describeForeign } from '../domain/foreign.ts';
import { type Intent, sourcesOf } from '../domain/intent.ts';
import {
  type Action,
  type HeldAuths,
  type Plan,
  type TokenState,
  documentOf,
  needsHeldAuths,
  plan,
} from '../domain/plan.ts';
import { type Applied, apply } from './apply.ts';
import { accountsOf, formerSecrets } from './leave.ts';
import type { Outcome } from './outcome.ts';
import type { ReconcileProps } from './reconcile.ts';
import type { RepairKind } from './repair-limit.ts';

/** A namespace and what it is to get. */
export interface Serving {
  readonly intent: Intent;
  /** What is wrong with its wishes; the rest is served all the same. */
  readonly problems: readonly Problem[];
}

/** Brings the Secret and the ServiceAccounts of a namespace closer to what they should be. @throws as the Cluster port does */
export async function serve({ intent, problems }: Serving, props: ReconcileProps): Promise<Outcome> {
  const observed = await compareContent(observe(intent, props), props);
  const found = diagnose(observed);
  if (found.foreign) return { kind: 'blocked', done: [], problems: [...problems, describeForeign(observed)] };
  const { diagnosis, contests } = limitRepairs(found, observed, props);
  remember(observed, props);
  const states = diagnosis.write === undefined ? noStates : peekAll(intent, props);
  const planned = plan(observed, diagnosis, states, await heldAuths(observed, states, props));
  const applied = await perform(planned, { observed, diagnosis }, props);
  const all = [...problems, ...planned.problems, ...applied.problems, ...contests];
  // What is left alone for a while is not looked at before that, however overdue it seems.
  const recheckAt = found.write !== diagnosis.write ? Infinity : planned.recheckAt;
  return fold(diagnosis, applied, {
    ...planned,
    recheckAt,
    problems: all,
    blocked: applied.problems.length + contests.length > 0,
  });
}

const noStates: ReadonlyMap<string, TokenState> = new Map();
const noAuths: HeldAuths = new Map();

function observe(intent: Intent, props: ReconcileProps): Observed {
  const { settings, clock, cluster, provenance } = props;
  const secret = cluster.secret(intent.namespace, settings.secretName);
  return {
    intent,
    settings,
    secret,
    knownAsOurs: secret !== undefined && provenance.isOurs(secret),
    contentChanged: false,
    serviceAccounts: accountsOf(intent.namespace, props),
    former: formerSecrets(intent.namespace, props),
    now: clock.now(),
  };
}

/**
 * A version that is not of our own writing is worth one look at the content, where we hold the tokens that it should have:
 * a writer who takes our name leaves no trace in the metadata.
 */
async function compareContent(observed: Observed, props: ReconcileProps): Promise<Observed> {
  const { secret, intent } = observed;
  const { cluster, provenance, tokens } = props;
  if (secret === undefined || provenance.isContentKnown(secret)) return observed;
  const { foreign, write } = diagnose(observed);
  if (foreign || write !== undefined) return observed;
  const held = [...sourcesOf(intent.wanted)].map(([key, source]) => [key, tokens.held(source)] as const);
  const expected = documentOf(observed, new Map(held));
  if (expected === undefined) return observed;
  const document = await cluster.readDocument(secret);
  const same = document?.reveal() === expected.reveal();
  if (same) provenance.vouchFor(secret);
  return { ...observed, contentChanged: !same };
}

function remember(
  { secret, settings, serviceAccounts, intent }: Observed,
  { provenance }: ReconcileProps,
): void {
  if (secret !== undefined && isOurs(secret, settings)) provenance.recognise(secret);
  const attached = serviceAccounts.filter(({ pullSecrets }) => pullSecrets?.includes(settings.secretName));
  const names = attached.map(({ name }) => name);
  if (names.length > 0) provenance.seeAttached(intent.namespace, names);
}

/** Undoing what somebody else did, as opposed to what is new or due. */
function repairsIn({ write, attach }: Diagnosis, observed: Observed, { provenance }: ReconcileProps) {
  const { namespace } = observed.intent;
  const { secret, contentChanged } = observed;
  const changed = contentChanged || (secret?.lostFields.length ?? 0) > 0;
  const lost = secret === undefined && provenance.hadOne(namespace);
  return {
    secret: write !== undefined && (changed || lost),
    attach: attach.some(({ name }) => provenance.wasAttached(namespace, name)),
  };
}

/** Leaves out what had to be repaired too often: nothing of it is done for a while, and that is said. */
function limitRepairs(
  found: Diagnosis,
  observed: Observed,
  props: ReconcileProps,
): { readonly diagnosis: Diagnosis; readonly contests: readonly Problem[] } {
  const { intent, settings, now } = observed;
  const repairs = repairsIn(found, observed, props);
  const waits = (kind: RepairKind) =>
    repairs[kind] && props.repairs.nextAt(intent.namespace, kind, now) > now;
  const contested = (['secret', 'attach'] as const).filter(waits);
  const isFirst = ({ name }: { name: string }) => !props.provenance.wasAttached(intent.namespace, name);
  const diagnosis = {
    ...found,
    write: contested.includes('secret') ? undefined : found.write,
    attach: contested.includes('attach') ? found.attach.filter(isFirst) : found.attach,
  };
  const contests = contested.map((kind) => ({
    ...describeContest(kind, intent, settings),
    retryAt: props.repairs.nextAt(intent.namespace, kind, now),
  }));
  return { diagnosis, contests };
}

async function perform(
  planned: Plan,
  { observed, diagnosis }: { observed: Observed; diagnosis: Diagnosis },
  props: ReconcileProps,
): Promise<Applied> {
  const { intent, settings, secret, now } = observed;
  const { cluster, metrics, provenance, repairs } = props;
  const { namespace } = intent;
  const repaired = repairsIn(diagnosis, observed, props);
  const reason = diagnosis.write;
  const applied = await apply(planned.actions, {
    namespace,
    settings,
    cluster,
    metrics,
    secret,
    reason,
    removal: 'renamed',
  });
  const did = (kind: Action['kind']) => applied.done.some((done) => done.kind === kind);
  if (repaired.secret && did('write-secret')) repairs.count(namespace, 'secret', now);
  if (repaired.attach && did('attach')) repairs.count(namespace, 'attach', now);
  if (applied.written !== undefined) provenance.vouchFor(applied.written);
  return applied;
}

function peekAll(intent: Intent, { tokens }: ReconcileProps): ReadonlyMap<string, TokenState> {
  const sources = [...sourcesOf(intent.wanted)];
  return new Map(sources.map(([key, source]) => [key, tokens.peek(source, intent.namespace)]));
}

async function heldAuths(
  observed: Observed,
  states: ReadonlyMap<string, TokenState>,
  { cluster }: ReconcileProps,
): Promise<HeldAuths> {
  const { secret } = observed;
  if (secret === undefined || !needsHeldAuths(observed, states)) return noAuths;
  const document = await cluster.readDocument(secret);
  return document === undefined ? noAuths : readDockerConfig(document);
}

function fold(
  { write: reason }: Diagnosis,
  { done, failure }: Applied,
  {
    problems,
    awaiting,
    recheckAt,
    blocked,
  }: Pick<Plan, 'problems' | 'awaiting' | 'recheckAt'> & { blocked: boolean },
): Outcome {
  const step = { done, reason, problems };
  if (failure !== undefined) return { ...step, kind: 'retry', failure };
  if (awaiting.length > 0) return { ...step, kind: 'awaiting', tokens: awaiting };
  const at = Math.min(recheckAt, ...problems.map(({ retryAt }) => retryAt ?? Infinity));
  return { ...step, kind: blocked ? 'blocked' : 'recheck', at };
}
