// The programs that `npm run image` needs from this machine, and how they are run. Used by everything in scripts/image. What a
// program writes is shown only when it fails.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';

/** Debian's packages, and what for. */
const packages = {
  buildah: 'builds from a Dockerfile without a daemon',
  runc: 'runs the image as a node of a cluster does',
} as const;

const running = new Set<ChildProcess>();

/** Brings what is missing where that is allowed. @throws Error that says the cure */
export async function provideTools(): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error('this needs Linux and root: container file systems are made here. Try it in a Debian VM');
  }
  const missing = Object.entries(packages).filter(([name]) => find(name) === undefined);
  if (missing.length === 0) return;
  const names = missing.map(([name]) => name);
  if (find('apt-get') === undefined) throw new Error(`install ${names.join(' and ')}, then try again`);
  for (const [name, why] of missing) console.log(`• installing Debian's ${name}: ${why}`);
  await run('apt-get', ['update', '--quiet']);
  await run('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...names], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
}

/** The whole path of a program. @returns undefined when there is none */
export function find(name: string): string | undefined {
  // Without the folder that npm puts first: its node is another than the machine's npm may want.
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
  return folders.map((folder) => `${folder}/${name}`).find((file) => existsSync(file));
}

/** Runs a program to its end. @returns what it wrote to stdout @throws Error with the end of what it wrote */
export function run(
  file: string,
  args: readonly string[],
  { env }: { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    running.add(child);
    let stdout = '';
    let all = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      all += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      all += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => {
      running.delete(child);
      if (code === 0) resolve(stdout);
      else reject(new Error(`${file} ${args[0] ?? ''} ended with ${code}: ${all.slice(-3_000).trim()}`));
    });
  });
}

/** Runs it while this process ends, when nothing can be awaited any more. */
export function runAtTheEnd(file: string, args: readonly string[]): void {
  spawnSync(file, args, { stdio: 'ignore' });
}

/** Removes a folder while this process ends, with what is still running or mounted in it. */
export function removeAtTheEnd(folder: string): void {
  for (const child of running) child.kill('SIGKILL');
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`));
  // The last one may lie on an earlier one.
  for (const path of mounts.toReversed()) runAtTheEnd('umount', ['--lazy', path]);
  rmSync(folder, { recursive: true, force: true });
}
