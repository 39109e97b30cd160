// The Secret that we write: its metadata and its document, from the intent and the tokens. The only place that knows
// what of our own stands on the Secret, so that checks and views agree with what was written.
import { createHash } from 'node:crypto';
import { annotationPrefix } from './annotations.ts';
import { type DockerAuth, writeDockerConfig } from './docker-config.ts';
import { identityHash } from './identity.ts';
import type { Intent } from './intent.ts';
import type { Settings } from './settings.ts';
import { type SecretText, type TokenTimes, writeTokenTimes } from './token.ts';

export const managedByLabel = 'app.kubernetes.io/managed-by';
export const managedByValue = 'ecr-pull-secrets';
export const secretType = 'kubernetes.io/dockerconfigjson';
export const dataKey = '.dockerconfigjson';

/** The annotations that we set on the Secret, without the prefix; the documentation's table is generated from these rows. */
export const secretAnnotations = {
  instance: 'the installation that writes this Secret',
  'expires-at': 'when the earliest of its tokens expires (RFC 3339), for people',
  tokens: 'issue and expiry of each token, in seconds since the epoch; what the next decision reads',
  'inputs-hash':
    'stands for the hosts, identities, labels and annotations it was made from; never for a token',
} as const satisfies Record<string, string>;

export type SecretAnnotation = keyof typeof secretAnnotations;

/** Raised when the document or the metadata changes its form, so that every Secret is rewritten once. */
const formatVersion = 1;

/** What a write of the Secret contains, but for uid and resourceVersion, which belong to the moment of the write. */
export interface DesiredSecret {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly document: SecretText;
  /** Its tokens, by token key; what the `tokens` annotation says. */
  readonly times: ReadonlyMap<string, TokenTimes>;
  readonly hosts: readonly string[];
}

/** Stands for everything but tokens that the Secret is made from. */
export function inputsHash(intent: Intent, settings: Settings): string {
  const inputs = [
    formatVersion,
    intent.wanted.map(({ registry, identity }) => [registry.host, identityHash(identity)]),
    sortedEntries(settings.secretLabels),
    sortedEntries(settings.secretAnnotations),
  ];
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16);
}

/** The Secret for this intent, with these credentials; `auths` may lack hosts whose token could not be had. */
export function desiredSecret(
  intent: Intent,
  settings: Settings,
  credentials: { auths: ReadonlyMap<string, DockerAuth>; times: ReadonlyMap<string, TokenTimes> },
): DesiredSecret {
  const earliest = Math.min(...[...credentials.times.values()].map(({ expires }) => expires));
  const own: Record<SecretAnnotation, string> = {
    instance: settings.instance,
    'expires-at': writeInstant(earliest),
    tokens: writeTokenTimes(credentials.times),
    'inputs-hash': inputsHash(intent, settings),
  };
  return {
    labels: { ...settings.secretLabels, [managedByLabel]: managedByValue },
    annotations: {
      ...settings.secretAnnotations,
      ...Object.fromEntries(Object.entries(own).map(([key, value]) => [annotationPrefix + key, value])),
    },
    document: writeDockerConfig(credentials.auths),
    times: credentials.times,
    hosts: [...credentials.auths.keys()],
  };
}

/** The paths of every field that we set, as `managedFields` writes them; kubernetes/views compares them with what we own. */
export function desiredFields(settings: Settings): readonly (readonly string[])[] {
  const labels = [...Object.keys(settings.secretLabels), managedByLabel];
  const annotations = [
    ...Object.keys(settings.secretAnnotations),
    ...Object.keys(secretAnnotations).map((key) => annotationPrefix + key),
  ];
  return [
    ...labels.map((key) => ['f:metadata', 'f:labels', `f:${key}`]),
    ...annotations.map((key) => ['f:metadata', 'f:annotations', `f:${key}`]),
    ['f:data', `f:${dataKey}`],
  ];
}

/** Seconds since the epoch as RFC 3339, in whole seconds; Infinity: there is no token that could expire. */
const writeInstant = (seconds: number): string =>
  seconds === Infinity ? 'never' : new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z');

const sortedEntries = (record: Readonly<Record<string, string>>): readonly (readonly [string, string])[] =>
  Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
