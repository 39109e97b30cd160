// The generated parts of the chart say what the program's schema says. When the first test fails: `npm run generate`. What helm
// makes of the chart is seen by the cluster tests; this file needs neither helm nor cluster.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { chartFiles } from '../../scripts/chart-files.ts';
import { chartValues } from '../../scripts/chart-readme.ts';
import { jsonSchema } from '../../scripts/json-schema.ts';
import { settingTree, settingsOf } from '../../scripts/setting-tree.ts';
import { configSchema } from '../../src/config/schema.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const generated = await chartFiles();

describe('generated', () => {
  it.each(Object.entries(generated))('%s is up to date', (path, content) => {
    expect(read(path), 'run: npm run generate').toBe(content);
  });

  it('values.yaml describes every setting in the words of the schema', () => {
    const described = new Map(
      chartValues(read('charts/ecr-pull-secrets/values.yaml')).map(({ path, meaning }) => [path, meaning]),
    );
    for (const { path, meaning } of settingsOf(settingTree(configSchema))) {
      // Its first letter is made a capital.
      expect(described.get(`config.${path}`)).toContain(meaning.slice(1));
    }
  });
});

describe('a JSON Schema from a schema of valibot', () => {
  const rows = [
    ['a text', v.string(), { type: 'string' }],
    ['a text that must not be empty', v.pipe(v.string(), v.nonEmpty()), { type: 'string', minLength: 1 }],
    ['a flag', v.boolean(), { type: 'boolean' }],
    ['a number', v.number(), { type: 'number' }],
    ['a whole number', v.pipe(v.number(), v.integer()), { type: 'integer' }],
    ['a count', v.pipe(v.number(), v.integer(), v.minValue(1)), { type: 'integer', minimum: 1 }],
    ['a choice', v.picklist(['a', 'b']), { enum: ['a', 'b'] }],
    ['a text or null', v.nullable(v.string()), { type: ['string', 'null'] }],
    ['a list', v.array(v.string()), { type: 'array', items: { type: 'string' } }],
    ['a map', v.record(v.string(), v.string()), { type: 'object', additionalProperties: { type: 'string' } }],
    [
      'a mapping with its own words for a wrong type',
      v.pipe(
        v.custom(() => true),
        v.strictObject({ a: v.string(), b: v.optional(v.boolean(), false) }),
      ),
      {
        type: 'object',
        additionalProperties: false,
        required: ['a'],
        properties: { a: { type: 'string' }, b: { type: 'boolean' } },
      },
    ],
    ['what it means', v.pipe(v.string(), v.description('why')), { description: 'why', type: 'string' }],
  ] as const;

  it.each(rows)('%s', (_, schema, expected) => {
    expect(jsonSchema(schema as v.GenericSchema)).toEqual(expected);
  });

  it('is refused for what has no rule', () => {
    expect(() => jsonSchema(v.date())).toThrow('no JSON Schema for a date');
  });
});

describe('the pages about the chart', () => {
  const pages = ['charts/ecr-pull-secrets/README.md', 'deploy/README.md'];

  it.each(pages)('%s has no link that leads nowhere', (page) => {
    const targets = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    expect(targets.length).toBeGreaterThan(3);
    expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
  });

  it('deploy/README.md lists each example, and no other', () => {
    const listed = [...read('deploy/README.md').matchAll(/\]\(examples\/([\w-]+\.yaml)\)/g)].map(
      ([, file = '']) => file,
    );
    expect([...new Set(listed)].toSorted()).toEqual(
      globSync('*.yaml', { cwd: join(root, 'deploy/examples') }).toSorted(),
    );
  });
});

describe('the examples', () => {
  const files = globSync('deploy/examples/*.yaml', { cwd: root }).toSorted();

  it.each(files)('%s says what it is for, and names only values that there are', (file) => {
    expect(read(file)).toMatch(/^# .{40}/);
    const values = parse(read('charts/ecr-pull-secrets/values.yaml')) as object;
    expect(Object.keys(values)).toEqual(expect.arrayContaining(Object.keys(parse(read(file)) as object)));
  });

  it('the guide shows the same sidecar as the example', () => {
    const blocks = [...read('docs/identities.md').matchAll(/^ *```yaml\n([\s\S]*?)^ *```/gm)].map(
      ([, text = '']) => text,
    );
    const shown = blocks.find((text) => text.includes('extraInitContainers')) ?? '';
    const example = parse(read('deploy/examples/roles-anywhere.yaml')) as object;
    expect(example).toMatchObject(parse(shown) as object);
  });
});
