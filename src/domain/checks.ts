// When we write: a list of named checks, one a line. That list is the specification. Each check is pure, looks at what
// was observed and returns why something must be done, or undefined. Called by controller/reconcile (`diagnose`); what
// is then done about the findings is decided by plan.
import { type DesiredSecret, inputsHash, managedByValue } from './desired-secret.ts';
import { type Intent, sourcesOf } from './intent.ts';
import { type RefreshPolicy, secretDueAt } from './refresh.ts';
import type { Settings } from './settings.ts';
import { type TokenTimes, readTokenTimes } from './token.ts';
import type { SecretView, ServiceAccountView } from './views.ts';

/** All that a decision about one namespace is made from. */
export interface Observed {
  readonly intent: Intent;
  readonly settings: Settings;
  /** The Secret of our name, as last seen. */
  readonly secret: SecretView | undefined;
  /** True when this very object was ours before, whatever stands on it now. */
  readonly knownAsOurs: boolean;
  /** True when its content was compared and is not what we wrote. */
  readonly contentChanged: boolean;
  /** The configured ServiceAccounts that exist. */
  readonly serviceAccounts: readonly ServiceAccountView[];
  /** Our Secrets of former names. */
  readonly former: readonly SecretView[];
  /** ms since the epoch. */
  readonly now: number;
}

/** Why the Secret must be written: a closed set, used in logs and as metric label. */
export type WriteReason =
  'missing' | 'unreadable' | 'inputs-changed' | 'incomplete' | 'due' | 'changed-by-others';

/** What was found. `foreign`: the Secret of our name is not ours, so nothing may be written. */
export interface Diagnosis {
  readonly write: WriteReason | undefined;
  readonly foreign: boolean;
  /** The ServiceAccounts that lack our Secret. */
  readonly attach: readonly ServiceAccountView[];
}

type Check = (observed: Observed) => boolean;

const has =
  (check: (secret: SecretView, observed: Observed) => boolean): Check =>
  (observed) =>
    observed.secret !== undefined && check(observed.secret, observed);

/** Why the Secret is written. The first that holds is the reason. */
const writeChecks: Readonly<Record<WriteReason, Check>> = {
  // Nothing is there yet, and the opt-in is readable.
  missing: ({ secret, intent }) => secret === undefined && !intent.onlyExisting,
  // Somebody edited our record of the tokens: nothing is known about what the Secret holds.
  unreadable: has((secret) => timesOf(secret) === undefined),
  // Hosts, identities, labels or annotations are other than those it was made from.
  'inputs-changed': has(
    (secret, { intent, settings }) => secret.annotations['inputs-hash'] !== inputsHash(intent, settings),
  ),
  // A host had no token when it was written.
  incomplete: has((secret, { intent }) =>
    [...sourcesOf(intent.wanted).keys()].some((key) => !timesOf(secret)?.has(key)),
  ),
  // The refresh time of its earliest token has come.
  due: has((secret, observed) => dueAt(secret, observed.settings.refresh) <= observed.now),
  // Another writer took a field that we set, or wrote other content in our name.
  'changed-by-others': has((secret, { contentChanged }) => contentChanged || secret.lostFields.length > 0),
};

/** Ours = label, instance annotation and our field manager's Apply entry together; anything less is somebody else's. */
export function isOurs(secret: SecretView, settings: Settings): boolean {
  return (
    secret.managedBy === managedByValue &&
    secret.annotations['instance'] === settings.instance &&
    secret.appliedByUs
  );
}

/** Runs every check. */
export function diagnose(observed: Observed): Diagnosis {
  const { secret, settings, serviceAccounts, intent, knownAsOurs } = observed;
  if (secret !== undefined && !knownAsOurs && !isOurs(secret, settings))
    return { write: undefined, foreign: true, attach: [] };
  const reasons = Object.keys(writeChecks) as WriteReason[];
  const write = reasons.find((reason) => writeChecks[reason](observed));
  const wanted = secret !== undefined || write !== undefined;
  const lacking = serviceAccounts
    .filter(({ name }) => intent.attachTo.includes(name))
    .filter(({ pullSecrets }) => !pullSecrets?.includes(settings.secretName));
  return { write, foreign: false, attach: wanted ? lacking : [] };
}

/** The tokens that the Secret holds, by its own record. */
export const timesOf = (secret: SecretView): ReadonlyMap<string, TokenTimes> | undefined =>
  readTokenTimes(secret.annotations['tokens']);

/** When the Secret is due, ms since the epoch; at once where its record cannot be read or is empty. */
export function dueAt(secret: SecretView, policy: RefreshPolicy): number {
  const times = timesOf(secret);
  return times === undefined || times.size === 0 ? 0 : secretDueAt(times.values(), policy, secret.namespace);
}

/** True when writing it would change nothing: same inputs, same tokens, and every field still ours. */
export function isAlreadyThere(desired: DesiredSecret, observed: Observed): boolean {
  const { secret, intent, settings, contentChanged } = observed;
  if (secret === undefined || contentChanged || secret.lostFields.length > 0) return false;
  const times = timesOf(secret);
  return (
    secret.annotations['inputs-hash'] === inputsHash(intent, settings) &&
    times?.size === desired.times.size &&
    [...desired.times].every(([key, { issued, expires }]) => {
      const there = times.get(key);
      return there?.issued === issued && there.expires === expires;
    })
  );
}
