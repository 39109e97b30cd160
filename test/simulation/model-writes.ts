// What the modelled API server does with the kinds of write that the controller makes: server-side apply of a Secret, a
// guarded JSON Patch of a ServiceAccount, a PUT of a Lease. Pure: the object before and the request → the object after, or a refusal.
import type { ApiCall } from '../../src/controller/ports.ts';
import { ApiError } from '../../src/kubernetes/errors.ts';

interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly { manager: string; operation: string; fieldsV1: unknown }[];
}

/** An object, as far as the controller looks at it. */
export interface ModelObject {
  readonly metadata: Metadata;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: unknown;
  readonly imagePullSecrets?: readonly { readonly name: string }[];
}

/** Server-side apply. */
export function applySecret(seen: ModelObject | undefined, call: ApiCall): ModelObject {
  const { metadata, data = {} } = call.body as ModelObject;
  const { name, namespace, labels = {}, annotations = {} } = metadata;
  refuseOutdated(seen?.metadata, metadata, call);
  const manager = call.query?.['fieldManager'] ?? '';
  const managedFields = [{ manager, operation: 'Apply', fieldsV1: fieldsOf({ labels, annotations, data }) }];
  const place = namespace === undefined ? { name } : { name, namespace };
  return { metadata: { ...place, labels, annotations, managedFields }, data };
}

/** As a real API server answers: the cluster tests see to it that this is so. */
function refuseOutdated(seen: Metadata | undefined, { uid, resourceVersion }: Metadata, call: ApiCall): void {
  if (seen === undefined) {
    if (uid !== undefined) throw refusal(call, 409, 'Conflict');
    return;
  }
  if (uid !== undefined && uid !== seen.uid) throw refusal(call, 422, 'Invalid', 'metadata.uid');
  const outdated = resourceVersion !== undefined && resourceVersion !== seen.resourceVersion;
  if (outdated || !mayOverwrite(seen, call)) throw refusal(call, 409, 'Conflict');
}

/** Of two with the same name, the one overwrites what the other has applied, also unforced. */
const mayOverwrite = ({ managedFields }: Metadata, { query }: ApiCall): boolean =>
  query?.['force'] === 'true' || managedFields?.[0]?.manager === query?.['fieldManager'];

type Fields = Readonly<Record<string, string>>;

function fieldsOf(parts: { labels: Fields; annotations: Fields; data: Fields }): unknown {
  const named = (fields: Fields) => Object.fromEntries(Object.keys(fields).map((key) => [`f:${key}`, {}]));
  return {
    'f:metadata': { 'f:labels': named(parts.labels), 'f:annotations': named(parts.annotations) },
    'f:data': named(parts.data),
  };
}

type Operation =
  | { readonly op: 'replace'; readonly path: '/metadata/resourceVersion'; readonly value: string }
  | { readonly op: 'add'; readonly path: '/imagePullSecrets'; readonly value: readonly { name: string }[] }
  | { readonly op: 'add'; readonly path: '/imagePullSecrets/-'; readonly value: { name: string } };

/** A JSON Patch. */
export function patchServiceAccount(seen: ModelObject | undefined, call: ApiCall): ModelObject {
  if (seen === undefined) throw refusal(call, 404, 'NotFound');
  let list = seen.imagePullSecrets;
  for (const operation of call.body as readonly Operation[]) {
    switch (operation.path) {
      case '/metadata/resourceVersion':
        if (operation.value !== seen.metadata.resourceVersion) throw refusal(call, 409, 'Conflict');
        break;
      case '/imagePullSecrets':
        list = operation.value;
        break;
      case '/imagePullSecrets/-':
        if (list === undefined) throw refusal(call, 422, 'Invalid');
        list = [...list, operation.value];
    }
  }
  return { ...seen, ...(list === undefined ? {} : { imagePullSecrets: list }) };
}

/** A PUT of a Lease, which makes a missing one whatever version it names. */
export function putLease(seen: ModelObject | undefined, call: ApiCall): ModelObject {
  const lease = call.body as ModelObject;
  const { resourceVersion } = lease.metadata;
  if (seen === undefined) return lease;
  if (resourceVersion === undefined) throw refusal(call, 422, 'Invalid', 'metadata.resourceVersion');
  if (resourceVersion !== seen.metadata.resourceVersion) throw refusal(call, 409, 'Conflict');
  return lease;
}

function refusal({ method, path }: ApiCall, status: number, reason: string, field?: string): ApiError {
  const causes = field === undefined ? [] : [{ reason: 'FieldValueInvalid', field }];
  return new ApiError(`${method} ${path}`, { status, reason, causes });
}
