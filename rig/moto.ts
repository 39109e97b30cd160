// moto, a fake AWS that other people wrote, as a second opinion on the wire formats: the server of PyPI's `moto`, in a Python
// environment of its own in the project's cache, installed when it is missing. Used by tests. Where there is no Python, or
// no PyPI, there is no moto: that is said and is no failure. It answers on loopback only and leaves no process behind.
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withAssetLock } from './control-plane/asset-lock.ts';
import type { Progress } from './control-plane/assets.ts';
import { type Command, lastLines, ProcessGroup } from './control-plane/processes.ts';
import { listenOnLoopback } from './fake-aws/loopback.ts';

/** A running moto. */
export interface Moto {
  /** `http://127.0.0.1:<port>`, for AWS_ENDPOINT_URL. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** What moto depends on, and where it is told. */
export interface MotoOptions {
  /** Told what takes long, and why there is no moto. Default: standard error. */
  readonly progress?: Progress;
  /** Where python3 and the cache are found. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

const motoVersion = '5.2.5';

/** As pip resolved them for Python 3.11. Of `moto[server]`, what STS and ECR need: the rest is twice as much again. */
const pins: readonly string[] = [
  `moto==${motoVersion}`,
  'blinker==1.9.0',
  'boto3==1.44.8',
  'botocore==1.44.8',
  'certifi==2026.10.19.post1',
  'cffi==2.1.1',
  'charset-normalizer==3.5.3',
  'click==8.5.1',
  'cryptography==50.0.2',
  'Flask==3.1.3',
  'flask-cors==6.0.5',
  'idna==3.20',
  'itsdangerous==2.2.0',
  'Jinja2==3.1.6',
  'jmespath==1.1.0',
  'MarkupSafe==3.0.4',
  'pycparser==3.12',
  'python-dateutil==2.9.0.post0',
  'PyYAML==6.0.4',
  'requests==2.34.2',
  'responses==0.26.3',
  's3transfer==0.19.3',
  'six==1.17.0',
  'urllib3==2.8.0',
  'Werkzeug==3.1.9',
  'xmltodict==1.0.4',
];

/** Starts moto on a free port. @returns undefined, the reason having been told, when it cannot be had here */
export async function startMoto({ progress = toStandardError, env = process.env }: MotoOptions = {}): Promise<
  Moto | undefined
> {
  const python = await findPython(env, progress);
  if (python !== undefined) return await startServer(python);
  progress('• no moto: what needs it is left out');
  return undefined;
}

const toStandardError: Progress = (line) => void process.stderr.write(`${line}\n`);

/** The Python of an environment that has moto; undefined when there can be none. */
async function findPython(env: NodeJS.ProcessEnv, progress: Progress): Promise<string | undefined> {
  const group = await ProcessGroup.open();
  try {
    return await present({ group, env, progress });
  } finally {
    await group.stop();
  }
}

interface Tools {
  /** Runs Python and pip. */
  readonly group: ProcessGroup;
  readonly env: NodeJS.ProcessEnv;
  readonly progress: Progress;
}

async function present({ group, env, progress }: Tools): Promise<string | undefined> {
  const script = 'import platform; print(platform.python_version())';
  const asked = await group.run({ name: 'python-version', file: 'python3', args: ['-c', script], env });
  if (!asked.ok) {
    progress(`• python3 is needed, and cannot be run (${asked.how})`);
    return undefined;
  }
  const cache = cacheOf(env);
  const directory = join(cache, `moto-${motoVersion}-python-${lastLines(asked.logFile, 1)}`);
  const python = join(directory, 'bin', 'python');
  if (await isThere(python)) return python;
  await mkdir(cache, { recursive: true });
  const reason = await withAssetLock(
    cache,
    // Whoever held the lock before may have brought it.
    async () => ((await isThere(python)) ? undefined : await install({ group, env, progress, directory })),
    (holder) => progress(`• waiting for process ${holder}, which fills ${cache}`),
  );
  if (reason === undefined) return python;
  progress(`• moto could not be installed: ${reason}`);
  return undefined;
}

/** The place of the control plane's binaries too: see control-plane/assets. */
function cacheOf(env: NodeJS.ProcessEnv): string {
  const caches = env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache');
  return join(env['ECR_PULL_SECRETS_CACHE'] || join(caches, 'ecr-pull-secrets'), 'assets');
}

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

interface Installing extends Tools {
  readonly directory: string;
}

/** Makes the environment; the lock is held. @returns why it could not; undefined when it is there */
async function install({ group, env, progress, directory }: Installing): Promise<string | undefined> {
  const cache = join(directory, '..');
  for (const entry of await readdir(cache)) {
    if (entry.startsWith('.partial-')) await rm(join(cache, entry), { recursive: true, force: true });
  }
  const partial = await mkdtemp(join(cache, '.partial-'));
  const startedAt = Date.now();
  progress(`• installing moto ${motoVersion} (some 10 seconds, 140 MB, once) …`);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input'];
  // No resolving and no building: these packages and no others, as they were published.
  const limits = ['--no-deps', '--only-binary=:all:', '--retries=1', '--timeout=15'];
  const steps: readonly Command[] = [
    { name: 'venv', file: 'python3', args: ['-m', 'venv', partial], env },
    { name: 'pip', file: join(partial, 'bin', 'python'), args: [...pip, ...limits, ...pins], env },
  ];
  try {
    for (const step of steps) {
      const { ok, how, logFile } = await group.run(step);
      if (!ok) return `${step.name} ended with ${how}: ${lastLines(logFile, 2).replaceAll('\n', ' ')}`;
    }
    // Python finds its environment by where it lies, so that it may be moved; the scripts in it may not.
    await rename(partial, directory);
    progress(`• installed moto in ${Math.round((Date.now() - startedAt) / 1_000)} s`);
    return undefined;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function startServer(python: string): Promise<Moto> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)];
  const group = await ProcessGroup.open();
  try {
    const { pid } = group.start({ name: 'moto', file: python, args });
    await group.waitUntil('moto answers', () => answers(`${url}/moto-api/`));
    return { url, pid, stop: () => group.stop() };
  } catch (error) {
    await group.stop();
    throw error;
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );

/** Somebody else may get it before moto does; then moto says so and ends. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOnLoopback(server);
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}
