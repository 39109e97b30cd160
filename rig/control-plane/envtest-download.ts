// Fetches the official archive of etcd, kube-apiserver and kubectl, and believes it only by its hash. Used by assets
// only, which gives it a directory of its own and throws that away afterwards. Without internet it says so within seconds.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { EnvHttpProxyAgent, fetch } from 'undici';
import { envtest } from './recipes.ts';

const releases = 'https://github.com/kubernetes-sigs/controller-tools/releases/download';

/** Where the archive has its files. */
const inside = join('controller-tools', 'envtest');

/** Downloads and unpacks. @returns the directory with the binaries, below the given one */
export async function downloadEnvtest(
  platform: string,
  directory: string,
  { from = releases, hashes = envtest.hashes } = {},
): Promise<string> {
  const expected = hashes[platform];
  if (expected === undefined) throw new Error(`no archive known for ${platform}`);
  const archive = join(directory, 'envtest.tar.gz');
  const name = `envtest-v${envtest.version}-${platform}.tar.gz`;
  const actual = await fetchTo(`${from}/envtest-v${envtest.version}/${name}`, archive);
  if (actual !== expected) throw new Error(`${name} has the sha512 ${actual}, expected ${expected}`);
  await promisify(execFile)('tar', ['-xzf', archive, '-C', directory]);
  return join(directory, inside);
}

/** @returns the sha512 of what came, in base64 */
async function fetchTo(url: string, file: string): Promise<string> {
  const dispatcher = new EnvHttpProxyAgent({
    connect: { timeout: 5_000 },
    headersTimeout: 15_000,
    bodyTimeout: 30_000,
  });
  try {
    const response = await fetch(url, { dispatcher });
    if (!response.ok || response.body === null) throw new Error(`HTTP status ${response.status} for ${url}`);
    const hash = createHash('sha512');
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(response.body), hashing, createWriteStream(file));
    return hash.digest('base64');
  } finally {
    await dispatcher.destroy();
  }
}
