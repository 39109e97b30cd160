// Where a reflector gets its objects from: a collection, by list and watch; or one object by its name, for a ServiceAccount
// that has rights in its own namespace only and may not list Namespaces, not even one by field selector. Made by watches.
import type { Api, ApiCall } from '../controller/ports.ts';
import { ApiError } from './errors.ts';
import { readList } from './read-list.ts';
import type { KubernetesObject } from './views.ts';

/** A piece of what there is. */
export interface Page {
  readonly items: readonly KubernetesObject[];
  /** What the watch goes on from; undefined: only a watch from the present moment on is possible. */
  readonly version: string | undefined;
}

/** Something to list and to watch. */
export interface Source {
  /** Everything that there is now, by pages; each has the same version. */
  list(api: Api): AsyncIterable<Page>;
  /** The request that watches it. */
  watch(query: Readonly<Record<string, string>>): ApiCall;
  /** After every watch it is listed anew. */
  readonly listsAgain: boolean;
  /** Where the watch is forbidden it is listed every so many ms instead; undefined: that is a failure. */
  readonly pollMs?: number;
}

/** Objects a page of a list: few enough that one page is never a burden. */
const pageSize = '500';

/** What a collection is asked for by. */
export interface Collection {
  readonly path: string;
  /** Selectors. */
  readonly query: Readonly<Record<string, string>>;
  readonly representation: 'full' | 'metadata';
}

/** The objects at a path that a selector matches. */
export function collection({ path, query: selectors, representation }: Collection): Source {
  const call = (query: Readonly<Record<string, string>>): ApiCall => ({
    method: 'GET',
    path,
    query: { ...selectors, ...query },
    representation,
  });
  return {
    list: async function* (api) {
      for (let token = ''; ;) {
        const page = call({ limit: pageSize, ...(token === '' ? {} : { continue: token }) });
        const { body } = await api.call(
          representation === 'metadata' ? { ...page, representation: 'metadata-list' } : page,
        );
        const { metadata, items } = readList(body);
        yield { items, version: metadata.resourceVersion };
        token = metadata.continue ?? '';
        if (token === '') return;
      }
    },
    watch: (query) => call({ watch: 'true', ...query }),
    listsAgain: false,
  };
}

/** How often a namespace is looked at where even the watch by its name is forbidden. In ms. */
const pollMs = 30_000;

/**
 * One Namespace by its name. RBAC gives a Role GET and the old path of a watch on one object, but no list. The version of the
 * object is of no use to a watch: it may be years old and forgotten. So the watch begins with what there is, and what
 * was deleted in the moment before it is found by looking again after each watch.
 */
export const oneNamespace = (name: string): Source => ({
  list: async function* (api) {
    yield { items: await readNamespace(api, name), version: undefined };
  },
  watch: (query) => ({
    method: 'GET',
    path: `/api/v1/watch/namespaces/${name}`,
    query,
    representation: 'metadata',
  }),
  listsAgain: true,
  pollMs,
});

/** The Namespace, if there is one. @throws ApiError */
export async function readNamespace(api: Api, name: string): Promise<readonly KubernetesObject[]> {
  const path = `/api/v1/namespaces/${name}`;
  try {
    const { body } = await api.call({ method: 'GET', path, representation: 'metadata' });
    const object = body as KubernetesObject | null;
    // Taken for the namespace, anything else would end it.
    if (object?.metadata?.name !== name)
      throw new ApiError(`GET ${path}`, { status: 0, reason: 'NO_OBJECT' });
    return [object];
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}
