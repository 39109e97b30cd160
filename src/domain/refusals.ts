// Why a namespace, or one of its wishes, is refused: each as a Problem that names the annotation, its value and the cure.
// The words only; when they are said is decided by intent.
import { annotationName } from './annotations.ts';
import type { Problem, ProblemReason } from './errors.ts';

/** The longest piece of somebody's text that is repeated. */
const quoted = (text: string): string => JSON.stringify(text.slice(0, 80));

const problem = (reason: ProblemReason, subject: string, note: string): Problem => ({
  reason,
  subject,
  note,
});

const registries = annotationName('registries');
const profile = annotationName('profile');
const attachTo = annotationName('attach-to');
const serviceAccount = annotationName('identity-service-account');
const role = annotationName('role-arn');

/** The refusals, by what is wrong. */
export const refusals = {
  hidden: (namespace: string, kinds: readonly string[]) =>
    problem(
      'Forbidden',
      namespace,
      `the API server does not let us look at namespace ${namespace} (${kinds.join(', ')}): give the controller the chart's Role and RoleBinding there, or take it out of namespaces.only where it does not exist any more`,
    ),
  excluded: (namespace: string) =>
    problem(
      'NamespaceExcluded',
      namespace,
      `namespace ${namespace} has annotations of ours but is outside the configuration's namespaces.include or inside namespaces.exclude: it is never served`,
    ),
  withoutEffect: (keys: readonly string[]) =>
    problem(
      'AnnotationInvalid',
      annotationName('enabled'),
      `the annotations under ecr-pull-secrets/ (${keys.join(', ').slice(0, 200)}) have no effect alone: add ${annotationName('enabled')}: "true"`,
    ),
  badRegistry: (what: string) =>
    problem('AnnotationInvalid', registries, `annotation ${registries}: ${what}`),
  noRegistries: () =>
    problem(
      'NoRegistries',
      'registries',
      `there is no registry to log in to: name some by annotation ${registries} or ${profile}, or set registries in the configuration`,
    ),
  tooManyRegistries: (limit: number) =>
    problem(
      'NoRegistries',
      registries,
      `more than ${limit} registries for one namespace: remove some from annotation ${registries} or ${profile}, or raise limits.registriesPerNamespace in the configuration`,
    ),
  profileBesideOthers: () =>
    problem(
      'ProfileRefused',
      profile,
      `annotation ${profile} does not go together with registries or an identity of the namespace's own: choose one`,
    ),
  unknownProfile: (name: string) =>
    problem(
      'ProfileRefused',
      profile,
      `annotation ${profile} names ${quoted(name)}, which the configuration does not have: ask the cluster's administrator for the names`,
    ),
  forbiddenProfile: (name: string) =>
    problem(
      'ProfileRefused',
      profile,
      `annotation ${profile} names ${quoted(name)}, which this namespace may not use: the administrator allows it by the profile's namespaces`,
    ),
  hostInTwoProfiles: (host: string) =>
    problem(
      'ProfileRefused',
      profile,
      `${host} is in two of the profiles that annotation ${profile} names: name only one of them`,
    ),
  ownIdentityOff: () =>
    problem(
      'IdentityRefused',
      serviceAccount,
      `this installation allows no namespace an identity of its own: remove the annotations ${serviceAccount} and ${role}, or have the administrator list ServiceAccounts under identity.serviceAccounts`,
    ),
  roleAlone: () =>
    problem(
      'IdentityRefused',
      role,
      `annotation ${role} counts only together with ${serviceAccount}: name the ServiceAccount that the role trusts`,
    ),
  identityServiceAccount: (name: string, allowed: readonly string[]) =>
    problem(
      'IdentityRefused',
      serviceAccount,
      `annotation ${serviceAccount} names ${quoted(name)}, which is not among those that the configuration allows under identity.serviceAccounts (${allowed.join(', ').slice(0, 500)})`,
    ),
  noServiceAccount: (name: string) =>
    problem(
      'IdentityRefused',
      serviceAccount,
      `annotation ${serviceAccount} names ${quoted(name)}, but this namespace has no such ServiceAccount: create it`,
    ),
  noRole: (name: string) =>
    problem(
      'IdentityRefused',
      role,
      `no role for ServiceAccount ${quoted(name)}: set annotation ${role} on the namespace, or eks.amazonaws.com/role-arn on the ServiceAccount`,
    ),
  badRole: (arn: string, account: string | undefined) =>
    problem(
      'IdentityRefused',
      role,
      `${account === undefined ? `annotation ${role}` : `annotation eks.amazonaws.com/role-arn of ServiceAccount ${quoted(account)}`} is ${quoted(arn)}: it must be the ARN of a role, arn:aws:iam::<account>:role/<name>`,
    ),
  otherPartition: (host: string, partition: string, identity: string) =>
    problem(
      'IdentityRefused',
      host,
      `${host} is of partition ${partition}, which ${identity} is not of: AWS knows no way across; name a role of that partition, by a profile or of the namespace's own`,
    ),
  foreignServiceAccount: (name: string, allowed: readonly string[]) =>
    problem(
      'ServiceAccountRefused',
      attachTo,
      `annotation ${attachTo} names ${quoted(name)}, which is not among the ServiceAccounts that the configuration lists under attachTo (${allowed.join(', ').slice(0, 500) || 'none'})`,
    ),
} as const;
