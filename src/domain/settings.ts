// What the administrator configured, validated and frozen: the shape that the inside of the program works with.
// config.ts makes it once, at start; nothing changes it afterwards.
import type { DefaultIdentity } from './identity.ts';
import type { ProfileRole } from './profile-identity.ts';
import type { RefreshPolicy } from './refresh.ts';
import type { KeyOptions, Registry } from './registry.ts';

/** Registries and an identity under a name that namespaces may refer to. */
export interface Profile {
  readonly registries: readonly Registry[];
  /** Patterns of the namespaces that may use it. */
  readonly namespaces: readonly string[];
  /** The role to assume for it; undefined: the default identity. */
  readonly role: ProfileRole | undefined;
}

/** Which namespaces are served. */
export interface NamespaceSelection {
  /** `annotated`: those that opt in; `all`: every one that is not opted out. */
  readonly mode: 'annotated' | 'all';
  /** The names of the namespaces that are looked at, each by itself, so that rights in them are enough; empty: the whole cluster. */
  readonly only: readonly string[];
  /** Patterns; a namespace that matches none is never served. */
  readonly include: readonly string[];
  /** Patterns; a namespace that matches one is never served. */
  readonly exclude: readonly string[];
  /** A Kubernetes label selector, evaluated by the API server; empty: every namespace. */
  readonly selector: string;
}

/** The times of leader election, in ms; as client-go has them. */
export interface LeaseTimes {
  /** How long others wait after they have last seen the lease change. */
  readonly leaseDurationMs: number;
  /** How long the holder writes without having renewed it. */
  readonly renewDeadlineMs: number;
  /** Between two attempts. */
  readonly retryPeriodMs: number;
}

export interface Settings {
  /** Name of this installation: field manager, and whose Secrets are ours. */
  readonly instance: string;
  readonly clusterName: string;
  readonly namespaces: NamespaceSelection;
  /** What a namespace gets that names neither registries nor a profile. */
  readonly registries: readonly Registry[];
  /** The one name that our Secret has in every namespace. */
  readonly secretName: string;
  /** Names that our Secrets had before: such Secrets of ours are cleaned up once the new one is there. */
  readonly formerSecretNames: readonly string[];
  readonly secretLabels: Readonly<Record<string, string>>;
  readonly secretAnnotations: Readonly<Record<string, string>>;
  /** The ServiceAccounts whose `imagePullSecrets` we may append to at all. */
  readonly attachTo: readonly string[];
  /** The keys of `auths` that each registry gets besides its own. */
  readonly keys: KeyOptions;
  /** Identities of the namespaces' own. */
  readonly identity: {
    /** The ServiceAccounts that a namespace may name; empty: none, the feature is off. */
    readonly serviceAccounts: readonly string[];
    /** Of the tokens that are requested for them. */
    readonly audience: string;
  };
  readonly profiles: Readonly<Record<string, Profile>>;
  readonly defaultIdentity: DefaultIdentity;
  readonly refresh: RefreshPolicy;
  readonly aws: {
    /** AWS calls in flight at once. */
    readonly concurrency: number;
    /** The longest one AWS call may take, ms. */
    readonly timeoutMs: number;
  };
  readonly limits: { readonly registriesPerNamespace: number };
  /** Undefined: there is one replica only, which always writes. */
  readonly leaderElection: LeaseTimes | undefined;
  /** Namespaces worked on at the same time. */
  readonly workers: number;
}
