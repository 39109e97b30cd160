// Objects of the API server → the few fields that we keep of them (domain/views). Called by the reflectors for each
// object as it is decoded, and by cluster for the answers to our writes. What is not copied here is never in memory for
// longer than one event; the data of a Secret never gets this far, since Secrets are watched as metadata only.
import { annotationPrefix } from '../domain/annotations.ts';
import { managedByLabel } from '../domain/desired-secret.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from '../domain/views.ts';

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: Readonly<Record<string, unknown>>;
}

/** What we read of any object. */
export interface KubernetesObject {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly ManagedFields[];
  };
  readonly imagePullSecrets?: readonly { readonly name?: string }[];
}

/** The version of an object; empty where an answer has none. */
export const versionOf = ({ metadata }: KubernetesObject): string => metadata?.resourceVersion ?? '';

export function projectNamespace(object: KubernetesObject): NamespaceView {
  return {
    name: object.metadata?.name ?? '',
    resourceVersion: versionOf(object),
    terminating: object.metadata?.deletionTimestamp !== undefined,
    annotations: ownAnnotations(object),
  };
}

export function projectServiceAccount(object: KubernetesObject): ServiceAccountView {
  return {
    namespace: object.metadata?.namespace ?? '',
    name: object.metadata?.name ?? '',
    uid: object.metadata?.uid ?? '',
    resourceVersion: versionOf(object),
    pullSecrets: object.imagePullSecrets?.map(({ name = '' }) => name),
    roleArn: object.metadata?.annotations?.['eks.amazonaws.com/role-arn'],
  };
}

/** What our Secrets are compared with. */
export interface SecretProjection {
  /** Our field manager. */
  readonly manager: string;
  /** Every field that we set, as a path in `managedFields`. */
  readonly fields: readonly (readonly string[])[];
}

/** Makes the projection of Secrets for one installation. */
export function secretProjector({
  manager,
  fields,
}: SecretProjection): (object: KubernetesObject) => SecretView {
  return (object) => {
    // Apply, not Update: anybody can send a PUT that names our manager (then the operation says so).
    const ours = object.metadata?.managedFields?.find(
      (entry) => entry.manager === manager && entry.operation === 'Apply' && entry.subresource === undefined,
    );
    return {
      namespace: object.metadata?.namespace ?? '',
      name: object.metadata?.name ?? '',
      uid: object.metadata?.uid ?? '',
      resourceVersion: versionOf(object),
      managedBy: object.metadata?.labels?.[managedByLabel],
      annotations: ownAnnotations(object),
      appliedByUs: ours !== undefined,
      lostFields: fields.filter((path) => !owns(ours?.fieldsV1, path)).map((path) => path.join('/')),
    };
  };
}

function owns(fields: Readonly<Record<string, unknown>> | undefined, path: readonly string[]): boolean {
  let here: unknown = fields;
  for (const step of path) {
    if (typeof here !== 'object' || here === null || !(step in here)) return false;
    here = (here as Readonly<Record<string, unknown>>)[step];
  }
  return here !== undefined;
}

const nothing: Readonly<Record<string, string>> = {};

/** Only those under our prefix: other annotations may be large, and one of them may hold a copy of a Secret's data. */
function ownAnnotations({ metadata }: KubernetesObject): Readonly<Record<string, string>> {
  const own = Object.entries(metadata?.annotations ?? nothing).filter(([key]) =>
    key.startsWith(annotationPrefix),
  );
  if (own.length === 0) return nothing;
  return Object.fromEntries(own.map(([key, value]) => [key.slice(annotationPrefix.length), value]));
}
