// The search for the control plane's binaries, with a fake Go and a fake download: which way wins, and that no half file
// is ever left.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AssetMissing, AssetStore } from '../../rig/control-plane/assets.ts';
import { envtest, kubernetesVersions, oldestRecipes, recipes } from '../../rig/control-plane/recipes.ts';

let root: string;
let cache: string;
let goLog: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rig-assets-'));
  cache = join(root, 'cache');
  goLog = join(root, 'go.log');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function writeExecutable(file: string, text: string): void {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

/** A PATH with a `go` that runs the given lines to build `$out`. */
function fakeGo(build = 'sleep 0.1; echo binary > "$out"'): string {
  const directory = join(root, 'bin');
  mkdirSync(directory, { recursive: true });
  writeExecutable(
    join(directory, 'go'),
    `#!/bin/sh
[ "$1" = version ] && exit 0
echo "$CGO_ENABLED $GOWORK $*" >> '${goLog}'
while [ $# -gt 1 ]; do [ "$1" = -o ] && out=$2; shift; done
${build}
`,
  );
  return `${directory}:/usr/bin:/bin`;
}

const noDownload = async (): Promise<string> => {
  throw new TypeError('fetch failed', { cause: new Error('no internet') });
};

function store(
  settings: { readonly path?: string; readonly assets?: string; readonly download?: typeof noDownload } = {},
): AssetStore {
  const { path = join(root, 'empty'), assets, download = noDownload } = settings;
  const env = { PATH: path, HOME: root, ECR_PULL_SECRETS_CACHE: cache, KUBEBUILDER_ASSETS: assets };
  return new AssetStore({ env, download });
}

function leftovers(): readonly string[] {
  return readdirSync(join(cache, 'assets')).filter((name) => name.startsWith('.'));
}

const builds = (): readonly string[] =>
  existsSync(goLog) ? readFileSync(goLog, 'utf8').trim().split('\n') : [];

describe('the search for binaries', () => {
  it('takes what KUBEBUILDER_ASSETS has', async () => {
    writeExecutable(join(root, 'etcd'), '');
    expect(await store({ assets: root }).find('etcd')).toBe(join(root, 'etcd'));
    expect(existsSync(cache)).toBe(false);
  });

  it('builds into the cache, once', async () => {
    const lines: string[] = [];
    const path = fakeGo();
    const file = await store({ path }).find('kubectl', (line) => lines.push(line));
    expect(file.startsWith(join(cache, 'assets', recipes.kubectl.version))).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe('binary\n');
    expect(lines).toEqual([
      expect.stringMatching(/^• downloading etcd, kube-apiserver, kubectl /u),
      '• no download: no internet',
      '• building kubectl (about 1 min, once) …',
      '• built kubectl in 0 s',
    ]);
    expect(await store({ path }).find('kubectl')).toBe(file);
    expect(builds()).toEqual([
      expect.stringMatching(/^0 off build .* -s -w -X k8s\.io\/.* k8s\.io\/kubernetes\/cmd\/kubectl$/u),
    ]);
    expect(leftovers()).toEqual([]);
  });

  it('builds once for two that ask at the same time', async () => {
    const path = fakeGo();
    const files = await Promise.all([store({ path }).find('helm'), store({ path }).find('helm')]);
    expect(files[0]).toBe(files[1]);
    expect(builds()).toHaveLength(1);
  });

  it('takes all of the official archive', async () => {
    const download = async (platform: string, directory: string): Promise<string> => {
      expect(platform).toMatch(/^(linux|darwin)-(amd64|arm64)$/u);
      for (const name of envtest.contents) writeExecutable(join(directory, name), name);
      return directory;
    };
    const assets = store({ download: download as typeof noDownload });
    expect(readFileSync(await assets.find('kubectl'), 'utf8')).toBe('kubectl');
    const again = store();
    expect(readFileSync(await again.find('etcd'), 'utf8')).toBe('etcd');
    expect(readFileSync(await again.find('kube-apiserver'), 'utf8')).toBe('kube-apiserver');
    expect(leftovers()).toEqual([]);
  });

  it('asks for a download once only', async () => {
    let downloads = 0;
    const download = async (): Promise<string> => {
      downloads += 1;
      throw new Error('no internet');
    };
    const assets = store({ path: fakeGo(), download });
    await assets.find('etcd');
    await assets.find('kubectl');
    await assets.find('kube-controller-manager');
    expect(downloads).toBe(1);
  });

  it('names every way and the cure when there is no Go', async () => {
    const failure = await store({ assets: root })
      .find('kube-apiserver')
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AssetMissing);
    expect(String(failure)).toContain(`KUBEBUILDER_ASSETS: ${root} has none`);
    expect(String(failure)).toContain('download: no internet');
    expect(String(failure)).toContain('build: Go is not installed');
    expect(String(failure)).toContain('Install Go 1.26 or newer');
    expect(leftovers()).toEqual([]);
  });

  it('takes the oldest Kubernetes from nobody else: not KUBEBUILDER_ASSETS, not the archive, not the newest', async () => {
    writeExecutable(join(root, 'kube-apiserver'), '');
    let downloads = 0;
    const download = async (): Promise<string> => {
      downloads += 1;
      throw new Error('no internet');
    };
    const assets = store({ assets: root, path: fakeGo(), download });
    const lines: string[] = [];
    const tell = (line: string): number => lines.push(line);
    const newest = await assets.find('kube-controller-manager');
    const manager = await assets.find('kube-controller-manager', tell, 'oldest');
    const apiServer = await assets.find('kube-apiserver', tell, 'oldest');
    const directory = join(cache, 'assets', `${kubernetesVersions.oldest}-`);
    expect([manager, apiServer].filter((file) => !file.startsWith(directory))).toEqual([]);
    expect(newest.startsWith(directory)).toBe(false);
    expect(builds().map((line) => /gitVersion=(\S+)/u.exec(line)?.[1])).toEqual([
      `v${recipes['kube-controller-manager'].version}`,
      'v1.30.14',
      'v1.30.14',
    ]);
    expect(lines).toContain('• building kube-apiserver 1.30.14 (about 4 min, once) …');
    expect(await store({ assets: root }).find('kube-apiserver', tell, 'oldest')).toBe(apiServer);
    expect(builds()).toHaveLength(3);
    expect(downloads).toBe(0);
  });

  it('takes for the oldest Kubernetes the one etcd', async () => {
    writeExecutable(join(root, 'etcd'), '');
    expect(await store({ assets: root }).find('etcd', undefined, 'oldest')).toBe(join(root, 'etcd'));
  });

  it('names Go as the only cure when the oldest Kubernetes cannot be had', async () => {
    const failure = await store({ assets: root })
      .find('kube-apiserver', undefined, 'oldest')
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AssetMissing);
    expect(String(failure)).toContain('kube-apiserver 1.30.14 is needed');
    expect(String(failure)).toContain('not asked, as exactly 1.30.14 is wanted');
    expect(String(failure)).toContain('Install Go 1.26 or newer');
    expect(String(failure)).not.toContain('or let KUBEBUILDER_ASSETS');
  });

  it('shows why a build failed, leaves no half file, and tries again', async () => {
    const path = fakeGo('echo half > "$out"; echo "module lookup disabled" >&2; exit 1');
    const assets = store({ path });
    await expect(assets.find('helm')).rejects.toThrow(/exit code 1:\nmodule lookup disabled/u);
    expect(leftovers()).toEqual([]);
    fakeGo();
    expect(readFileSync(await assets.find('helm'), 'utf8')).toBe('binary\n');
  });

  it('clears away what a killed build left', async () => {
    mkdirSync(join(cache, 'assets', '.partial-old'), { recursive: true });
    await store({ path: fakeGo() }).find('helm');
    expect(leftovers()).toEqual([]);
  });
});

