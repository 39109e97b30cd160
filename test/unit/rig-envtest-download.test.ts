// The official archive, served by a server of our own: believed by its hash only.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { downloadEnvtest } from '../../rig/control-plane/envtest-download.ts';
import { envtest } from '../../rig/control-plane/recipes.ts';

let root: string;
let server: Server;
let from: string;
let hash: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'rig-envtest-'));
  mkdirSync(join(root, 'controller-tools', 'envtest'), { recursive: true });
  writeFileSync(join(root, 'controller-tools', 'envtest', 'etcd'), 'binary');
  execFileSync('tar', ['-czf', 'archive', 'controller-tools'], { cwd: root });
  const archive = readFileSync(join(root, 'archive'));
  hash = createHash('sha512').update(archive).digest('base64');
  const path = `/envtest-v${envtest.version}/envtest-v${envtest.version}-linux-amd64.tar.gz`;
  server = createServer(({ url }, response) => {
    if (url === path) response.end(archive);
    else response.writeHead(404).end();
  });
  const listening = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  from = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  rmSync(root, { recursive: true, force: true });
});

const directory = (): string => mkdtempSync(join(root, 'into-'));

it('unpacks the archive when the hash is right', async () => {
  const unpacked = await downloadEnvtest('linux-amd64', directory(), {
    from,
    hashes: { 'linux-amd64': hash },
  });
  expect(readFileSync(join(unpacked, 'etcd'), 'utf8')).toBe('binary');
});

it('unpacks nothing when the hash is wrong', async () => {
  const into = directory();
  await expect(downloadEnvtest('linux-amd64', into, { from })).rejects.toThrow(`has the sha512 ${hash}`);
  expect(existsSync(join(into, 'controller-tools'))).toBe(false);
});

it('says so when there is no such file', async () => {
  await expect(downloadEnvtest('linux-arm64', directory(), { from })).rejects.toThrow('HTTP status 404');
});

it('asks nobody for a platform without an archive', async () => {
  await expect(downloadEnvtest('darwin-amd64', directory(), { from })).rejects.toThrow('no archive known');
});
