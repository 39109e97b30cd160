// Reads an OCI image layout: what the image says of itself, and what its layers weigh and hold. Used by scripts/image. It
// never changes the layout.
import { createReadStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { run } from './tools.ts';

/** What a container made of the image starts with. */
export interface ImageConfig {
  readonly User?: string;
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

/** One layer. */
export interface Layer {
  readonly file: string;
  readonly digest: string;
  /** In bytes, as it is pulled and as it lies on the disk. */
  readonly compressed: number;
  readonly size: number;
  /** As `tar -tv` shows them. */
  readonly entries: readonly Entry[];
}

/** A file or folder of a layer. */
export interface Entry {
  readonly path: string;
  /** Such as `-rw-r--r--`. */
  readonly mode: string;
  /** Such as `0/0`. */
  readonly owner: string;
}

/** An image. */
export interface ImageContent {
  readonly config: ImageConfig;
  /** Everything that it says of itself, with its history, as text. */
  readonly text: string;
  readonly layers: readonly Layer[];
}

/** Reads it. */
export async function readLayout(folder: string): Promise<ImageContent> {
  const blob = (digest: string) => join(folder, 'blobs', digest.replace(':', '/'));
  const index = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as {
    manifests: readonly { digest: string }[];
  };
  const manifest = JSON.parse(await readFile(blob(index.manifests[0]?.digest ?? ''), 'utf8')) as {
    config: { digest: string };
    layers: readonly { digest: string; size: number }[];
  };
  const text = await readFile(blob(manifest.config.digest), 'utf8');
  const layers = await Promise.all(
    manifest.layers.map(async ({ digest, size: compressed }) => {
      const file = blob(digest);
      return { file, digest, compressed, size: await unpackedSize(file), entries: await entriesOf(file) };
    }),
  );
  return { config: (JSON.parse(text) as { config: ImageConfig }).config, text, layers };
}

/** Lays the layers over each other in an empty folder, as a container's root. */
export async function unpack({ layers }: ImageContent, root: string): Promise<void> {
  await mkdir(root, { mode: 0o755 });
  for (const { file } of layers) await run('tar', ['-xzpf', file, '--numeric-owner', '-C', root]);
}

/** Whether the unpacked layer holds this text anywhere. */
export async function holds({ file }: Layer, text: string): Promise<boolean> {
  let last = '';
  for await (const chunk of unpacked(file)) {
    const here = last + chunk.toString('latin1');
    if (here.includes(text)) return true;
    last = here.slice(-text.length);
  }
  return false;
}

async function unpackedSize(file: string): Promise<number> {
  let size = 0;
  for await (const chunk of unpacked(file)) size += chunk.length;
  return size;
}

const unpacked = (file: string): AsyncIterable<Buffer> => createReadStream(file).pipe(createGunzip());

async function entriesOf(file: string): Promise<readonly Entry[]> {
  const listing = await run('tar', ['-tzvf', file, '--numeric-owner']);
  return listing
    .trim()
    .split('\n')
    .map((line) => {
      const [mode = '', owner = '', , , , path = ''] = line.split(/\s+/);
      return { mode, owner, path };
    });
}
