// Builds the Dockerfile as it stands on the stand-ins, by buildah without a daemon, and lays the result out as files (an OCI
// image layout). Used by scripts/image. Everything it makes is below one folder.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { npmSettings } from './npm-settings.ts';
import { standIns, writeBaseRoot, writeNodeRoot } from './stand-ins.ts';
import { run } from './tools.ts';

/** What was built. */
export interface BuiltImage {
  /** OCI image layouts. */
  readonly image: string;
  readonly base: string;
  /** What no layer may hold: how npm reaches its registry. */
  readonly settings: string;
}

const repository = join(import.meta.dirname, '../..');

/** Builds. @param folder gets buildah's store and the layouts */
export async function buildImage(folder: string): Promise<BuiltImage> {
  const buildah = (...args: readonly string[]) =>
    run('buildah', [
      '--root',
      join(folder, 'store'),
      '--runroot',
      join(folder, 'run'),
      '--storage-driver',
      'overlay',
      ...args,
    ]);
  const standIn = async (name: keyof typeof standIns, write: (root: string) => Promise<string>) => {
    const root = join(folder, `root-${name}`);
    await mkdir(root, { mode: 0o755 });
    const file = join(folder, `Dockerfile.${name}`);
    await writeFile(file, await write(root));
    await buildah('bud', '--isolation=chroot', `--tag=${standIns[name]}`, `--file=${file}`, root);
  };
  await standIn('node', writeNodeRoot);
  await standIn('base', writeBaseRoot);
  const settings = await npmSettings();
  const secret = join(folder, 'npmrc');
  await writeFile(secret, settings, { mode: 0o600 });
  const tag = 'localhost/ecr-pull-secrets';
  const buildArgs = { NODE_IMAGE: standIns.node, BASE_IMAGE: standIns.base, REVISION: 'of-this-folder' };
  await buildah(
    'bud',
    '--isolation=chroot',
    `--tag=${tag}`,
    `--secret=id=npmrc,src=${secret}`,
    ...Object.entries(buildArgs).map(([name, value]) => `--build-arg=${name}=${value}`),
    `--ignorefile=${join(repository, '.dockerignore')}`,
    repository,
  );
  const layout = async (name: string, from: string) => {
    await buildah('push', '--quiet', from, `oci:${join(folder, name)}:${name}`);
    return join(folder, name);
  };
  return { image: await layout('image', tag), base: await layout('base', standIns.base), settings };
}
