// The reference pages below docs/ say what the tables in src/ say. When this fails: `npm run generate`.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { referencePages } from '../../scripts/reference.ts';

const pages = await referencePages();

test.each(Object.entries(pages))('docs/%s is up to date', (name, content) => {
  const written = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  expect(written, 'run: npm run generate').toBe(content);
});

test('every setting, metric, annotation and command has its row', () => {
  const all = Object.values(pages).join('\n');
  for (const word of [
    'refresh.atFraction',
    'ecr_pull_secrets_queue_depth',
    'ecr-pull-secrets/attach-to',
    '--dry-run',
  ]) {
    expect(all).toContain(word);
  }
});
