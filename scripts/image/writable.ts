// Tries to write to every folder that there is in the container, as the program could. Used by scripts/image/measure.
import { Container, type Runnable } from './container.ts';
import { claim } from './findings.ts';
import type { PodSpec } from './pod.ts';

/** Runs in the container by Node, which is all that there is. */
const script = `
const fs = require('node:fs');
const writable = [], refusals = new Set();
let folders = 0;
const visit = (folder) => {
  folders += 1;
  const file = folder.replace(/\\/$/, '') + '/written';
  try { fs.writeFileSync(file, ''); writable.push(folder); } catch (error) { refusals.add(error.code); }
  let entries = [];
  try { entries = fs.readdirSync(folder, { withFileTypes: true }); } catch {}
  for (const entry of entries) {
    const path = folder.replace(/\\/$/, '') + '/' + entry.name;
    if (entry.isDirectory() && !/^\\/(proc|sys)$/.test(path)) visit(path);
  }
};
visit('/');
console.log(JSON.stringify({ folders, writable, refusals: [...refusals], tmp: fs.existsSync('/tmp') }));
`;

interface Answer {
  readonly folders: number;
  readonly writable: readonly string[];
  readonly refusals: readonly string[];
  readonly tmp: boolean;
}

/** Says what it finds. */
export async function tryToWrite(image: Runnable, pod: PodSpec): Promise<void> {
  const node = [image.config.Entrypoint?.[0] ?? '', '-e'];
  const container = await Container.start(image, { ...pod, args: [script] }, node);
  const { stdout, stderr } = await container.ended;
  const { folders, writable, refusals, tmp } = JSON.parse(stdout || stderr) as Answer;
  const seen =
    writable.length > 0
      ? writable.join(' ')
      : `${folders} folders${tmp ? ', /tmp too' : ''}: ${refusals.join(', ')}`;
  claim('nothing in it can be written to', writable.length === 0, seen);
}
