// The chart's files with generated parts. Used by `npm run generate`, which writes them, and by a test, which fails when they
// are stale. What is written by hand in them stays as it is.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { withValuesTable } from './chart-readme.ts';
import { withConfigSchema, withConfigValues } from './chart-values.ts';

const chart = 'charts/ecr-pull-secrets';

/** Path in the repository → its content, in the repository's one format. */
export async function chartFiles(): Promise<Readonly<Record<string, string>>> {
  const values = await formatted('values.yaml', withConfigValues);
  return {
    [`${chart}/values.yaml`]: values,
    [`${chart}/values.schema.json`]: await formatted('values.schema.json', withConfigSchema),
    [`${chart}/README.md`]: await formatted('README.md', (text) => withValuesTable(text, values)),
  };
}

async function formatted(file: string, change: (text: string) => string): Promise<string> {
  const path = join(import.meta.dirname, '..', chart, file);
  const text = change(readFileSync(path, 'utf8'));
  return await format(text, { ...(await resolveConfig(path)), filepath: path });
}
