// The account of a pass, as `once` prints it: a table for people or JSON for programs. It shows what it is given and
// leaves out namespaces of which there is nothing to tell.
import { type PassResult, hasFailed } from '../controller/pass.ts';

interface RenderFlags {
  readonly dryRun: boolean;
  readonly output: 'text' | 'json';
}

/** Renders the results, with a line break at the end. */
export function renderPass(results: readonly PassResult[], flags: RenderFlags): string {
  return flags.output === 'json' ? renderJson(results, flags) : renderText(results, flags);
}

/** What became of a namespace, in one word. */
const resultOf = (result: PassResult): 'failed' | 'changed' | 'unchanged' => {
  if (hasFailed(result)) return 'failed';
  return result.done.length > 0 ? 'changed' : 'unchanged';
};

const shown = (result: PassResult, dryRun: boolean): string => {
  const word = resultOf(result);
  return dryRun && word === 'changed' ? 'would change' : word;
};

function renderJson(results: readonly PassResult[], { dryRun }: RenderFlags): string {
  const namespaces = results.map((result) => ({
    namespace: result.namespace,
    result: shown(result, dryRun),
    actions: result.done,
    problems: result.problems.map(({ reason, subject, note }) => ({ reason, subject, note })),
    ...(result.failure === undefined ? {} : { failure: result.failure }),
  }));
  return `${JSON.stringify({ dryRun, ...countsOf(results), namespaces }, undefined, 2)}\n`;
}

function countsOf(results: readonly PassResult[]): Readonly<Record<string, number>> {
  const count = (word: string) => results.filter((result) => resultOf(result) === word).length;
  return { changed: count('changed'), unchanged: count('unchanged'), failed: count('failed') };
}

function renderText(results: readonly PassResult[], { dryRun }: RenderFlags): string {
  const rows = results.flatMap((result) => linesOf(result, dryRun));
  const column = dryRun ? 12 : 9;
  const width = Math.max(9, ...rows.map(({ namespace }) => namespace.length));
  const lines = rows.map(
    ({ namespace, result, detail }) => `${namespace.padEnd(width)}  ${result.padEnd(column)}  ${detail}`,
  );
  const heading = `${'NAMESPACE'.padEnd(width)}  ${'RESULT'.padEnd(column)}  DETAIL`;
  const { changed, unchanged, failed } = countsOf(results);
  const verb = dryRun ? 'would change' : 'changed';
  const summary = `${changed} ${verb}, ${unchanged} unchanged, ${failed} failed${dryRun ? ' (dry run: nothing was changed)' : ''}`;
  return [...(lines.length > 0 ? [heading, ...lines, ''] : []), summary, ''].join('\n');
}

interface Row {
  readonly namespace: string;
  readonly result: string;
  readonly detail: string;
}

/** One line for each thing to tell; the namespace and its result stand on the first. */
function linesOf(result: PassResult, dryRun: boolean): readonly Row[] {
  const details = [
    ...result.done,
    ...result.problems.map(({ reason, note }) => `${reason}: ${note}`),
    ...(result.failure === undefined ? [] : [result.failure]),
  ];
  return details.map((detail, index) =>
    index === 0
      ? { namespace: result.namespace, result: shown(result, dryRun), detail }
      : { namespace: '', result: '', detail },
  );
}
