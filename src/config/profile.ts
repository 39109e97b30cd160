// One profile of the configuration file: registries, the namespaces that may use them, and the role. Used by schema; what can
// never work (another partition, an external id where STS takes none) is found here, where it costs no call.
import * as v from 'valibot';
import { isRoleArn, partitionOfRole } from '../domain/identity.ts';
import { namespacePlace, namespaceTags } from '../domain/profile-identity.ts';
import { flag, mapping, ownNames, patterns, registries, text } from './fields.ts';

const segmentOf = (arn: string): readonly string[] => arn.split('/').slice(1);

/** With a namespace's name in each place it must be an ARN; a place is a whole segment, so that no name can be forged. */
const isRole = (arn: string): boolean =>
  isRoleArn(arn.replaceAll(namespacePlace, 'x')) &&
  segmentOf(arn).every((segment) => segment === namespacePlace || !segment.includes(namespacePlace)) &&
  !(arn.split('/')[0] ?? '').includes(namespacePlace);

/** True for the value of a session tag (STS API reference, Tag). */
export const isTagValue = (value: string): boolean => /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(value);

/** Rules of STS for session tags (API reference, AssumeRole, Tag). */
const tagKey = v.pipe(
  text,
  v.regex(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u, 'is not a legal tag key of STS'),
  v.check((key) => !/^aws:/i.test(key), 'must not begin with aws:'),
  v.check(
    (key) => !Object.values<string>(namespaceTags).includes(key.toLowerCase()),
    'is set by the controller itself, with perNamespace',
  ),
);
const tagValue = v.pipe(text, v.check(isTagValue, 'is not a legal tag value of STS'));

const fields = mapping({
  registries: v.pipe(
    registries,
    v.minLength(1, 'must name at least one registry'),
    v.description('the registries of the profile'),
  ),
  namespaces: v.pipe(patterns, v.description('patterns of the namespaces that may use it')),
  roleArn: v.optional(
    v.pipe(
      text,
      v.check(
        isRole,
        'must be the ARN of a role: arn:aws:iam::<account>:role/<name>, where {namespace} may be a whole path segment or the whole name',
      ),
      v.description(
        'the role to assume; `{namespace}` in it, as a whole path segment or the whole name, is the name of the namespace; absent: the default identity',
      ),
    ),
  ),
  via: v.optional(
    v.pipe(
      v.picklist(['chain', 'webIdentity'], 'must be chain or webIdentity'),
      v.description(
        "`chain`: with the default identity (sts:AssumeRole); `webIdentity`: directly with the controller's own ServiceAccount token",
      ),
    ),
    'chain',
  ),
  externalId: v.optional(
    v.pipe(
      text,
      v.regex(/^([\w+=,.@:/-]{2,1224})?$/, 'is not a legal external id of STS'),
      v.description("what the role's trust policy asks for by sts:ExternalId; for chain only"),
    ),
    '',
  ),
  tags: v.optional(
    v.pipe(
      ownNames,
      v.record(tagKey, tagValue),
      v.check((tags) => Object.keys(tags).length <= 48, 'must be 48 at most'),
      v.check(
        (tags) =>
          new Set(Object.keys(tags).map((key) => key.toLowerCase())).size === Object.keys(tags).length,
        'must not have two keys that differ in case only: to STS they are the same',
      ),
      v.description('session tags; for chain only; the role must allow sts:TagSession'),
    ),
    {},
  ),
  perNamespace: v.optional(
    v.pipe(
      flag,
      v.description(
        'a session for each namespace, named after it and (by chain) tagged with it; costs one AWS call for each namespace instead of one in all',
      ),
    ),
    false,
  ),
});

type ProfileInput = v.InferOutput<typeof fields>;

/** What contradicts itself, by setting. */
function contradictions({ roleArn, via, externalId, tags, perNamespace, registries: hosts }: ProfileInput) {
  const found: [key: keyof ProfileInput, message: string][] = [];
  if (roleArn === undefined) {
    if (externalId !== '') found.push(['externalId', 'needs a roleArn']);
    if (Object.keys(tags).length > 0) found.push(['tags', 'need a roleArn']);
    if (perNamespace) found.push(['perNamespace', 'needs a roleArn']);
    if (via === 'webIdentity') found.push(['via', 'needs a roleArn']);
    return found;
  }
  if (via === 'webIdentity') {
    if (externalId !== '')
      found.push(['externalId', 'is not known to AssumeRoleWithWebIdentity: use via: chain']);
    if (Object.keys(tags).length > 0)
      found.push(['tags', 'cannot be sent by AssumeRoleWithWebIdentity: use via: chain']);
  }
  const partition = partitionOfRole(roleArn);
  for (const { host } of hosts.filter((one) => one.partition !== partition)) {
    found.push(['roleArn', `is of partition ${partition}, ${host} of another; they cannot go together`]);
  }
  return found;
}

/** The schema of a profile. */
export const profile = v.pipe(
  fields,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || (dataset.value.roleArn !== undefined && !isRole(dataset.value.roleArn))) return;
    const input = dataset.value;
    for (const [key, message] of contradictions(input)) {
      addIssue({ message, path: [{ type: 'object', origin: 'value', input, key, value: input[key] }] });
    }
  }),
);
