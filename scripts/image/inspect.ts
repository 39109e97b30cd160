// Looks into the built image without running it: what it says of itself, what our layers hold, what they must not hold, and
// what they weigh. Used by scripts/image.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { claim, figure, mebibytes } from './findings.ts';
import { type ImageConfig, type ImageContent, type Layer, holds } from './layout.ts';

interface Inspected {
  readonly image: ImageContent;
  readonly base: ImageContent;
  /** The npmrc that the build got as a secret. */
  readonly settings: string;
  /** The image's files, unpacked. */
  readonly root: string;
}

/** Says what it finds. */
export async function inspectImage({ image, base, settings, root }: Inspected): Promise<void> {
  const known = new Set(base.layers.map(({ digest }) => digest));
  const own = image.layers.filter(({ digest }) => !known.has(digest));
  inspectConfig(image.config);
  inspectFiles(own, root);
  await inspectSecrets(image, own, settings);
  const sum = (layers: readonly Layer[], of: 'compressed' | 'size') =>
    mebibytes(layers.reduce((total, layer) => total + layer[of], 0));
  figure('our layers', `${sum(own, 'compressed')} compressed, ${sum(own, 'size')} unpacked`);
  figure(
    'stand-in base',
    `${sum(base.layers, 'compressed')} compressed, ${sum(base.layers, 'size')} unpacked`,
  );
}

function inspectConfig({ User, Entrypoint = [], Cmd, Env = [], WorkingDir, Labels = {} }: ImageConfig): void {
  claim('the user is a number and not root', User === '65532:65532', User);
  const [node, main] = [Entrypoint[0], Entrypoint.at(-1)];
  claim(
    'it starts our file with Node',
    node === '/nodejs/bin/node' && main === '/app/dist/main.js',
    Entrypoint.join(' '),
  );
  claim('a pod’s args are the command: there is none of its own', Cmd === undefined);
  claim('it works in a folder that every user may be in', WorkingDir === '/', WorkingDir);
  figure('environment', Env.join(' '));
  const labels = Object.keys(Labels).filter((name) => name.startsWith('org.opencontainers.image.'));
  claim('it says what it is', labels.length === 6, labels.map((name) => name.split('.').at(-1)).join(', '));
}

function inspectFiles(own: readonly Layer[], root: string): void {
  const entries = own.flatMap((layer) => layer.entries).filter(({ path }) => path !== 'app/');
  const files = entries.filter(({ mode }) => !mode.startsWith('d')).map(({ path }) => path);
  const ours = /^app\/(LICENSE|package\.json|dist\/[\w-]+\.(js|txt))$/;
  const foreign = files.filter((path) => !ours.test(path));
  claim(
    'our layers hold the bundle, package.json and LICENSE alone',
    foreign.length === 0,
    `${files.length} files`,
  );
  const writable = own
    .flatMap((layer) => layer.entries)
    .filter(({ mode, owner }) => owner !== '0/0' || mode[5] === 'w' || mode[8] === 'w');
  claim('all of it is root’s and nobody else may write to it', writable.length === 0, writable[0]?.path);
  const missing = files
    .filter((path) => path.endsWith('.js'))
    .flatMap((path) => chunksOf(readFileSync(join(root, path), 'utf8')))
    .filter((chunk) => !files.includes(`app/dist/${chunk}`));
  claim('every chunk that a file of the bundle loads is there', missing.length === 0, missing[0]);
  const { type } = JSON.parse(readFileSync(join(root, 'app/package.json'), 'utf8')) as { type?: string };
  claim('package.json says that the files are modules', type === 'module');
}

/** Imported by name, at the start or when first needed. */
function chunksOf(text: string): readonly string[] {
  return Array.from(
    text.matchAll(/(?:from|import\(|import)\s*["']\.\/([\w-]+\.js)["']/g),
    ([, name = '']) => name,
  );
}

async function inspectSecrets(image: ImageContent, own: readonly Layer[], settings: string): Promise<void> {
  const values = settings
    .split('\n')
    .map((line) => line.slice(line.indexOf('=') + 1).trim())
    // What is as short as `true` says nothing; certificates are looked for by their heading.
    .filter((value) => value.length > 12 && !value.startsWith('"-----BEGIN'));
  const texts = [...values, '_authToken', '-----BEGIN CERTIFICATE-----', '.npmrc'];
  let found = 0;
  for (const text of texts) {
    if (text !== '.npmrc' && image.text.includes(text)) found += 1;
    for (const layer of own) if (await holds(layer, text)) found += 1;
  }
  claim(
    'neither npm’s settings nor a certificate of this machine are in a layer or the history',
    found === 0,
  );
}
