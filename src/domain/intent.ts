// What a namespace is to get, from its annotations and the configuration: the precedence list of the contract, in its
// order. Pure; called by controller/reconcile at the beginning of every step. It decides nothing about tokens.
import { type NamespaceWishes, readWishes } from './annotations.ts';
import type { Problem } from './errors.ts';
import { type Identity, describeIdentity, identityHash, partitionOfRole } from './identity.ts';
import { type FindServiceAccount, ownIdentity } from './own-identity.ts';
import { matchesAny } from './pattern.ts';
import { refusals } from './refusals.ts';
import { profileIdentity } from './profile-identity.ts';
import { type Registry, furtherKeys, parseRegistry } from './registry.ts';
import type { Settings } from './settings.ts';
import { type TokenSource, tokenKey } from './token.ts';
import type { NamespaceView } from './views.ts';

/** One key of `auths` and who gets its token. */
export interface Wanted {
  readonly registry: Registry;
  readonly identity: Identity;
}

/** What a namespace is to hold. */
export interface Intent {
  readonly namespace: string;
  /** Sorted by host, each host once, never empty. */
  readonly wanted: readonly Wanted[];
  /** ServiceAccounts whose `imagePullSecrets` should name our Secret. */
  readonly attachTo: readonly string[];
  /** True when the opt-in cannot be read: what exists is kept fresh, nothing new is made. */
  readonly onlyExisting: boolean;
}

/** Of the same kind of mistake, no more are told: ten are enough to see it. */
const toldAtMost = 10;

/** Where the token of a host comes from. */
export const sourceOf = ({ registry, identity }: Wanted): TokenSource => ({
  identity,
  service: registry.service,
  region: registry.region,
});

/** Where the tokens of these hosts come from, each source once. */
export function sourcesOf(wanted: readonly Wanted[]): ReadonlyMap<string, TokenSource> {
  return new Map(wanted.map((entry) => [tokenKey(sourceOf(entry)), sourceOf(entry)]));
}

/** What is to happen with a namespace. `refused`: selected, but blocked by the problems; its last good Secret stays. */
export type Decision =
  | {
      readonly kind: 'unselected' | 'off' | 'refused';
      readonly problems: readonly Problem[];
    }
  | {
      readonly kind: 'wanted';
      readonly intent: Intent;
      readonly problems: readonly Problem[];
    };

/** Reads what a namespace wants and whether it may have it. @param find the namespace's own ServiceAccounts */
export function readIntent(
  namespace: NamespaceView,
  settings: Settings,
  find: FindServiceAccount = () => undefined,
): Decision {
  const wishes = readWishes(namespace.annotations);
  const annotated = wishes.keys.length > 0;
  if (namespace.terminating || !isServed(namespace.name, settings)) {
    return {
      kind: 'unselected',
      problems: annotated && !namespace.terminating ? [refusals.excluded(namespace.name)] : [],
    };
  }
  if (wishes.enabled === false) return { kind: 'off', problems: wishes.problems };
  const onlyExisting = wishes.enabled === 'unreadable' && !namesRegistries(wishes);
  if (!optsIn(wishes, settings) && !onlyExisting) {
    return {
      kind: 'unselected',
      problems: annotated ? [...wishes.problems, refusals.withoutEffect(wishes.keys)] : [],
    };
  }
  return resolve({ name: namespace.name, wishes, onlyExisting, find }, settings);
}

const isServed = (name: string, { namespaces }: Settings): boolean =>
  matchesAny(name, namespaces.include) && !matchesAny(name, namespaces.exclude);

const namesRegistries = (wishes: NamespaceWishes): boolean =>
  wishes.registries !== undefined || wishes.profiles !== undefined;

const optsIn = (wishes: NamespaceWishes, { namespaces }: Settings): boolean =>
  (namespaces.mode === 'all' && wishes.enabled !== 'unreadable') ||
  wishes.enabled === true ||
  namesRegistries(wishes);

interface Selected {
  readonly name: string;
  readonly wishes: NamespaceWishes;
  readonly onlyExisting: boolean;
  readonly find: FindServiceAccount;
}

/** Wanted hosts, and everything that is wrong with them: `blocking` problems refuse the namespace, others a host. */
interface Resolution {
  readonly wanted: readonly Wanted[];
  readonly problems: readonly Problem[];
  readonly blocking: readonly Problem[];
}

function resolve(selected: Selected, settings: Settings): Decision {
  const { name, wishes, onlyExisting } = selected;
  const resolution = withinPartition(resolveRegistries(selected, settings));
  const attachTo = [...new Set(wishes.attachTo ?? settings.attachTo)];
  const blocking = [...resolution.blocking, ...refusedAttachments(attachTo, settings)];
  const problems = [...wishes.problems, ...resolution.problems, ...blocking];
  const listed = sortedByHost(resolution.wanted);
  if (blocking.length > 0) return { kind: 'refused', problems };
  if (listed.length === 0) {
    // Where the identity is what is wrong, naming other registries is no cure.
    const byIdentity = problems.some(({ reason }) => reason === 'IdentityRefused');
    return { kind: 'refused', problems: byIdentity ? problems : [...problems, refusals.noRegistries()] };
  }
  const { registriesPerNamespace: limit } = settings.limits;
  if (listed.length > limit)
    return { kind: 'refused', problems: [...problems, refusals.tooManyRegistries(limit)] };
  const wanted = sortedByHost([...listed, ...derivedKeys(listed, settings)]);
  return { kind: 'wanted', intent: { namespace: name, wanted, attachTo, onlyExisting }, problems };
}

