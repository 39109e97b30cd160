// What a namespace is to get, from its annotations and the configuration: the precedence list of the contract, in its
// order. Pure; called by controller/reconcile at the beginning of every step. It decides nothing about tokens.
import { type NamespaceWishes, readWishes } from './annotations.ts';
import type { Problem } from './errors.ts';
import type { Identity } from './identity.ts';
import { matchesAny } from './pattern.ts';
import { refusals } from './refusals.ts';
import { type Registry, parseRegistry } from './registry.ts';
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

/** Reads what a namespace wants and whether it may have it. */
export function readIntent(namespace: NamespaceView, settings: Settings): Decision {
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
  return resolve({ name: namespace.name, wishes, onlyExisting }, settings);
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
}

/** Wanted hosts, and everything that is wrong with them: `blocking` problems refuse the namespace, others a host. */
interface Resolution {
  readonly wanted: readonly Wanted[];
  readonly problems: readonly Problem[];
  readonly blocking: readonly Problem[];
}

function resolve({ name, wishes, onlyExisting }: Selected, settings: Settings): Decision {
  const resolution = resolveRegistries(name, wishes, settings);
  const attachTo = [...new Set(wishes.attachTo ?? settings.attachTo)];
  const blocking = [
    ...(wishes.ownIdentity ? [refusals.ownIdentity()] : []),
    ...resolution.blocking,
    ...refusedAttachments(attachTo, settings),
  ];
  const problems = [...wishes.problems, ...resolution.problems, ...blocking];
  const wanted = sortedByHost(resolution.wanted);
  if (blocking.length > 0) return { kind: 'refused', problems };
  if (wanted.length === 0) return { kind: 'refused', problems: [...problems, refusals.noRegistries()] };
  const { registriesPerNamespace: limit } = settings.limits;
  if (wanted.length > limit)
    return { kind: 'refused', problems: [...problems, refusals.tooManyRegistries(limit)] };
  return { kind: 'wanted', intent: { namespace: name, wanted, attachTo, onlyExisting }, problems };
}

function resolveRegistries(name: string, wishes: NamespaceWishes, settings: Settings): Resolution {
  if (wishes.profiles !== undefined) return resolveProfiles(name, wishes, settings);
  const identity = settings.defaultIdentity;
  if (wishes.registries === undefined) {
    return {
      wanted: settings.registries.map((registry) => ({ registry, identity })),
      problems: [],
      blocking: [],
    };
  }
  const parsed = wishes.registries.map(parseRegistry);
  return {
    wanted: parsed.flatMap((result) =>
      'registry' in result ? [{ registry: result.registry, identity }] : [],
    ),
    problems: parsed
      .flatMap((result) => ('problem' in result ? [refusals.badRegistry(result.problem)] : []))
      .slice(0, toldAtMost),
    blocking: [],
  };
}

function resolveProfiles(name: string, wishes: NamespaceWishes, settings: Settings): Resolution {
  const refuse = (blocking: readonly Problem[]) => ({ wanted: [], problems: [], blocking });
  if (wishes.registries !== undefined || wishes.ownIdentity) return refuse([refusals.profileBesideOthers()]);
  const names = [...new Set(wishes.profiles)];
  const blocking = names.flatMap((profile) => refusedProfile(profile, name, settings)).slice(0, toldAtMost);
  if (blocking.length > 0) return refuse(blocking);
  const profiles = names.flatMap((profile) => settings.profiles[profile] ?? []);
  const hosts = profiles.flatMap(({ registries }) => [...new Set(registries.map(({ host }) => host))]);
  return {
    wanted: profiles.flatMap(({ registries, identity }) =>
      registries.map((registry) => ({ registry, identity })),
    ),
    problems: [],
    blocking: repeated(hosts).map(refusals.hostInTwoProfiles),
  };
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
