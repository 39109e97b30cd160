// Finds the binaries of a real control plane, by the first way that works: KUBEBUILDER_ASSETS, the project's cache, the
// official download, a build from Go modules; those of the oldest Kubernetes in the cache or by a build only. Used by control-plane, the demo and the chart's tests. It writes to the
// cache only, never a half file, and holds its lock while it does.
import { constants } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { withAssetLock } from './asset-lock.ts';
import { downloadEnvtest } from './envtest-download.ts';
import { goBuild, hasGo } from './go-build.ts';
import { type AssetName, envtest, type Kubernetes, oldestRecipes, type Recipe, recipes } from './recipes.ts';

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

/** One binary, of one version. */
interface Wanted {
  readonly name: AssetName;
  readonly recipe: Recipe;
  /** For people. */
  readonly title: string;
  /** Whether one that others have made will do: theirs are of the newest Kubernetes, or nobody says of which. */
  readonly readyMade: boolean;
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
  readonly #found = new Map<string, Promise<string>>();
  /** Asked once only, since a machine without internet may take seconds to say no. */
  #downloadFailure: string | undefined;

  constructor({ env, download }: AssetProps) {
    this.#env = env;
    this.#download = download;
    const caches = env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache');
    this.#cache = join(env['ECR_PULL_SECRETS_CACHE'] || join(caches, 'ecr-pull-secrets'), 'assets');
  }

  /** The absolute path of a binary. @throws AssetMissing */
  find(
    name: AssetName,
    progress: Progress = () => undefined,
    kubernetes: Kubernetes = 'newest',
  ): Promise<string> {
    const wanted = wantedOf(name, kubernetes);
    const key = `${wanted.recipe.version}/${name}`;
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found = this.#find(wanted, progress);
    this.#found.set(key, found);
    found.catch(() => this.#found.delete(key));
    return found;
  }

  async #find(wanted: Wanted, progress: Progress): Promise<string> {
    const present = await this.#present(wanted);
    if (present !== undefined) return present;
    await mkdir(this.#cache, { recursive: true });
    return await withAssetLock(
      this.#cache,
      // Whoever held the lock before may have brought it.
      async () => (await this.#present(wanted)) ?? (await this.#fill(wanted, progress)),
      (holder) => progress(`• waiting for process ${holder}, which fills ${this.#cache}`),
    );
  }

  async #present({ name, recipe, readyMade }: Wanted): Promise<string | undefined> {
    const own = this.#directory(recipe.version);
    const given = this.#env['KUBEBUILDER_ASSETS'];
    for (const directory of readyMade ? [given, own, this.#directory(envtest.version)] : [own]) {
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
  async #fill(wanted: Wanted, progress: Progress): Promise<string> {
    for (const entry of await readdir(this.#cache)) {
      if (entry.startsWith('.partial-')) await rm(join(this.#cache, entry), { recursive: true, force: true });
    }
    const partial = await mkdtemp(join(this.#cache, '.partial-'));
    try {
      return (
        (await this.#downloaded(wanted, partial, progress)) ?? (await this.#built(wanted, partial, progress))
      );
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  }

  async #downloaded(
    { name, readyMade }: Wanted,
    partial: string,
    progress: Progress,
  ): Promise<string | undefined> {
    if (!readyMade || !envtest.contents.includes(name)) return undefined;
    if (this.#downloadFailure !== undefined) return undefined;
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

  async #built(wanted: Wanted, partial: string, progress: Progress): Promise<string> {
    const { name, recipe, title } = wanted;
    if (!(await hasGo(this.#env))) throw this.#missing(wanted, 'Go is not installed, or not in PATH');
    progress(`• building ${title} (${recipe.takes}, once) …`);
    const timer = startTimer();
    const output = join(partial, name);
    await goBuild({ recipe, output, os: this.#os, arch: this.#arch, env: this.#env }).catch((error) => {
      throw this.#missing(wanted, reason(error));
    });
    const file = await settle(output, this.#directory(recipe.version), name);
    progress(`• built ${title} ${timer()}`);
    return file;
  }

  #missing({ recipe, title, readyMade }: Wanted, build: string): AssetMissing {
    const given = this.#env['KUBEBUILDER_ASSETS'];
    const asked = given ? `KUBEBUILDER_ASSETS: ${given} has none` : 'KUBEBUILDER_ASSETS: not set';
    const tried = [
      readyMade ? asked : `KUBEBUILDER_ASSETS: not asked, as exactly ${recipe.version} is wanted`,
      `cache: none in ${this.#cache}`,
      ...(this.#downloadFailure === undefined ? [] : [`download: ${this.#downloadFailure}`]),
      `build: ${build}`,
    ];
    const cure = `Install Go 1.26 or newer (it builds ${title} once, ${recipe.takes})`;
    const orGiven = `, or let KUBEBUILDER_ASSETS name a directory that has ${Object.keys(recipes).join(', ')}`;
    return new AssetMissing(
      `${title} is needed, but could not be had:\n  ${tried.join('\n  ')}\n` +
        `${cure}${readyMade ? orGiven : ''}.`,
    );
  }

  #directory(version: Recipe['version']): string {
    return join(this.#cache, `${version}-${this.#os}-${this.#arch}`);
  }
}

const store = new AssetStore({
  env: process.env,
  download: (platform, directory) => downloadEnvtest(platform, directory),
});

/** Which binary, and who is told what takes long. */
export interface AssetOptions {
  readonly progress?: Progress;
  /** Default `newest`. What the oldest has no version of its own of is the newest's. */
  readonly kubernetes?: Kubernetes;
}

/** Absolute path of a binary, got by the first way that works. @throws AssetMissing */
export function asset(name: AssetName, { progress, kubernetes }: AssetOptions = {}): Promise<string> {
  return store.find(name, progress, kubernetes);
}

function wantedOf(name: AssetName, kubernetes: Kubernetes): Wanted {
  const older = kubernetes === 'oldest' ? oldestRecipes[name] : undefined;
  if (older === undefined) return { name, recipe: recipes[name], title: name, readyMade: true };
  return { name, recipe: older, title: `${name} ${older.version}`, readyMade: false };
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
