// The configuration file as a schema: every setting with its default, its rule and its meaning. Used by config (reads a
// file) and by the generated documentation. It knows the file, not the environment.
import * as v from 'valibot';
import { annotationPrefix } from './domain/annotations.ts';
import { managedByLabel } from './domain/desired-secret.ts';
import { isLabelSelector } from './domain/label-selector.ts';
import { parseRegistry } from './domain/registry.ts';

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelKey = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/;
const rolePattern = /^arn:aws(-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]+$/;

const text = v.string('must be a text');
const objectName = v.pipe(
  text,
  v.check(
    (name) => subdomain.test(name) && name.length <= 253,
    'must be a Kubernetes name: lower-case letters, digits, `-` and `.`',
  ),
);
const patterns = v.array(v.pipe(text, v.nonEmpty('must not be empty')), 'must be a list of patterns');
const count = (most: number) =>
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
const registries = v.array(registry, 'must be a list of ECR hosts');

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A duration as people write it, such as `10s` or `12h`, in ms. */
const duration = (least: string, most: string) =>
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

const keyOf = (reserved: (key: string) => boolean) =>
  v.pipe(
    text,
    v.regex(labelKey, 'is not a legal key'),
    v.check((key) => !reserved(key), 'is set by the controller itself'),
  );
const ownKey = (key: string) => key === managedByLabel || key.startsWith(annotationPrefix);

const profile = v.strictObject({
  registries: v.pipe(registries, v.minLength(1, 'must name at least one registry')),
  namespaces: v.pipe(patterns, v.description('patterns of the namespaces that may use it')),
  roleArn: v.optional(
    v.pipe(text, v.regex(rolePattern, 'must be the ARN of a role: arn:aws:iam::<account>:role/<name>')),
  ),
});

const refresh = v.pipe(
  v.strictObject({
    atFraction: v.optional(
      v.pipe(
        v.number('must be a number'),
        v.check((value) => value > 0 && value < 1, 'must be between 0 and 1'),
        v.description('the fraction of its life after which a token is replaced'),
      ),
      0.5,
    ),
    spread: v.optional(
      v.pipe(
        v.number('must be a number'),
        v.check((value) => value >= 0 && value <= 1, 'must be from 0 to 1'),
        v.description(
          'how far the Secrets of one token are spread, as a fraction of the time until it is due',
        ),
      ),
      0.1,
    ),
    maxAge: v.optional(
      v.pipe(
        v.nullable(duration('1s', '100h')),
        v.description("an upper bound of a token's age; null: none"),
      ),
      null,
    ),
  }),
  v.check(
    ({ atFraction, spread }) => atFraction * (1 + spread) <= 0.8,
    'atFraction × (1 + spread) must be at most 0.8: the rest of the life is for repeated tries',
  ),
);

/** The whole file. `v.description` is what the documentation says of a setting. */
export const configSchema = v.strictObject({
  instance: v.optional(
    v.pipe(
      text,
      v.check(
        (name) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name),
        'must be a short name: lower-case letters, digits and `-`',
      ),
      v.description(
        'name of this installation: its field manager, and whose Secrets are ours; two in one cluster must differ',
      ),
    ),
    'ecr-pull-secrets',
  ),
  clusterName: v.optional(
    v.pipe(text, v.description('appears in the AWS session name, so that CloudTrail tells clusters apart')),
    '',
  ),
  namespaces: v.optional(
    v.strictObject({
      mode: v.optional(
        v.pipe(
          v.picklist(['annotated', 'all'], 'must be annotated or all'),
          v.description('`annotated`: those that opt in; `all`: every one that matches and is not opted out'),
        ),
        'annotated',
      ),
      include: v.optional(
        v.pipe(patterns, v.description('patterns; a namespace that matches none is never served')),
        ['*'],
      ),
      exclude: v.optional(
        v.pipe(patterns, v.description('patterns; a namespace that matches one is never served')),
        ['kube-*'],
      ),
      selector: v.optional(
        v.pipe(
          text,
          v.check(isLabelSelector, 'must be a Kubernetes label selector, such as team=a,tier in (web,api)'),
          v.description('label selector; namespaces that do not match are not even watched'),
        ),
        '',
      ),
    }),
    {},
  ),
  registries: v.optional(
    v.pipe(registries, v.description('what a namespace gets that names neither registries nor a profile')),
    [],
  ),
  secretName: v.optional(
    v.pipe(
      objectName,
      v.description('the one name that our Secret has in every namespace; the RBAC rules name it'),
    ),
    'ecr-pull-secret',
  ),
  secretLabels: v.optional(
    v.pipe(
      v.record(keyOf(ownKey), v.pipe(text, v.regex(labelValue, 'is not a legal label value'))),
      v.description('further labels of our Secrets, for policies that require them'),
    ),
    {},
  ),
  secretAnnotations: v.optional(
    v.pipe(v.record(keyOf(ownKey), text), v.description('further annotations of our Secrets')),
    {},
  ),
  attachTo: v.optional(
    v.pipe(
      v.array(objectName, 'must be a list of ServiceAccount names'),
      v.description('the ServiceAccounts we may append to at all; []: none'),
    ),
    ['default'],
  ),
  profiles: v.optional(
    v.pipe(
      v.record(objectName, profile),
      v.description(
        'name → `registries`, `namespaces` (patterns of those that may use it), `roleArn` (assumed with the default identity)',
      ),
    ),
    {},
  ),
  refresh: v.optional(refresh, {}),
  aws: v.optional(
    v.strictObject({
      concurrency: v.optional(v.pipe(count(100), v.description('AWS calls in flight at once')), 8),
      timeout: v.optional(
        v.pipe(duration('100ms', '60s'), v.description('the longest one AWS call may take')),
        '10s',
      ),
    }),
    {},
  ),
  limits: v.optional(
    v.strictObject({
      registriesPerNamespace: v.optional(v.pipe(count(500), v.description('more are refused')), 50),
    }),
    {},
  ),
  workers: v.optional(v.pipe(count(256), v.description('namespaces worked on at the same time')), 16),
});

/** The file, with every default filled in. */
export type ConfigFile = v.InferOutput<typeof configSchema>;
