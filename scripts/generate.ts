// `npm run generate`: writes what is derived: the reference pages below docs/, the generated parts of the chart, and
// deploy/install.yaml, for which helm is needed (it is found, downloaded or built as for the demo).
import { writeFileSync } from 'node:fs';
import { chartFiles } from './chart-files.ts';
import { installManifest, renderInstallManifest } from './install-manifest.ts';
import { referencePages } from './reference.ts';

function write(path: string, content: string): void {
  writeFileSync(new URL(`../${path}`, import.meta.url), content);
  console.log(path);
}

for (const [name, content] of Object.entries(await referencePages())) write(`docs/${name}`, content);
for (const [path, content] of Object.entries(await chartFiles())) write(path, content);
write(installManifest, await renderInstallManifest(console.log));