describe('the recipes', () => {
  const read = (file: string): string =>
    readFileSync(new URL(`../../rig/control-plane/${file}`, import.meta.url), 'utf8');

  it.each([
    ['build/go.mod', recipes['kube-apiserver'], 31],
    ['build/oldest/go.mod', oldestRecipes['kube-apiserver'], 30],
  ])('name the versions that %s has', (file, recipe, modules) => {
    const version = recipe?.version ?? '';
    const goMod = read(file);
    expect(goMod).toContain(`k8s.io/kubernetes v${version}\n`);
    const staging = [...goMod.matchAll(/^\tk8s\.io\/\S+ => k8s\.io\/\S+ (\S+)$/gmu)].map(
      ([, found]) => found,
    );
    expect(staging.length).toBeGreaterThanOrEqual(modules);
    expect(new Set(staging)).toEqual(new Set([version.replace('1.', 'v0.')]));
  });

  it('name the version of helm that its go.mod has', () => {
    expect(read('build/helm/go.mod')).toContain(`helm.sh/helm/v4 v${recipes.helm.version}\n`);
  });

  it('of the oldest Kubernetes are of what the chart says', () => {
    const chart = read('../../charts/ecr-pull-secrets/Chart.yaml');
    const [, floor] = /^kubeVersion: '?>=(\d+\.\d+)\./mu.exec(chart) ?? [];
    expect(kubernetesVersions.oldest.startsWith(`${floor}.`)).toBe(true);
  });

  it('name packages that go.sum covers', () => {
    for (const { module, package: name } of [...Object.values(recipes), ...Object.values(oldestRecipes)]) {
      expect(read(`${module}/tools.go`)).toContain(`_ "${name}"`);
    }
  });
});
