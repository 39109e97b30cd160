// What a namespace is to get, from its annotations and the configuration: the precedence list of the contract, in its
// order. Pure; called by controller/reconcile at the beginning of every step. It decides nothing about tokens.
import { annotationName, type NamespaceWishes, readWishes } from './annotations.ts';
import type { Problem, ProblemReason } from './errors.ts';
import type { Identity } from './identity.ts';
import { matchesAny } from './pattern.ts';
import { type Registry, parseRegistry } from './registry.ts';
import type { Profile, Settings } from './settings.ts';
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
  | { readonly kind: 'unselected' | 'off' | 'refused'; readonly problems: readonly Problem[] }
  | { readonly kind: 'wanted'; readonly intent: Intent; readonly problems: readonly Problem[] };

/** Reads what a namespace wants and whether it may have it. */
export function readIntent(namespace: NamespaceView, settings: Settings): Decision {
  const wishes = readWishes(namespace.annotations);
  const annotated = wishes.keys.length > 0;
  if (namespace.terminating || !isServed(namespace.name, settings)) {
    return {
      kind: 'unselected',
      problems: annotated && !namespace.terminating ? [excluded(namespace.name)] : [],
    };
  }
  if (wishes.enabled === false) return { kind: 'off', problems: wishes.problems };
  const onlyExisting = wishes.enabled === 'unreadable' && !namesRegistries(wishes);
  if (!optsIn(wishes, settings) && !onlyExisting) {
    return { kind: 'unselected', problems: annotated ? [...wishes.problems, withoutEffect(wishes)] : [] };
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
  const attachTo = wishes.attachTo ?? settings.attachTo;
  const blocking = [
    ...ownIdentity(wishes),
    ...resolution.blocking,
    ...refusedAttachments(attachTo, settings),
  ];
  const problems = [...wishes.problems, ...resolution.problems, ...blocking];
  const wanted = sortedByHost(resolution.wanted);
  if (blocking.length > 0) return { kind: 'refused', problems };
  if (wanted.length === 0) return { kind: 'refused', problems: [...problems, noRegistries()] };
  const { registriesPerNamespace: limit } = settings.limits;
  if (wanted.length > limit) return { kind: 'refused', problems: [...problems, tooMany(limit)] };
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
    problems: parsed.flatMap((result) =>
      'problem' in result ? [refusal('AnnotationInvalid', annotationName('registries'), result.problem)] : [],
    ),
    blocking: [],
  };
}

function resolveProfiles(name: string, wishes: NamespaceWishes, settings: Settings): Resolution {
  const subject = annotationName('profile');
  if (wishes.registries !== undefined || wishes.ownIdentity) {
    const note = `annotation ${subject} does not go together with registries or an identity of the namespace's own: choose one`;
    return { wanted: [], problems: [], blocking: [refusal('ProfileRefused', subject, note)] };
  }
  const names = [...new Set(wishes.profiles)];
  const profiles = names.map((profile) => settings.profiles[profile]);
  const blocking = names.flatMap((profile, index) => refusedProfile(profile, profiles[index], name));
  if (blocking.length > 0) return { wanted: [], problems: [], blocking };
  const wanted = profiles.flatMap((profile) =>
    (profile?.registries ?? []).map((registry) => ({
      registry,
      identity: profile?.identity ?? settings.defaultIdentity,
    })),
  );
  return { wanted, problems: [], blocking: twice(wanted.map(({ registry }) => registry)) };
}

function refusedProfile(profile: string, found: Profile | undefined, namespace: string): readonly Problem[] {
  const subject = annotationName('profile');
  const quoted = JSON.stringify(profile.slice(0, 80));
  if (found === undefined) {
    return [
      refusal(
        'ProfileRefused',
        subject,
        `annotation ${subject} names ${quoted}, which the configuration does not have: ask the cluster's administrator for the names`,
      ),
    ];
  }
  if (matchesAny(namespace, found.namespaces)) return [];
  return [
    refusal(
      'ProfileRefused',
      subject,
      `annotation ${subject} names ${quoted}, which this namespace may not use: the administrator allows it by the profile's namespaces`,
    ),
  ];
}

function twice(registries: readonly Registry[]): readonly Problem[] {
  const hosts = registries.map(({ host }) => host);
  return [...new Set(hosts.filter((host, index) => hosts.indexOf(host) !== index))].map((host) =>
    refusal(
      'ProfileRefused',
      annotationName('profile'),
      `${host} is in two of the profiles that annotation ${annotationName('profile')} names: name only one of them`,
    ),
  );
}

function ownIdentity(wishes: NamespaceWishes): readonly Problem[] {
  if (!wishes.ownIdentity) return [];
  const subject = annotationName('identity-service-account');
  return [
    refusal(
      'IdentityRefused',
      subject,
      `this installation allows no namespace an identity of its own: remove the annotations ${subject} and ${annotationName('role-arn')}`,
    ),
  ];
}

function refusedAttachments(attachTo: readonly string[], settings: Settings): readonly Problem[] {
  const subject = annotationName('attach-to');
  return attachTo
    .filter((name) => !settings.attachTo.includes(name))
    .map((name) =>
      refusal(
        'ServiceAccountRefused',
        subject,
        `annotation ${subject} names ${JSON.stringify(name.slice(0, 80))}, which is not among the ServiceAccounts that the configuration lists under attachTo (${settings.attachTo.join(', ') || 'none'})`,
      ),
    );
}

function sortedByHost(wanted: readonly Wanted[]): readonly Wanted[] {
  const byHost = new Map(wanted.map((entry) => [entry.registry.host, entry]));
  return [...byHost.values()].toSorted((a, b) => (a.registry.host < b.registry.host ? -1 : 1));
}

const refusal = (reason: ProblemReason, subject: string, note: string): Problem => ({
  reason,
  subject,
  note,
});

const excluded = (name: string): Problem =>
  refusal(
    'NamespaceExcluded',
    name,
    `namespace ${name} has annotations of ours but is outside the configuration's namespaces.include or inside namespaces.exclude: it is never served`,
  );

const withoutEffect = (wishes: NamespaceWishes): Problem =>
  refusal(
    'AnnotationInvalid',
    annotationName('enabled'),
    `the annotations under ecr-pull-secrets/ (${wishes.keys.join(', ').slice(0, 200)}) have no effect alone: add ${annotationName('enabled')}: "true"`,
  );

const noRegistries = (): Problem =>
  refusal(
    'NoRegistries',
    'registries',
    `there is no registry to log in to: name some by annotation ${annotationName('registries')} or ${annotationName('profile')}, or set registries in the configuration`,
  );

const tooMany = (limit: number): Problem =>
  refusal(
    'NoRegistries',
    annotationName('registries'),
    `more than ${limit} registries for one namespace: remove some, or raise limits.registriesPerNamespace in the configuration`,
  );
