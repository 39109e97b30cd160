// `npm run image`: tries the Dockerfile's steps on this machine, which needs neither Docker nor the real base images: those are
// stood in for by files of this machine. `-- --measure` runs the result as a node of a cluster would and says what it costs.
// What this does not try (the real bases, arm64): docs/image.md.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImage } from './image/build-image.ts';
import { allHeld, figure } from './image/findings.ts';
import { inspectImage } from './image/inspect.ts';
import { readLayout, unpack } from './image/layout.ts';
import { measureImage } from './image/measure.ts';
import { provideTools, removeAtTheEnd } from './image/tools.ts';

await provideTools();
const folder = await mkdtemp(join(tmpdir(), 'ecr-pull-secrets-image-'));
// Also when it is interrupted: it holds how npm reaches its registry.
process.on('exit', () => removeAtTheEnd(folder));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

console.log(
  '• building the stand-ins and, on them, the Dockerfile (npm ci and the bundle: about half a minute)',
);
const startedAt = performance.now();
const built = await buildImage(folder);
figure('built in', `${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
const [image, base] = await Promise.all([readLayout(built.image), readLayout(built.base)]);
const root = join(folder, 'rootfs');
await unpack(image, root);
await inspectImage({ image, base, settings: built.settings, root });
if (process.argv.includes('--measure')) await measureImage({ config: image.config, root, folder });
process.exitCode = allHeld() ? 0 : 1;
