// The configuration file as a schema: every setting with its default, its rule and its meaning. Used by config (reads a
// file) and by the generated documentation. It knows the file, not the environment.
import * as v from 'valibot';
import {
  count,
  duration,
  flag,
  furtherKey,
  labelValue,
  mapping,
  objectName,
  ownNames,
  registries,
  shortName,
  text,
} from './fields.ts';
import { leaderElection } from './leader-election.ts';
import { namespaces } from './namespaces.ts';
import { isTagValue, profile } from './profile.ts';

const refresh = v.pipe(
  mapping({
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

const settings = mapping({
  instance: v.optional(
    v.pipe(
      shortName('must be a short name: lower-case letters, digits and `-`'),
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
  namespaces: v.optional(namespaces, {}),
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
  formerSecretNames: v.optional(
    v.pipe(
      v.array(objectName, 'must be a list of Secret names'),
      v.description(
        'names that our Secrets had before: cleaned up once the new one is there; how one renames',
      ),
    ),
    [],
  ),
  secretLabels: v.optional(
    v.pipe(
      ownNames,
      v.record(furtherKey, v.pipe(text, v.regex(labelValue, 'is not a legal label value'))),
      v.description('further labels of our Secrets, for policies that require them'),
    ),
    {},
  ),
  secretAnnotations: v.optional(
    v.pipe(ownNames, v.record(furtherKey, text), v.description('further annotations of our Secrets')),
    {},
  ),
  attachTo: v.optional(
    v.pipe(
      v.array(objectName, 'must be a list of ServiceAccount names'),
      v.description('the ServiceAccounts we may append to at all; []: none'),
    ),
    ['default'],
  ),
  keys: v.optional(
    mapping({
      fips: v.optional(v.pipe(flag, v.description('FIPS hosts, in the regions that have them')), false),
      dualStack: v.optional(
        v.pipe(flag, v.description('dual-stack hosts, in the partitions that have them')),
        false,
      ),
      wildcard: v.optional(
        v.pipe(
          flag,
          v.description(
            'one for every account of the region; the kubelet understands it, docker clients do not',
          ),
        ),
        false,
      ),
    }),
    {},
  ),
  identity: v.optional(
    mapping({
      serviceAccounts: v.optional(
        v.pipe(
          v.array(objectName, 'must be a list of ServiceAccount names'),
          v.description(
            'the ServiceAccounts that a namespace may name to get tokens as itself; the RBAC rule for their tokens names them; []: none',
          ),
        ),
        [],
      ),
      audience: v.optional(
        v.pipe(
          text,
          v.nonEmpty('must not be empty'),
          v.description(
            'the audience of the tokens requested for them: the client id of the IAM OIDC provider',
          ),
        ),
        'sts.amazonaws.com',
      ),
    }),
    {},
  ),
  profiles: v.optional(
    v.pipe(
      ownNames,
      v.record(objectName, profile),
      v.description(
        'name → registries with an identity, for the namespaces that may use it: how the administrator gives roles; its settings are below',
      ),
    ),
    {},
  ),
  refresh: v.optional(refresh, {}),
  aws: v.optional(
    mapping({
      concurrency: v.optional(v.pipe(count(100), v.description('AWS calls in flight at once')), 8),
      timeout: v.optional(
        v.pipe(duration('100ms', '60s'), v.description('the longest one AWS call may take')),
        '10s',
      ),
    }),
    {},
  ),
  limits: v.optional(
    mapping({
      registriesPerNamespace: v.optional(v.pipe(count(500), v.description('more are refused')), 50),
    }),
    {},
  ),
  leaderElection: v.optional(leaderElection, {}),
  workers: v.optional(v.pipe(count(256), v.description('namespaces worked on at the same time')), 16),
});

/** The whole file. `v.description` is what the documentation says of a setting. */
export const configSchema = v.pipe(
  settings,
  v.forward(
    v.check(
      ({ secretName, formerSecretNames }) => !formerSecretNames.includes(secretName),
      'must not contain the present secretName: that Secret would be deleted',
    ),
    ['formerSecretNames'],
  ),
  v.forward(
    v.check(
      ({ clusterName, profiles }) =>
        isTagValue(clusterName) ||
        !Object.values(profiles).some(({ via, perNamespace }) => via === 'chain' && perNamespace),
      'must be a legal tag value of STS (256 letters, digits, blanks and _.:/=+-@ at most): a profile with perNamespace sends it as a tag',
    ),
    ['clusterName'],
  ),
);

/** The file, with every default filled in. */
export type ConfigFile = v.InferOutput<typeof configSchema>;
