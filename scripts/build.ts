// `npm run build`: bundles the program into dist/, as an image will hold it: one file to start, and a chunk for each thing that
// is loaded when first needed (the AWS SDK, client-node). Also used by the bench, which measures what people run.
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Where the bundle is. */
export const bundle = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Makes it anew. */
export async function buildBundle(): Promise<void> {
  const outdir = fileURLToPath(new URL('../dist/', import.meta.url));
  await rm(outdir, { recursive: true, force: true });
  await build({
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
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildBundle();
  console.log('dist/main.js');
}
