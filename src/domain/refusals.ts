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

/** The refusals, by what is wrong. */
export const refusals = {
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
  ownIdentity: () =>
    problem(
      'IdentityRefused',
      serviceAccount,
      `this installation allows no namespace an identity of its own: remove the annotations ${serviceAccount} and ${annotationName('role-arn')}`,
    ),
  foreignServiceAccount: (name: string, allowed: readonly string[]) =>
    problem(
      'ServiceAccountRefused',
      attachTo,
      `annotation ${attachTo} names ${quoted(name)}, which is not among the ServiceAccounts that the configuration lists under attachTo (${allowed.join(', ').slice(0, 500) || 'none'})`,
    ),
} as const;
