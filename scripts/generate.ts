// `npm run generate`: writes the reference pages below docs/.
import { writeFileSync } from 'node:fs';
import { referencePages } from './reference.ts';

for (const [name, content] of Object.entries(await referencePages())) {
  writeFileSync(new URL(`../docs/${name}`, import.meta.url), content);
  console.log(`docs/${name}`);
}
