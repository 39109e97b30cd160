// Builders of the values that tests begin with: each gives something complete and good, and takes what the test is about
// as overrides. Used by unit tests and the simulation. They decide nothing: what is derived (hashes, records of tokens)
// comes from the code under test, so that a Secret made here is one that the controller would leave alone.
import { desiredSecret, managedByValue } from '../../src/domain/desired-secret.ts';
import { annotationPrefix } from '../../src/domain/annotations.ts';
import type {
  ChainIdentity,
  DefaultIdentity,
  NamespaceIdentity,
  WebIdentity,
} from '../../src/domain/identity.ts';
import { type Intent, sourcesOf } from '../../src/domain/intent.ts';
import type { ProfileRole } from '../../src/domain/profile-identity.ts';
import { type Registry, parseRegistry } from '../../src/domain/registry.ts';
import type { Profile, Settings } from '../../src/domain/settings.ts';
import { SecretText, type Token, type TokenTimes } from '../../src/domain/token.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../../src/domain/views.ts';

/** The moment at which tokens are issued unless a test says otherwise: 2026-01-01T00:00:00Z, in seconds. */
export const midnight = 1_767_225_600;

/** The life of a token as ECR issues it, in seconds. */
export const twelveHours = 43_200;

/** The private registry of an account and region of the commercial partition. */
export const hostIn = (region: string, account = '111122223333'): string =>
  `${account}.dkr.ecr.${region}.amazonaws.com`;

/** The registry that settings and namespaces have unless a test says otherwise. */
export const usualHost = hostIn('eu-west-1');

export function aRegistry(host: string = usualHost): Registry {
  const result = parseRegistry(host);
  if ('problem' in result) throw new Error(`the test's own host is bad: ${result.problem}`);
  return result.registry;
}

export function aDefaultIdentity(overrides: Partial<DefaultIdentity> = {}): DefaultIdentity {
  const nothing = { roleArn: '', profile: '', accessKeyId: '' };
  return { kind: 'default', ...nothing, sessionName: 'ecr-pull-secrets', ...overrides };
}

export function aRole(overrides: Partial<ChainIdentity> = {}): ChainIdentity {
  return {
    kind: 'chain',
    base: aDefaultIdentity(),
    roleArn: 'arn:aws:iam::111122223333:role/puller',
    externalId: '',
    tags: {},
    sessionName: 'ecr-pull-secrets',
    ...overrides,
  };
}

export function aWebIdentity(overrides: Partial<WebIdentity> = {}): WebIdentity {
  const { roleArn, sessionName } = aRole();
  return { kind: 'webIdentity', roleArn, sessionName, ...overrides };
}

/** What `team-a` gets by its ServiceAccount `puller`. */
export function aNamespaceIdentity(overrides: Partial<NamespaceIdentity> = {}): NamespaceIdentity {
  return {
    kind: 'namespace',
    namespace: 'team-a',
    serviceAccount: 'puller',
    uid: 'account-uid',
    audience: 'sts.amazonaws.com',
    roleArn: aRole().roleArn,
    sessionName: 'ecr-pull-secrets-team-a',
    ...overrides,
  };
}

/** The role of a profile; the identity that comes of it is `aRole()`. */
export function aProfileRole(overrides: Partial<ProfileRole> = {}): ProfileRole {
  const { roleArn, externalId, tags } = aRole();
  return { roleArn, via: 'chain', externalId, tags, perNamespace: false, ...overrides };
}

/** A profile that every namespace may use. */
export function aProfile(overrides: Partial<Profile> = {}): Profile {
  return { registries: [aRegistry()], namespaces: ['*'], role: aProfileRole(), ...overrides };
}

/** The defaults of the configuration, with one registry. */
export function aSettings(overrides: Partial<Settings> = {}): Settings {
  return {
    instance: 'ecr-pull-secrets',
    clusterName: '',
    namespaces: { mode: 'annotated', only: [], include: ['*'], exclude: ['kube-*'], selector: '' },
    registries: [aRegistry()],
    secretName: 'ecr-pull-secret',
    formerSecretNames: [],
    secretLabels: {},
    secretAnnotations: {},
    attachTo: ['default'],
    keys: { fips: false, dualStack: false, wildcard: false },
    identity: { serviceAccounts: [], audience: 'sts.amazonaws.com' },
    profiles: {},
    defaultIdentity: aDefaultIdentity(),
    refresh: { atFraction: 0.5, spread: 0.1, maxAge: null },
    aws: { concurrency: 8, timeoutMs: 10_000 },
    limits: { registriesPerNamespace: 50 },
    leaderElection: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 },
    workers: 16,
    ...overrides,
  };
}

/** A namespace that opted in. Annotations are given without our prefix. */
export function aNamespace(overrides: Partial<NamespaceView> = {}): NamespaceView {
  return {
    name: 'team-a',
    resourceVersion: '1',
    terminating: false,
    annotations: { enabled: 'true' },
    ...overrides,
  };
}

/** What `aNamespace` is to get under `aSettings`; `hosts` with the default identity unless `wanted` is given. */
export function anIntent({
  hosts = [usualHost],
  ...overrides
}: Partial<Intent> & { readonly hosts?: readonly string[] } = {}): Intent {
  const identity = aDefaultIdentity();
  const wanted = hosts.toSorted().map((host) => ({ registry: aRegistry(host), identity }));
  return { namespace: 'team-a', wanted, attachTo: ['default'], onlyExisting: false, ...overrides };
}

/** A token issued at midnight for twelve hours; `password` as plain text. */
export function aToken({
  password = 'a-password',
  ...overrides
}: Partial<Omit<Token, 'password'>> & { readonly password?: string } = {}): Token {
  const issued = overrides.issued ?? midnight;
  return {
    username: 'AWS',
    issued,
    expires: issued + twelveHours,
    ...overrides,
    password: new SecretText(password),
  };
}

/** What a Secret was made from. */
export interface SecretOrigin {
  readonly intent?: Intent;
  readonly settings?: Settings;
  /** By token key; by default, every token of the intent as `aToken` makes it. */
  readonly times?: ReadonlyMap<string, TokenTimes>;
}

/** Our Secret as it is after we wrote it from `origin`: ours, complete, nothing lost. Given annotations are added. */
export function aSecret(overrides: Partial<SecretView> = {}, origin: SecretOrigin = {}): SecretView {
  const { intent = anIntent(), settings = aSettings(), times = usualTimes(intent) } = origin;
  const written = desiredSecret(intent, settings, { auths: new Map(), times }).annotations;
  const own = Object.entries(written).filter(([key]) => key.startsWith(annotationPrefix));
  return {
    namespace: intent.namespace,
    name: settings.secretName,
    uid: 'uid-1',
    resourceVersion: '1',
    managedBy: managedByValue,
    appliedByUs: true,
    lostFields: [],
    ...overrides,
    annotations: {
      ...Object.fromEntries(own.map(([key, value]) => [key.slice(annotationPrefix.length), value])),
      ...overrides.annotations,
    },
  };
}

function usualTimes(intent: Intent): ReadonlyMap<string, TokenTimes> {
  const { issued, expires } = aToken();
  return new Map([...sourcesOf(intent.wanted).keys()].map((key) => [key, { issued, expires }]));
}

/** A ServiceAccount that lacks our Secret. */
export function aServiceAccount(overrides: Partial<ServiceAccountView> = {}): ServiceAccountView {
  return {
    namespace: 'team-a',
    name: 'default',
    uid: 'account-uid',
    resourceVersion: '1',
    pullSecrets: undefined,
    roleArn: undefined,
    ...overrides,
  };
}