function resolveRegistries(selected: Selected, settings: Settings): Resolution {
  const { name, wishes, find } = selected;
  if (wishes.profiles !== undefined) return resolveProfiles(name, wishes, settings);
  const own = hasOwnIdentity(wishes) ? ownIdentity(name, wishes, settings, find) : undefined;
  const identity = own !== undefined && 'identity' in own ? own.identity : settings.defaultIdentity;
  const blocking = own !== undefined && 'problem' in own ? [own.problem] : [];
  const parsed =
    wishes.registries?.map(parseRegistry) ?? settings.registries.map((registry) => ({ registry }));
  return {
    wanted: parsed.flatMap((result) =>
      'registry' in result ? [{ registry: result.registry, identity }] : [],
    ),
    problems: parsed
      .flatMap((result) => ('problem' in result ? [refusals.badRegistry(result.problem)] : []))
      .slice(0, toldAtMost),
    blocking,
  };
}

const hasOwnIdentity = ({ identityServiceAccount, roleArn }: NamespaceWishes): boolean =>
  identityServiceAccount !== undefined || roleArn !== undefined;

function resolveProfiles(name: string, wishes: NamespaceWishes, settings: Settings): Resolution {
  const refuse = (blocking: readonly Problem[]) => ({ wanted: [], problems: [], blocking });
  if (wishes.registries !== undefined || hasOwnIdentity(wishes))
    return refuse([refusals.profileBesideOthers()]);
  const names = [...new Set(wishes.profiles)];
  const blocking = names.flatMap((profile) => refusedProfile(profile, name, settings)).slice(0, toldAtMost);
  if (blocking.length > 0) return refuse(blocking);
  const { clusterName, defaultIdentity: base } = settings;
  const profiles = names.flatMap((profile) => settings.profiles[profile] ?? []);
  const hosts = profiles.flatMap(({ registries }) => [...new Set(registries.map(({ host }) => host))]);
  return {
    wanted: profiles.flatMap(({ registries, role }) => {
      const identity = profileIdentity(role, { namespace: name, clusterName, base });
      return registries.map((registry) => ({ registry, identity }));
    }),
    problems: [],
    blocking: repeated(hosts).map(refusals.hostInTwoProfiles),
  };
}

/** Of different partitions, host and identity can never come together: said without a call. */
function withinPartition(resolution: Resolution): Resolution {
  const strangers = resolution.wanted.filter(({ registry, identity }) => {
    const partition = partitionOfRole(identity.roleArn);
    return partition !== undefined && partition !== registry.partition;
  });
  if (strangers.length === 0) return resolution;
  const told = strangers.slice(0, toldAtMost).map(({ registry, identity }) => {
    return refusals.otherPartition(registry.host, registry.partition, describeIdentity(identity));
  });
  return {
    ...resolution,
    wanted: resolution.wanted.filter((entry) => !strangers.includes(entry)),
    problems: [...resolution.problems, ...told],
  };
}

/** The further keys that the configuration asks for. What two identities would both give is left out: it is nobody's. */
function derivedKeys(listed: readonly Wanted[], { keys }: Settings): readonly Wanted[] {
  const taken = new Set(listed.map(({ registry }) => registry.host));
  const derived = listed.flatMap(({ registry, identity }) =>
    furtherKeys(registry, keys).map((further) => ({ registry: further, identity })),
  );
  const ownersOf = new Map<string, Set<string>>();
  for (const { registry, identity } of derived) {
    const owners = ownersOf.get(registry.host) ?? new Set();
    ownersOf.set(registry.host, owners.add(identityHash(identity)));
  }
  return derived.filter(({ registry: { host } }) => !taken.has(host) && ownersOf.get(host)?.size === 1);
}

function refusedProfile(profile: string, namespace: string, { profiles }: Settings): readonly Problem[] {
  const found = Object.hasOwn(profiles, profile) ? profiles[profile] : undefined;
  if (found === undefined) return [refusals.unknownProfile(profile)];
  return matchesAny(namespace, found.namespaces) ? [] : [refusals.forbiddenProfile(profile)];
}

const repeated = (hosts: readonly string[]): readonly string[] => [
  ...new Set(hosts.filter((host, index) => hosts.indexOf(host) !== index)),
];

function refusedAttachments(
  attachTo: readonly string[],
  { attachTo: allowed }: Settings,
): readonly Problem[] {
  return attachTo
    .filter((name) => !allowed.includes(name))
    .slice(0, toldAtMost)
    .map((name) => refusals.foreignServiceAccount(name, allowed));
}

function sortedByHost(wanted: readonly Wanted[]): readonly Wanted[] {
  const byHost = new Map(wanted.map((entry) => [entry.registry.host, entry]));
  return [...byHost.values()].toSorted((a, b) => (a.registry.host < b.registry.host ? -1 : 1));
}
