// The kinds of value in the configuration file: names, durations, registries, mappings, each with its rule and the words for
// breaking it. Building blocks of the schema; they know nothing of single settings.
import * as v from 'valibot';
import { annotationPrefix } from '../domain/annotations.ts';
import { managedByLabel } from '../domain/desired-secret.ts';
import { parseRegistry } from '../domain/registry.ts';

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelKey = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
export const labelValue = /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/;

/** Valibot takes a list for a mapping. */
const anyMapping = v.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be a mapping of names to values',
);
/** A mapping with names of the administrator's own. Valibot drops these three without a word. */
export const ownNames = v.pipe(
  anyMapping,
  v.check(
    (value) => !['__proto__', 'constructor', 'prototype'].some((name) => Object.hasOwn(value, name)),
    'must not have an entry named constructor, prototype or __proto__',
  ),
);
export const mapping = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(anyMapping, v.strictObject(entries));

export const text = v.string('must be a text');
export const flag = v.boolean('must be true or false');
export const objectName = v.pipe(
  text,
  v.check(
    (name) => subdomain.test(name) && name.length <= 253,
    'must be a Kubernetes name: lower-case letters, digits, `-` and `.`',
  ),
);
/** A name as namespaces have it. @param message what is said of another */
export const shortName = (message: string) =>
  v.pipe(
    text,
    v.check((name) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name), message),
  );
export const patterns = v.array(v.pipe(text, v.nonEmpty('must not be empty')), 'must be a list of patterns');
export const count = (most: number) =>
  v.pipe(
    v.number('must be a number'),
    v.check(
      (value) => Number.isInteger(value) && value >= 1 && value <= most,
      `must be a whole number from 1 to ${most}`,
    ),
  );

const registry = v.pipe(
  text,
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const result = parseRegistry(dataset.value);
    if ('registry' in result) return result.registry;
    addIssue({ message: result.problem });
    return NEVER;
  }),
);
export const registries = v.array(registry, 'must be a list of ECR hosts');

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A duration as people write it, such as `10s` or `12h`, in ms. */
export const duration = (least: string, most: string) =>
  v.pipe(
    v.string('must be a duration, such as 10s, 5m or 12h'),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value = milliseconds(dataset.value);
      if (value >= milliseconds(least) && value <= milliseconds(most)) return value;
      addIssue({ message: `must be a duration from ${least} to ${most}, such as 10s, 5m or 12h` });
      return NEVER;
    }),
  );

function milliseconds(value: string): number {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value) ?? [];
  return Number(amount) * units[unit as keyof typeof units];
}

/** The key of a further label or annotation of our Secrets. */
export const furtherKey = v.pipe(
  text,
  v.regex(labelKey, 'is not a legal key'),
  v.check(
    (key) => key !== managedByLabel && !key.startsWith(annotationPrefix),
    'is set by the controller itself',
  ),
);
