// What to do about a diagnosis: pure. Observed + findings + what the token cache has → actions, problems, and when to
// look again. It never shrinks a good Secret: a host whose token cannot be had keeps its old entry. Called by
// controller/reconcile; the actions are performed by controller/apply.
import { type Diagnosis, type Observed, dueAt, isAlreadyThere, timesOf } from './checks.ts';
import { type DesiredSecret, desiredSecret } from './desired-secret.ts';
import type { DockerAuth } from './docker-config.ts';
import type { Problem } from './errors.ts';
import { describeIdentity } from './identity.ts';
import { type Wanted, sourceOf } from './intent.ts';
import { removalOf } from './leaving.ts';
import { shortestDelay, secretDueAt, tokenLoudAt } from './refresh.ts';
import { type SecretText, type Token, type TokenTimes, tokenKey } from './token.ts';
import type { SecretView } from './views.ts';

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
  | { readonly kind: 'write-secret'; readonly desired: DesiredSecret }
  | { readonly kind: 'detach'; readonly serviceAccount: string; readonly secretName: string }
  | { readonly kind: 'delete-secret'; readonly secret: SecretView };

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
  const rewritten = lacking.length < all.length || expiredPublic(observed, states).length > 0;
  return observed.secret !== undefined && decided && lacking.length > 0 && rewritten;
}

/**
 * Entries of ECR Public that have expired and get nothing new. They alone are taken out: without a login its images can be
 * pulled all the same, with a bad one they cannot.
 */
function expiredPublic(
  { intent, secret, now }: Observed,
  states: ReadonlyMap<string, TokenState>,
): readonly string[] {
  const recorded = secret === undefined ? undefined : timesOf(secret);
  return intent.wanted.flatMap((entry) => {
    const key = tokenKey(sourceOf(entry));
    const times = recorded?.get(key) ?? formerPublic(recorded);
    const lacking = states.get(key)?.kind === 'failed' && states.get(key)?.token === undefined;
    const expired = times !== undefined && times.expires * 1_000 <= now;
    return entry.registry.service === 'public' && lacking && expired ? [entry.registry.host] : [];
  });
}

/** The latest of what another identity got for ECR Public: who asks may have changed, the entry is there all the same. */
function formerPublic(recorded: ReadonlyMap<string, TokenTimes> | undefined): TokenTimes | undefined {
  const former = [...(recorded ?? [])].filter(([key]) => key.split('/')[1] === 'public');
  return former.map(([, times]) => times).toSorted((a, b) => b.expires - a.expires)[0];
}

/** Decides, for a Secret that is ours or missing. `states` is empty when the diagnosis asks for no write. */
export function plan(
  observed: Observed,
  diagnosis: Diagnosis,
  states: ReadonlyMap<string, TokenState>,
  held: HeldAuths,
): Plan {
  const { secret, settings } = observed;
  const attach = diagnosis.attach.map(({ name }) => ({ kind: 'attach', serviceAccount: name }) as const);
  if (diagnosis.write === undefined) {
    const recheckAt = secret === undefined ? Infinity : floor(dueAt(secret, settings.refresh), observed);
    const cleaning = secret === undefined ? [] : formerRemoval(observed);
    return { actions: [...attach, ...cleaning], problems: [], awaiting: [], recheckAt };
  }
  const pending = [...states].filter(([, state]) => state.kind === 'pending');
  const problems = [...states.values()].flatMap((state) => problemOf(state, observed, states));
  const undecided = pending.some(([, state]) => state.token === undefined);
  const desired = undecided ? undefined : compose(observed, states, held);
  const write = desired !== undefined && !isAlreadyThere(desired, observed);
  const writing: readonly Action[] = write ? [{ kind: 'write-secret', desired }] : [];
  const cleaning = write || secret !== undefined ? formerRemoval(observed) : [];
  return {
    actions: [...attach, ...writing, ...cleaning],
    problems,
    awaiting: pending.map(([key]) => key),
    recheckAt: nextLook(observed, desired, problems),
  };
}

/** Once the Secret is there under its present name, those of former names go. */
function formerRemoval({ serviceAccounts, former }: Observed): readonly Action[] {
  if (former.length === 0) return [];
  return removalOf({ serviceAccounts, names: former.map(({ name }) => name), secrets: former });
}

