// Whether an answer of the API server is a list. Used wherever what is not listed counts as gone: by the reflectors, and by the
// live look before something is taken away.
import { ApiError } from './errors.ts';
import type { KubernetesObject } from './views.ts';

/** A list of objects, or a page of it. */
export interface List {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly KubernetesObject[];
}

/**
 * Reads a list, or a page of one. (Of none, the server sends `items: null`.)
 * @throws ApiError for an answer without version or items: taken for a list, it would empty a store
 */
export function readList(body: unknown): List {
  const list = body as { metadata?: Partial<List['metadata']>; items?: List['items'] | null } | null;
  const items = list?.items === null ? [] : list?.items;
  if (typeof list?.metadata?.resourceVersion !== 'string' || !Array.isArray(items)) {
    throw new ApiError('LIST', { status: 0, reason: 'NO_LIST' });
  }
  return { metadata: list.metadata as List['metadata'], items };
}
