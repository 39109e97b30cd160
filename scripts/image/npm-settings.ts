// How npm on this machine reaches its registry, as the text of one npmrc that is given to the build as a secret. Used by
// scripts/image. It may hold credentials: it is never printed, and written only where the caller deletes it.
import { readFile } from 'node:fs/promises';
import { find, run } from './tools.ts';

/** The text. */
export async function npmSettings(): Promise<string> {
  const npm = find('npm');
  if (npm === undefined) throw new Error('there is no npm on the PATH');
  const setting = async (name: string) => {
    const value = (await run(npm, ['config', 'get', name])).trim();
    return value === 'null' || value === 'undefined' ? '' : value;
  };
  const own = await readIfThere(await setting('userconfig'));
  const authorities = await readIfThere(
    (await setting('cafile')) || process.env['NODE_EXTRA_CA_CERTS'] || '',
  );
  return [
    // A path of this machine says nothing in the build: the certificates themselves follow.
    ...own.split('\n').filter((line) => !/^\s*(cafile|userconfig|prefix)\s*=/.test(line)),
    `registry=${await setting('registry')}`,
    ...certificates(authorities),
    '',
  ].join('\n');
}

function certificates(pem: string): readonly string[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((certificate) => `ca[]="${certificate.replaceAll('\n', String.raw`\n`)}"`);
}

async function readIfThere(file: string): Promise<string> {
  if (file === '') return '';
  try {
    return await readFile(file, 'utf8');
  } catch {
    return '';
  }
}
