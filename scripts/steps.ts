// Runs the tools of `npm run check` and `npm test`, one after another: there are two cores and most tools use both. Shows
// what runs and how long it took; a failed tool's output is shown whole.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One tool: what it is for, and its command line after `node`. */
export interface Step {
  readonly name: string;
  readonly args: readonly string[];
}

/** What came of tools and tests. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

const module = (path: string): string => join('node_modules', path);

/** Everything that needs no test runner. */
export const checks: readonly Step[] = [
  { name: 'types', args: [module('typescript/bin/tsc'), '--noEmit'] },
  { name: 'lint', args: [module('oxlint/bin/oxlint'), '--type-aware', '--deny-warnings'] },
  { name: 'format', args: [module('prettier/bin/prettier.cjs'), '--check', '--log-level=warn', '.'] },
  { name: 'unused code', args: [module('knip/bin/knip.js'), '--no-progress'] },
];

/** Runs a tool quietly. @returns one passed or one failed */
export async function runCheck({ name, args }: Step): Promise<Counts> {
  const startedAt = performance.now();
  const { code, output } = await run(args, 'quiet');
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${code === 0 ? '✓' : '✗'} ${name} (${seconds} s)`);
  if (code !== 0) console.log(output);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** Runs the tests of one project of vitest.config.ts. @returns how many passed and failed; a run that broke off counts as one failed */
export async function runTests(project: string): Promise<Counts> {
  const directory = mkdtempSync(join(tmpdir(), 'ecr-pull-secrets-test-'));
  const report = join(directory, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  try {
    const { code } = await run(
      [module('vitest/vitest.mjs'), 'run', '--project', project, ...reporters],
      'shown',
    );
    const { passed, failed } = readReport(report);
    return { passed, failed: code !== 0 && failed === 0 ? 1 : failed };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The sum. */
export function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed };
}

function readReport(file: string): Counts {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as {
      numPassedTests: number;
      numFailedTests: number;
    };
    return { passed: report.numPassedTests, failed: report.numFailedTests };
  } catch {
    return { passed: 0, failed: 0 };
  }
}

function run(args: readonly string[], output: 'quiet' | 'shown'): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', output === 'shown' ? 'inherit' : 'pipe', output === 'shown' ? 'inherit' : 'pipe'],
    });
    let text = '';
    const collect = (chunk: Buffer) => {
      text += chunk.toString();
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.on('close', (code) => resolve({ code: code ?? 1, output: text }));
  });
}
