// Makes a bare clone able to run: called by every npm script, by whatever Node npm was started with.
// It installs the locked dependencies when they are missing or older than the lock file, then runs the given
// TypeScript file with a Node that can (the one from node_modules on Linux, else the current one).
// It must work on Node 20 and import nothing but Node's own modules.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.installed-lock');
const lockHash = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');

function installed() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash;
}

function install() {
  const startedAt = Date.now();
  process.stderr.write('• installing the locked npm dependencies (about 20 s, once)\n');
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    process.stderr.write('npm ci failed. Is a npm registry reachable? Try: npm ci\n');
    process.exit(1);
  }
  writeFileSync(stamp, lockHash);
  process.stderr.write(`• installed in ${Math.round((Date.now() - startedAt) / 1000)} s\n`);
}

/** The Node that runs TypeScript and undici 8: 22.19 or newer. */
function capableNode() {
  const local = join(modules, '.bin', 'node');
  if (existsSync(local) && spawnSync(local, ['--version']).status === 0) return local;
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 19)) return process.execPath;
  process.stderr.write(
    `Node ${process.versions.node} is too old here: install Node 22.19 or newer (24 is best).\n`,
  );
  process.exit(1);
}

if (!installed()) install();
const node = capableNode();
const child = spawn(node, process.argv.slice(2), {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${join(modules, '.bin')}:${process.env.PATH}` },
});
// The terminal sends Ctrl-C to the whole group; a supervisor signals only this process. Pass both on, once.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
process.on('SIGINT', () => undefined);
child.on('exit', (code, signal) =>
  process.exit(code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 15)),
);
