// Reads one object anew after a write found it changed, so that the next step sees what is there. Used by the writers. Best
// effort: the watch brings the same a little later.
import { ApiError } from './errors.ts';
import type { Store, Versioned } from './store.ts';

/** Puts what `read` gives into the store, or forgets the object when it is gone. Never fails. */
export async function reread<View extends Versioned>(
  store: Store<View> | undefined,
  key: string,
  read: () => Promise<View>,
): Promise<void> {
  const seen = store?.get(key);
  try {
    store?.put(key, await read(), 'own');
  } catch (error) {
    if (error instanceof ApiError && error.status === 404 && seen !== undefined) {
      store?.delete(key, seen.resourceVersion, 'own');
    }
  }
}
