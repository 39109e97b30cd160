// Finds the binaries of a real control plane, by the first way that works: KUBEBUILDER_ASSETS, the project's cache, the
// official download, a build from Go modules. Used by control-plane, the demo and the chart's tests. It writes to the
// cache only, never a half file, and holds its lock while it does.
import { constants } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { withAssetLock } from './asset-lock.ts';
import { downloadEnvtest } from './envtest-download.ts';
import { goBuild, hasGo } from './go-build.ts';
import { type AssetName, envtest, type Recipe, recipes } from './recipes.ts';

export type { AssetName } from './recipes.ts';

/** Told what takes long. */
export type Progress = (line: string) => void;

/** A binary that cannot be had on this machine; the message names the cures. */
export class AssetMissing extends Error {
  override readonly name = 'AssetMissing';
}

/** What the search depends on. */
export interface AssetProps {
  readonly env: NodeJS.ProcessEnv;
  /** Fetches the official archive for a platform into a directory. @returns the folder of its binaries */
  readonly download: (platform: string, directory: string) => Promise<string>;
}

const osNames: Readonly<Partial<Record<NodeJS.Platform, string>>> = { linux: 'linux', darwin: 'darwin' };
const archNames: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** The places where binaries are, or are put. */
export class AssetStore {
  readonly #env: NodeJS.ProcessEnv;
  readonly #download: AssetProps['download'];
  readonly #os = osNames[process.platform] ?? process.platform;
  readonly #arch = archNames[process.arch] ?? process.arch;
  readonly #cache: string;
  readonly #found = new Map<AssetName, Promise<string>>();
  /** Asked once only, since a machine without internet may take seconds to say no. */
  #downloadFailure: string | undefined;

  constructor({ env, download }: AssetProps) {
    this.#env = env;
    this.#download = download;
    const caches = env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache');
    this.#cache = join(env['ECR_PULL_SECRETS_CACHE'] || join(caches, 'ecr-pull-secrets'), 'assets');
  }

  /** The absolute path of a binary. @throws AssetMissing */
  find(name: AssetName, progress: Progress = () => undefined): Promise<string> {
    const known = this.#found.get(name);
    if (known !== undefined) return known;
    const found = this.#find(name, progress);
    this.#found.set(name, found);
    found.catch(() => this.#found.delete(name));
    return found;
  }

  async #find(name: AssetName, progress: Progress): Promise<string> {
    const present = await this.#present(name);
    if (present !== undefined) return present;
    await mkdir(this.#cache, { recursive: true });
    return await withAssetLock(
      this.#cache,
      // Whoever held the lock before may have brought it.
      async () => (await this.#present(name)) ?? (await this.#fill(name, progress)),
      (holder) => progress(`• waiting for process ${holder}, which fills ${this.#cache}`),
    );
  }

  async #present(name: AssetName): Promise<string | undefined> {
    const given = this.#env['KUBEBUILDER_ASSETS'];
    const directories = [given, this.#directory(recipes[name].version), this.#directory(envtest.version)];
    for (const directory of directories) {
      if (directory === undefined || directory === '') continue;
      const file = resolve(directory, name);
      const usable = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (usable) return file;
    }
    return undefined;
  }

  /** Brings a binary into the cache; the lock is held. */
  async #fill(name: AssetName, progress: Progress): Promise<string> {
    for (const entry of await readdir(this.#cache)) {
      if (entry.startsWith('.partial-')) await rm(join(this.#cache, entry), { recursive: true, force: true });
    }
    const partial = await mkdtemp(join(this.#cache, '.partial-'));
    try {
      return (
        (await this.#downloaded(name, partial, progress)) ?? (await this.#built(name, partial, progress))
      );
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  }

  async #downloaded(name: AssetName, partial: string, progress: Progress): Promise<string | undefined> {
    if (!envtest.contents.includes(name) || this.#downloadFailure !== undefined) return undefined;
    const timer = startTimer();
    try {
      progress(`• downloading ${envtest.contents.join(', ')} (version ${envtest.version}, once) …`);
      const unpacked = await this.#download(`${this.#os}-${this.#arch}`, partial);
      const directory = this.#directory(envtest.version);
      for (const each of envtest.contents) await settle(join(unpacked, each), directory, each);
      progress(`• downloaded ${timer()}`);
      return join(directory, name);
    } catch (error) {
      this.#downloadFailure = reason(error);
      progress(`• no download: ${this.#downloadFailure}`);
      return undefined;
    }
  }

  async #built(name: AssetName, partial: string, progress: Progress): Promise<string> {
    const recipe = recipes[name];
    if (!(await hasGo(this.#env))) throw this.#missing(name, 'Go is not installed, or not in PATH');
    progress(`• building ${name} (${recipe.takes}, once) …`);
    const timer = startTimer();
    const output = join(partial, name);
    await goBuild({ recipe, output, os: this.#os, arch: this.#arch, env: this.#env }).catch((error) => {
      throw this.#missing(name, reason(error));
    });
    const file = await settle(output, this.#directory(recipe.version), name);
    progress(`• built ${name} ${timer()}`);
    return file;
  }

  #missing(name: AssetName, build: string): AssetMissing {
    const given = this.#env['KUBEBUILDER_ASSETS'];
    const tried = [
      given ? `KUBEBUILDER_ASSETS: ${given} has none` : 'KUBEBUILDER_ASSETS: not set',
      `cache: none in ${this.#cache}`,
      ...(this.#downloadFailure === undefined ? [] : [`download: ${this.#downloadFailure}`]),
      `build: ${build}`,
    ];
    const cure =
      `Install Go 1.26 or newer (it builds ${name} once, ${recipes[name].takes}), or let KUBEBUILDER_ASSETS name a ` +
      `directory that has ${Object.keys(recipes).join(', ')}.`;
    return new AssetMissing(`${name} is needed, but could not be had:\n  ${tried.join('\n  ')}\n${cure}`);
  }

  #directory(version: Recipe['version']): string {
    return join(this.#cache, `${version}-${this.#os}-${this.#arch}`);
  }
}

const store = new AssetStore({
  env: process.env,
  download: (platform, directory) => downloadEnvtest(platform, directory),
});

/** Absolute path of a binary, got by the first way that works. @throws AssetMissing */
export function asset(name: AssetName, options: { readonly progress?: Progress } = {}): Promise<string> {
  return store.find(name, options.progress);
}

/** Gives a finished file its place in one step, so that nobody ever sees half of it. */
async function settle(file: string, directory: string, name: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  await chmod(file, 0o755);
  const target = join(directory, name);
  await rename(file, target);
  return target;
}

function startTimer(): () => string {
  const startedAt = Date.now();
  return () => `in ${Math.round((Date.now() - startedAt) / 1000)} s`;
}

/** Why something failed; `fetch failed` alone says nothing. */
function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
