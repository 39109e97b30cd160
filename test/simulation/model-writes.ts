// What the modelled API server does with the two kinds of write that the controller makes: server-side apply of a Secret
// and a guarded JSON Patch of a ServiceAccount. Pure: the object before and the request → the object after, or a refusal.
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
  readonly imagePullSecrets?: readonly { readonly name: string }[];
}

/** Server-side apply. */
export function applySecret(seen: ModelObject | undefined, call: ApiCall): ModelObject {
  const body = call.body as ModelObject;
  const { uid, resourceVersion } = body.metadata;
  if (seen === undefined && uid !== undefined) throw refusal(call, 409, 'Conflict');
  if (seen !== undefined) {
    if (uid !== undefined && uid !== seen.metadata.uid) throw refusal(call, 422, 'Invalid', 'metadata.uid');
    const outdated = resourceVersion !== undefined && resourceVersion !== seen.metadata.resourceVersion;
    if (outdated || call.query?.['force'] !== 'true') throw refusal(call, 409, 'Conflict');
  }
  const manager = call.query?.['fieldManager'] ?? '';
  return {
    metadata: {
      name: body.metadata.name,
      ...(body.metadata.namespace === undefined ? {} : { namespace: body.metadata.namespace }),
      labels: body.metadata.labels ?? {},
      annotations: body.metadata.annotations ?? {},
      managedFields: [{ manager, operation: 'Apply', fieldsV1: fieldsOf(body) }],
    },
    data: body.data ?? {},
  };
}

function fieldsOf({ metadata, data }: ModelObject): unknown {
  const fields = (record: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.keys(record).map((key) => [`f:${key}`, {}]));
  return {
    'f:metadata': { 'f:labels': fields(metadata.labels), 'f:annotations': fields(metadata.annotations) },
    'f:data': fields(data),
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

function refusal({ method, path }: ApiCall, status: number, reason: string, field?: string): ApiError {
  const causes = field === undefined ? [] : [{ reason: 'FieldValueInvalid', field }];
  return new ApiError(`${method} ${path}`, { status, reason, causes });
}
