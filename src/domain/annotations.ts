// The annotations that people write on a Namespace: one table of keys, and how each value is read. The only home of
// the key strings. What the values mean together is decided by intent.
import type { Problem } from './errors.ts';

/** Every annotation and label of ours begins with it. */
export const annotationPrefix = 'ecr-pull-secrets/';

/** The annotations of a Namespace; the documentation's table is generated from these rows. */
export const namespaceAnnotations = {
  enabled: {
    value: '`true` or `false`',
    meaning: 'opt in (mode `annotated`) or out (both modes)',
  },
  registries: {
    value:
      'ECR hosts, separated by commas or white space; a pasted image reference or URL is cut to its host',
    meaning: 'these registries instead of the configured defaults',
  },
  profile: {
    value: 'one or several profile names of the configuration',
    meaning: 'registries and identity as the administrator chose them',
  },
  'identity-service-account': {
    value: 'a ServiceAccount of this namespace, one of those that the configuration allows',
    meaning: 'get the token as this namespace: its role must trust that ServiceAccount',
  },
  'role-arn': {
    value: 'the ARN of a role',
    meaning:
      "the role for `identity-service-account`; absent: that ServiceAccount's own `eks.amazonaws.com/role-arn`",
  },
  'attach-to': {
    value: 'ServiceAccount names among the configured ones, or `none`',
    meaning: 'whose `imagePullSecrets` get the Secret appended',
  },
} as const satisfies Record<string, { value: string; meaning: string }>;

export type AnnotationKey = keyof typeof namespaceAnnotations;

/** What a Namespace's annotations say, each value read by itself. An absent annotation is undefined. */
export interface NamespaceWishes {
  /** `unreadable`: there, but neither true nor false. */
  readonly enabled: boolean | 'unreadable' | undefined;
  readonly registries: readonly string[] | undefined;
  readonly profiles: readonly string[] | undefined;
  readonly identityServiceAccount: string | undefined;
  readonly roleArn: string | undefined;
  /** An empty list stands for `none`. */
  readonly attachTo: readonly string[] | undefined;
  /** Keys under our prefix, of any kind. */
  readonly keys: readonly string[];
  readonly problems: readonly Problem[];
}

const words = (text: string | undefined): readonly string[] | undefined =>
  text?.split(/[\s,]+/).filter((word) => word !== '');

const flag = (text: string | undefined): boolean | 'unreadable' | undefined => {
  const word = text?.trim().toLowerCase();
  if (word === undefined) return undefined;
  return word === 'true' || (word === 'false' ? false : 'unreadable');
};

/** The full name of an annotation, as people write it. */
export const annotationName = (key: AnnotationKey): string => `${annotationPrefix}${key}`;

/** Reads the annotations of a Namespace, given without our prefix. */
export function readWishes(annotations: Readonly<Record<string, string>>): NamespaceWishes {
  const enabled = flag(annotations['enabled']);
  const attach = words(annotations['attach-to']);
  return {
    enabled,
    registries: words(annotations['registries']),
    profiles: words(annotations['profile']),
    identityServiceAccount: annotations['identity-service-account']?.trim(),
    roleArn: annotations['role-arn']?.trim(),
    attachTo: attach?.length === 1 && attach[0] === 'none' ? [] : attach,
    keys: Object.keys(annotations),
    problems: [
      ...(enabled === 'unreadable' ? [unreadableFlag(annotations['enabled'] ?? '')] : []),
      ...Object.keys(annotations)
        .filter((key) => !Object.hasOwn(namespaceAnnotations, key))
        .map(unknownKey),
    ],
  };
}

function unreadableFlag(value: string): Problem {
  return {
    reason: 'AnnotationInvalid',
    subject: annotationName('enabled'),
    note: `annotation ${annotationName('enabled')} is ${JSON.stringify(value.slice(0, 80))}: write "true" or "false"; until then it neither opts in nor out, and an existing Secret is kept fresh`,
  };
}

function unknownKey(key: string): Problem {
  return {
    reason: 'AnnotationUnknown',
    subject: annotationPrefix + key.slice(0, 80),
    note: `annotation ${annotationPrefix}${key.slice(0, 80)} is not known and has no effect; known are: ${Object.keys(namespaceAnnotations).join(', ')}`,
  };
}
