// The shape of src/ as design and CONTRIBUTING promise it: who may import whom, how long a file may be, where time, chance
// and the environment come in. Reads the sources as text; knows nothing of what they do.
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => {
    const path = join(root, 'src', name);
    return { name, text: readFileSync(path, 'utf8'), path };
  });

interface Rule {
  /** Folders and files of src/ that may be imported, `.` for the own folder. */
  readonly values: readonly string[];
  /** Of these, types only. */
  readonly types?: readonly string[];
  readonly packages: readonly string[];
}

const ports = 'controller/ports.ts';
const node = [
  'node:fs',
  'node:fs/promises',
  'node:path',
  'node:http',
  'node:os',
  'node:stream',
  'node:crypto',
];

/** The table of design, section 5. A file's own rule goes before its folder's. */
const rules: Readonly<Record<string, Rule>> = {
  domain: { values: ['.'], packages: ['node:crypto'] },
  controller: { values: ['.', 'domain'], packages: [] },
  'kubernetes/api.ts': { values: ['.', 'domain'], types: [ports], packages: ['undici', 'node:stream'] },
  'kubernetes/connection.ts': {
    values: ['.', 'domain'],
    types: [ports],
    packages: ['undici', 'node:fs/promises', 'node:path'],
  },
  'kubernetes/kubeconfig.ts': {
    values: ['.', 'domain'],
    types: [ports],
    packages: ['undici', '@kubernetes/client-node', 'yaml', 'node:fs/promises', 'node:path'],
  },
  kubernetes: { values: ['.', 'domain'], types: [ports], packages: ['node:stream'] },
  'aws/web-identity-file.ts': { values: ['.', 'domain'], packages: ['node:fs/promises'] },
  aws: { values: ['.', 'domain'], types: [ports], packages: ['@aws-sdk/*', 'node:http', 'node:https'] },
  telemetry: { values: ['.'], types: [ports], packages: ['pino', 'prom-client', 'node:http'] },
  cli: {
    values: ['.', 'domain', 'controller', 'kubernetes', 'aws', 'telemetry', 'app.ts', 'config'],
    packages: ['commander', ...node],
  },
  config: { values: ['.', 'domain'], packages: ['valibot', 'yaml'] },
  'app.ts': { values: ['domain', 'controller', 'kubernetes', 'aws', 'telemetry'], packages: [] },
  'main.ts': { values: ['cli', 'telemetry/redact.ts', '../package.json'], packages: ['node:os'] },
};

const ruleOf = (name: string): Rule | undefined => rules[name] ?? rules[dirname(name)];

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
  readonly lazy: boolean;
}

function importsOf(text: string): readonly Import[] {
  const fixed = [...text.matchAll(/^(?:import|export)\s([^;]*?)\sfrom\s'([^']+)'/gm)].map(
    ([, names = '', from = '']) => ({ from, typeOnly: isTypeOnly(names), lazy: false }),
  );
  const lazy = [...text.matchAll(/\bimport\('([^']+)'\)/g)].map(([, from = '']) => ({
    from,
    typeOnly: false,
    lazy: true,
  }));
  return [...fixed, ...lazy];
}

function isTypeOnly(names: string): boolean {
  if (names.startsWith('type ')) return true;
  const listed = /^\{([^}]*)\}$/.exec(names.trim())?.[1];
  return listed?.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type ')) === true;
}

function isAllowed(file: string, { from, typeOnly }: Import, rule: Rule): boolean {
  if (!from.startsWith('.')) return rule.packages.some((name) => matchesPackage(name, from));
  const target = relative(join(root, 'src'), resolve(root, 'src', dirname(file), from));
  const within = (place: string) =>
    place === target || place === dirname(target) || (place === '.' && dirname(target) === dirname(file));
  return rule.values.some(within) || (typeOnly && (rule.types ?? []).some(within));
}

const matchesPackage = (name: string, from: string): boolean =>
  name === from || (name.endsWith('/*') && from.startsWith(name.slice(0, -1)));

/** The files of which `wrong` says something, with what it says. */
const offenders = (wrong: (file: (typeof files)[number]) => string | undefined): readonly string[] =>
  files.flatMap((file) => {
    const what = wrong(file);
    return what === undefined ? [] : [`src/${file.name}: ${what}`];
  });

describe('the layout of src/', () => {
  test('there are files to look at', () => {
    expect(files.length).toBeGreaterThan(40);
  });

  test('every file imports only what its folder may', () => {
    const found = offenders(({ name, text }) => {
      const rule = ruleOf(name);
      if (rule === undefined) return 'no row for it in the table of imports';
      const forbidden = importsOf(text).filter((candidate) => !isAllowed(name, candidate, rule));
      return forbidden.length === 0
        ? undefined
        : `must not import ${forbidden.map(({ from }) => from).join(', ')}`;
    });
    expect(found).toEqual([]);
  });

  test('every file is at most 250 lines long', () => {
    expect(offenders(({ text }) => (text.split('\n').length > 251 ? 'is longer' : undefined))).toEqual([]);
  });

  test('every file begins by saying what it is, who calls it and what it must not do', () => {
    const opening = (text: string) => /^((?:\/\/ .*\n)+)/.exec(text)?.[1] ?? '';
    expect(offenders(({ text }) => (opening(text).length < 80 ? 'no opening comment' : undefined))).toEqual(
      [],
    );
  });

  test('every file has a name from the field, in kebab case', () => {
    const bad = (name: string) =>
      !/^[a-z]+(-[a-z]+)*$/.test(name) || /util|helper|common|misc|^types$/.test(name);
    expect(offenders(({ name }) => (bad(basename(name, '.ts')) ? 'is called wrongly' : undefined))).toEqual(
      [],
    );
  });
});

/** The sources without comments and strings. */
const codeOf = (text: string): string =>
  text
    .replace(/\/\/.*$/gm, '')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''");

/** What is used outside the one file that may. */
const usedOutside = (door: string, pattern: RegExp): readonly string[] =>
  offenders(({ name, text }) => (name === door ? undefined : pattern.exec(codeOf(text))?.[0]));

describe('what comes in by one door only', () => {
  test('time and chance come from the Clock, which app makes', () => {
    // Formatting a given moment is no clock: `new Date(ms)` with an argument may stay.
    const asked =
      /\bDate\.now\b|new Date\(\)|\bperformance\b|\bset(?:Timeout|Interval|Immediate)\b|AbortSignal\.timeout|Math\.random/;
    expect(usedOutside('app.ts', asked)).toEqual([]);
    expect(codeOf(files.find(({ name }) => name === 'app.ts')?.text ?? '')).toMatch(asked);
  });

  test('the environment, the arguments and the end of the process belong to main', () => {
    expect(usedOutside('main.ts', /process\.(env|exit|argv)|console\./)).toEqual([]);
  });

  test('the AWS SDK and client-node are loaded when first needed', () => {
    const eager = offenders(
      ({ text }) =>
        importsOf(text)
          .filter(({ lazy, typeOnly }) => !lazy && !typeOnly)
          .find(({ from }) => /^@aws-sdk|client-node$/.test(from))?.from,
    );
    expect(eager).toEqual([]);
  });
});
