// Which namespaces there are, for commands that name them: also those that we may not look at. Used by run and once, when
// everything that may be looked at is known.
import type { Stores } from '../controller/ports.ts';

/** The names of all that are there, as far as we are told. */
export const knownNamespaces = ({ namespaces }: Stores): ReadonlySet<string> =>
  new Set([...namespaces.keys(), ...namespaces.refused]);

/** Those of `namespaces.only` that are not there: misspelt, or gone. */
export function absentNamespaces(stores: Stores, only: readonly string[]): readonly string[] {
  const known = knownNamespaces(stores);
  return only.filter((name) => !known.has(name));
}
