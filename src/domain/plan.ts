// What to do about a diagnosis: pure. Observed + findings + what the token cache has → actions, problems, and when to
// look again. It never shrinks a good Secret: a host whose token cannot be had keeps its old entry. Called by
// controller/reconcile; the actions are performed by controller/apply.
import { type Diagnosis, type Observed, dueAt, isAlreadyThere, timesOf } from './checks.ts';
import { type DesiredSecret, desiredSecret } from './desired-secret.ts';
import type { DockerAuth } from './docker-config.ts';
import type { Problem } from './errors.ts';
import { describeIdentity } from './identity.ts';
import { sourceOf } from './intent.ts';
import { shortestDelay, secretDueAt } from './refresh.ts';
import { type Token, type TokenTimes, tokenKey } from './token.ts';

/** What the token cache knows of one token, at this moment. */
export type TokenState =
  /** To be used as it is. */
  | { readonly kind: 'fresh'; readonly token: Token }
  /** A call is under way; `token`: an older one that has not expired. */
  | { readonly kind: 'pending'; readonly token?: Token }
  /** The last call failed; the next one is made when asked at `retryAt` or later (ms since the epoch). */
  | {
      readonly kind: 'failed';
      readonly token?: Token;
      readonly retryAt: number;
      readonly why: string;
    };

/** What the Secret holds for a host that gets nothing new. */
export type HeldAuths = ReadonlyMap<string, DockerAuth>;

export type Action =
  | { readonly kind: 'attach'; readonly serviceAccount: string }
  | { readonly kind: 'write-secret'; readonly desired: DesiredSecret };

/** What to do now. `awaiting`: tokens under way, the rest is decided when they are there. */
export interface Plan {
  readonly actions: readonly Action[];
  readonly problems: readonly Problem[];
  readonly awaiting: readonly string[];
  /** When to look again by itself, ms since the epoch. */
  readonly recheckAt: number;
}

/** True when a host's old entry must be read before the document is rewritten, since no token comes for it now. */
export function needsHeldAuths(observed: Observed, states: ReadonlyMap<string, TokenState>): boolean {
  const all = [...states.values()];
  const lacking = all.filter(({ token }) => token === undefined);
  const decided = lacking.every(({ kind }) => kind === 'failed');
  return observed.secret !== undefined && decided && lacking.length > 0 && lacking.length < all.length;
}

/** Decides, for a Secret that is ours or missing. `states` is empty when the diagnosis asks for no write. */
export function plan(
  observed: Observed,
  diagnosis: Diagnosis,
  states: ReadonlyMap<string, TokenState>,
  held: HeldAuths,
): Plan {
  const attach = diagnosis.attach.map(({ name }) => ({ kind: 'attach', serviceAccount: name }) as const);
  if (diagnosis.write === undefined) {
    const { secret, settings } = observed;
    const recheckAt = secret === undefined ? Infinity : floor(dueAt(secret, settings.refresh), observed);
    return { actions: attach, problems: [], awaiting: [], recheckAt };
  }
  const pending = [...states].filter(([, state]) => state.kind === 'pending');
  const problems = [...states.values()].flatMap((state) => problemOf(state, observed, states));
  const undecided = pending.some(([, state]) => state.token === undefined);
  const desired = undecided ? undefined : compose(observed, states, held);
  const write = desired !== undefined && !isAlreadyThere(desired, observed);
  return {
    actions: write ? [...attach, { kind: 'write-secret', desired }] : attach,
    problems,
    awaiting: pending.map(([key]) => key),
    recheckAt: nextLook(observed, desired, problems),
  };
}

/** The Secret with the tokens there are; undefined when there is none at all. */
function compose(
  { intent, settings, secret }: Observed,
  states: ReadonlyMap<string, TokenState>,
  held: HeldAuths,
): DesiredSecret | undefined {
  const heldTimes = secret === undefined ? undefined : timesOf(secret);
  const auths = new Map<string, DockerAuth>();
  const times = new Map<string, TokenTimes>();
  let anything = false;
  for (const entry of intent.wanted) {
    const key = tokenKey(sourceOf(entry));
    const token = states.get(key)?.token;
    const auth = token ?? held.get(entry.registry.host);
    const validity = token ?? heldTimes?.get(key);
    if (auth === undefined) continue;
    anything ||= token !== undefined;
    auths.set(entry.registry.host, auth);
    // An old entry whose times somebody removed is kept all the same; without times it counts as incomplete.
    if (validity !== undefined) times.set(key, { issued: validity.issued, expires: validity.expires });
  }
  return anything ? desiredSecret(intent, settings, { auths, times }) : undefined;
}

function problemOf(
  state: TokenState,
  { intent }: Observed,
  states: ReadonlyMap<string, TokenState>,
): readonly Problem[] {
  if (state.kind !== 'failed') return [];
  const affected = intent.wanted.filter((entry) => states.get(tokenKey(sourceOf(entry))) === state);
  const hosts = affected.map(({ registry }) => registry.host);
  const identity = affected[0] === undefined ? '' : ` as ${describeIdentity(affected[0].identity)}`;
  const note = `no token for ${hosts.join(', ')}${identity}: ${state.why}`;
  return [{ reason: 'TokenUnavailable', subject: hosts.join(','), note, retryAt: state.retryAt }];
}

function nextLook(
  observed: Observed,
  desired: DesiredSecret | undefined,
  problems: readonly Problem[],
): number {
  const { settings, intent, now } = observed;
  const dues = [...(desired?.times.values() ?? [])].map((times) =>
    secretDueAt([times], settings.refresh, intent.namespace),
  );
  const retries = problems.map(({ retryAt }) => retryAt ?? Infinity);
  // What is due already and was not renewed waits for its retry.
  const ahead = retries.length > 0 ? dues.filter((due) => due > now) : dues;
  return floor(Math.min(...ahead, ...retries), observed);
}

const floor = (at: number, { now }: Observed): number => Math.max(at, now + shortestDelay);
