// One pass over all namespaces, for `once`: when is it over, and what came of each namespace? It listens to the worker;
// it decides nothing about the work itself. A namespace is concluded when nothing more will happen by itself soon.
import type { Problem, ProblemReason } from '../domain/errors.ts';
import type { Outcome } from './outcome.ts';
import type { Bug } from './worker.ts';

/** What came of one namespace. */
export interface PassResult {
  readonly namespace: string;
  /** In the imperative: what was done, or would be in a dry run. */
  readonly done: readonly string[];
  readonly problems: readonly Problem[];
  /** Why it could not be served, where that is not one of the problems. */
  readonly failure?: string;
}

/** So long the API server may fail before a namespace counts as failed, in ms: as long as its lists may take. */
const patience = 30_000;

/** Problems that leave the namespace served, or that concern one which is not to be served. */
const harmless: ReadonlySet<ProblemReason> = new Set(['AnnotationUnknown', 'NamespaceExcluded']);

/** True when a person must do something before this namespace has what it should. */
export const hasFailed = ({ problems, failure }: PassResult): boolean =>
  failure !== undefined || problems.some(({ reason }) => !harmless.has(reason));

/** The pass. */
export class Pass {
  readonly #results = new Map<string, PassResult>();
  readonly #monotonic: () => number;
  /** When the failures of a namespace began. */
  readonly #failingSince = new Map<string, number>();
  readonly #concluded = new Set<string>();
  /** The expected ones that are not concluded yet; undefined before `begin`. */
  #missing: Set<string> | undefined;
  readonly #over = Promise.withResolvers<void>();
  #expected: ReadonlySet<string> | undefined;

  /** @param monotonic ms since some moment */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Says which namespaces there are, once that is known completely. */
  begin(namespaces: Iterable<string>): void {
    this.#expected = new Set(namespaces);
    this.#missing = new Set([...this.#expected].filter((name) => !this.#concluded.has(name)));
    this.#check();
  }

  /** Takes note of a step. */
  note(namespace: string, outcome: Outcome | Bug): void {
    const { done: before = [] } = this.#results.get(namespace) ?? {};
    const result: PassResult = { namespace, done: before, problems: [] };
    if (outcome.kind === 'bug') {
      this.#results.set(namespace, { ...result, failure: 'an unexpected error, see the log' });
      this.#conclude(namespace);
      return;
    }
    // Each once: in a dry run, what was done is not there at the next step.
    const done = [...new Set([...before, ...outcome.done.map(({ description }) => description)])];
    const { problems } = outcome;
    if (outcome.kind === 'settled' && done.length === 0 && problems.length === 0) {
      this.#results.delete(namespace);
      this.#conclude(namespace);
      return;
    }
    this.#results.set(namespace, { namespace, done, problems });
    if (outcome.kind === 'awaiting') return;
    if (outcome.kind !== 'retry') {
      this.#conclude(namespace);
      return;
    }
    const since = this.#failingSince.get(namespace) ?? this.#monotonic();
    this.#failingSince.set(namespace, since);
    if (this.#monotonic() - since < patience) return;
    this.#results.set(namespace, { namespace, done, problems, failure: outcome.failure.message });
    this.#conclude(namespace);
  }

  /** Resolves when every namespace is concluded. */
  whenOver(): Promise<void> {
    return this.#over.promise;
  }

  /** What came of the namespaces so far, by name; those of which there is nothing to tell are left out. */
  results(): readonly PassResult[] {
    return [...this.#results.values()]
      .filter((result) => this.#expected?.has(result.namespace) ?? true)
      .toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1));
  }

  #conclude(namespace: string): void {
    this.#concluded.add(namespace);
    this.#missing?.delete(namespace);
    this.#check();
  }

  #check(): void {
    if (this.#missing?.size === 0) this.#over.resolve();
  }
}