/** What the Secret should hold, when exactly these tokens are in it by its own record; else undefined: it cannot be known. */
export function documentOf(
  observed: Observed,
  tokens: ReadonlyMap<string, Token | undefined>,
): SecretText | undefined {
  const states = [...tokens].map(
    ([key, token]) => [key, { kind: 'pending', ...(token && { token }) }] as const,
  );
  if ([...tokens.values()].includes(undefined)) return undefined;
  const desired = compose(observed, new Map(states), new Map());
  return desired !== undefined && isAlreadyThere(desired, observed) ? desired.document : undefined;
}

/** Of ECR Public nothing is kept whose end is not known: an expired login is worse than none. */
const isDoubtful = ({ registry }: Wanted, validity: TokenTimes | undefined): boolean =>
  registry.service === 'public' && validity === undefined;

/** The Secret with the tokens there are; undefined when nothing is new in it. */
function compose(
  observed: Observed,
  states: ReadonlyMap<string, TokenState>,
  held: HeldAuths,
): DesiredSecret | undefined {
  const { intent, settings, secret } = observed;
  const dropped = expiredPublic(observed, states);
  const heldTimes = secret === undefined ? undefined : timesOf(secret);
  const auths = new Map<string, DockerAuth>();
  const times = new Map<string, TokenTimes>();
  // Where nothing could be read, the data is not ours any more: then there is nothing of ours to take out.
  let anything = dropped.some((host) => held.has(host));
  for (const entry of intent.wanted.filter(({ registry }) => !dropped.includes(registry.host))) {
    const key = tokenKey(sourceOf(entry));
    const token = states.get(key)?.token;
    const auth = token ?? held.get(entry.registry.host);
    const validity = token ?? heldTimes?.get(key);
    if (auth === undefined || isDoubtful(entry, validity)) continue;
    anything ||= token !== undefined;
    auths.set(entry.registry.host, auth);
    // An old entry whose times somebody removed is kept all the same; without times it counts as incomplete.
    if (validity !== undefined) times.set(key, { issued: validity.issued, expires: validity.expires });
  }
  return anything ? desiredSecret(intent, settings, { auths, times }) : undefined;
}

function problemOf(
  state: TokenState,
  observed: Observed,
  states: ReadonlyMap<string, TokenState>,
): readonly Problem[] {
  if (state.kind !== 'failed') return [];
  const { intent, now } = observed;
  const affected = intent.wanted.filter((entry) => states.get(tokenKey(sourceOf(entry))) === state);
  const hosts = affected.map(({ registry }) => registry.host);
  const identity = affected[0] === undefined ? '' : ` as ${describeIdentity(affected[0].identity)}`;
  const note = `no token for ${listed(hosts)}${identity}: ${state.why}`;
  const loudAt = affected[0] === undefined ? 0 : loudMoment(tokenKey(sourceOf(affected[0])), observed);
  const quiet = loudAt > now ? { quietUntil: loudAt } : {};
  const retryAt = Math.min(state.retryAt, ...affected.map((entry) => publicExpiry(entry, observed)));
  return [{ reason: 'TokenUnavailable', subject: listed(hosts), note, retryAt, ...quiet }];
}

/** The advice behind them must fit into an Event as well. */
const listed = (hosts: readonly string[]): string =>
  hosts.length <= 3 ? hosts.join(', ') : `${hosts.slice(0, 3).join(', ')} and others`;

/** When an entry of ECR Public that gets nothing new must go; Infinity for others, and for what has gone. */
function publicExpiry(entry: Wanted, { secret, now }: Observed): number {
  if (entry.registry.service !== 'public' || secret === undefined) return Infinity;
  const expiry = (timesOf(secret)?.get(tokenKey(sourceOf(entry)))?.expires ?? Infinity) * 1_000;
  return expiry > now ? expiry : Infinity;
}

/** From when on a missing token is worth a warning: at once where there is none, else late in the life of the old one. */
function loudMoment(key: string, { secret }: Observed): number {
  const held = secret === undefined ? undefined : timesOf(secret)?.get(key);
  return held === undefined ? 0 : tokenLoudAt(held);
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
  const retries = problems.flatMap(({ retryAt = Infinity, quietUntil = Infinity }) => [retryAt, quietUntil]);
  // What is due already and was not renewed waits for its retry.
  const ahead = retries.length > 0 ? dues.filter((due) => due > now) : dues;
  return floor(Math.min(...ahead, ...retries), observed);
}

const floor = (at: number, { now }: Observed): number => Math.max(at, now + shortestDelay);
