// What is written about the policies in deploy/iam: their placeholders, their README, and the guide that leads to them. The
// policies themselves are in iam-files.test.ts.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'deploy/iam');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const files = globSync('**/*.json', { cwd: folder }).toSorted();
const textOf = (file: string): string => readFileSync(join(folder, file), 'utf8');

/** What a person replaces, by where it stands in a policy. */
const placeholders = {
  accounts: ['111122223333', '444455556666'],
  regions: ['eu-west-1'],
  issuers: ['issuer.example.com/cluster'],
  buckets: ['example-issuer-bucket'],
  roles: ['ecr-pull-secrets', 'ecr-pull', 'ecr-pull-by-tag', 'ecr-pull/'],
  words: ['EXTERNAL-ID', 'TRUST-ANCHOR-ID'],
} as const;

describe('the placeholders', () => {
  const found = (file: string, pattern: RegExp): readonly string[] => textOf(file).match(pattern) ?? [];

  /** Where a placeholder stands. */
  const places: Readonly<Record<keyof typeof placeholders, RegExp>> = {
    accounts: /\d{6,}/g,
    regions: /\b[a-z]{2}-[a-z]+-\d\b/g,
    issuers: /[\w.-]+\.(?:example|test|com|org|net|io)\b\/[\w/-]+/g,
    buckets: /(?<=arn:aws:s3:::)[^/"]+/g,
    roles: /(?<=:role\/)[a-z-]+\/?/g,
    words: /\b[A-Z]{2,}(?:-[A-Z]+)+\b/g,
  };

  it.each(files)('of %s are the agreed ones', (file) => {
    const strange = (Object.keys(places) as (keyof typeof places)[]).flatMap((place) => {
      const agreed: readonly string[] = placeholders[place];
      return found(file, places[place]).filter((word) => !agreed.includes(word));
    });
    expect(strange).toEqual([]);
    expect(found(file, /[<>]/g)).toEqual([]);
  });

  it('are all used, and all explained in the README', () => {
    const everything = files.map(textOf).join('\n');
    const [, table = ''] = read('deploy/iam/README.md').split(/^## .*$/m);
    for (const placeholder of Object.values(placeholders).flat()) {
      expect(everything).toContain(placeholder);
      expect(table).toContain(`\`${placeholder}\``);
    }
  });
});

/** Where the Markdown links within the repository lead to. */
const linksOf = (page: string): readonly string[] =>
  [...read(page).matchAll(/\]\(([^)\s]+)[^)]*\)/g)].flatMap(([, target = '']) =>
    /^https?:/.test(target) ? [] : [target],
  );

describe('the README', () => {
  it('mentions each file once, and no other', () => {
    const mentioned = linksOf('deploy/iam/README.md').filter((target) => target.endsWith('.json'));
    expect(mentioned.toSorted()).toEqual(files);
  });
});

describe('the guide', () => {
  /** The anchor that GitHub gives a heading. */
  const anchor = (heading: string): string =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');

  const pages = ['docs/identities.md', 'deploy/iam/README.md'];

  it.each(pages)('%s has no link that leads nowhere', (page) => {
    const headings = read(page).match(/^#+ .*$/gm) ?? [];
    const anchors = new Set(headings.map((heading) => `#${anchor(heading.replace(/^#+ /, ''))}`));
    const dead = linksOf(page).filter((target) =>
      target.startsWith('#')
        ? !anchors.has(target)
        : !existsSync(join(root, dirname(page), target.split('#')[0] ?? '')),
    );
    expect(dead).toEqual([]);
  });

  it('leads to each way by its table, before anything else', () => {
    const [, chooser = ''] = read('docs/identities.md').split(/^## /m);
    expect(chooser).toMatch(/^Choose\n/);
    expect(chooser.match(/\]\(#[a-z0-9-]+\)/g)?.length).toBeGreaterThan(10);
  });

  it('names no policy that does not exist', () => {
    const named = read('docs/identities.md').match(/deploy\/iam\/[\w/-]+\.json/g) ?? [];
    expect(named).not.toEqual([]);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});
