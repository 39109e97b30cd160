// Builds one binary from Go modules, with the modules in build/ as recipe. Used by assets only, which holds the lock and
// gives the finished file its name; when this process dies, the compilers end as well and leave nothing behind.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { lastLines, ProcessGroup } from './processes.ts';
import type { Recipe } from './recipes.ts';

/** What is built, and whereto. */
export interface GoBuild {
  readonly recipe: Recipe;
  readonly output: string;
  /** In the words of Go. */
  readonly os: string;
  readonly arch: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Whether there is a Go to build with. */
export async function hasGo(env: NodeJS.ProcessEnv): Promise<boolean> {
  return await promisify(execFile)('go', ['version'], { env }).then(
    () => true,
    () => false,
  );
}

/** Builds. @throws with Go's last words */
export async function goBuild({ recipe, output, os, arch, env }: GoBuild): Promise<void> {
  const group = await ProcessGroup.open();
  const variables = Object.entries(recipe.versions).map(([name, value]) => `-X ${name}=${value}`);
  const flags = [
    '-mod=readonly',
    '-trimpath',
    '-buildvcs=false',
    '-ldflags',
    ['-s -w', ...variables].join(' '),
  ];
  try {
    const { ok, how, logFile } = await group.run({
      name: 'go-build',
      file: 'go',
      args: ['build', ...flags, '-o', output, recipe.package],
      cwd: fileURLToPath(new URL(recipe.module, import.meta.url)),
      // The developer's workspace and cross-compiling settings are about other code; without cgo no C compiler is needed.
      env: {
        ...env,
        CGO_ENABLED: '0',
        GOWORK: 'off',
        GOOS: os,
        GOARCH: arch,
        GOTMPDIR: group.directory,
      },
    });
    if (!ok) throw new Error(`go build ended with ${how}:\n${lastLines(logFile)}`);
  } finally {
    await group.stop();
  }
}
