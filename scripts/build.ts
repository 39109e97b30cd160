// `npm run build`: bundles the program into dist/, as an image will hold it: one file to start, and a chunk for each thing that
// is loaded when first needed (the AWS SDK, client-node). Also used by the bench, which measures what people run.
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Where the bundle is. */
export const bundle = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Makes it anew. */
export async function buildBundle(): Promise<void> {
  const outdir = fileURLToPath(new URL('../dist/', import.meta.url));
  await rm(outdir, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL('../src/main.ts', import.meta.url))],
    outdir,
    bundle: true,
    splitting: true,
    minify: true,
    keepNames: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    // The SDK's modules for Node, not those for browsers, and those that can be shaken.
    mainFields: ['module', 'main'],
    // CommonJS packages ask for Node's modules by require.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
  });
  await writeFile(join(outdir, 'THIRD-PARTY-NOTICES.txt'), await notices(Object.keys(metafile.inputs)));
}

/** What the licences of the bundled packages ask for: their texts go with the copy. @param files that were bundled */
async function notices(files: readonly string[]): Promise<string> {
  const folders = new Set(
    files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(resolve(file)) ?? []),
  );
  const texts = await Promise.all([...folders].toSorted().map(noticeOf));
  return `The bundle holds code of these packages.\n\n${texts.join('\n')}`;
}

async function noticeOf(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8'),
  ) as Record<'name' | 'version' | 'license', string>;
  const legal = (await readdir(folder))
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .toSorted();
  const texts = await Promise.all(legal.map((file) => readFile(join(folder, file), 'utf8')));
  return ['='.repeat(72), `${name} ${version} (${license})`, '', ...texts].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildBundle();
  console.log('dist/main.js');
}
