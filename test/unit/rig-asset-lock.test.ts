// The lock of the binaries' cache: one at a time, and a dead holder does not block anybody.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withAssetLock } from '../../rig/control-plane/asset-lock.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rig-lock-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('lets one in at a time', async () => {
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await sleep(20);
    inside -= 1;
  };
  await Promise.all([1, 2, 3].map(() => withAssetLock(directory, work)));
  expect(most).toBe(1);
  expect(readdirSync(directory)).toEqual([]);
});

it('is free again after a failure', async () => {
  await expect(withAssetLock(directory, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(readdirSync(directory)).toEqual([]);
  expect(await withAssetLock(directory, async () => 'next')).toBe('next');
});

it('takes over from a process that is dead', async () => {
  const dead = spawnSync(process.execPath, ['--version']).pid;
  writeFileSync(join(directory, '.lock'), `${dead} some-nonce\n`);
  const lock = await withAssetLock(directory, async () => readFileSync(join(directory, '.lock'), 'utf8'));
  expect(Number.parseInt(lock, 10)).toBe(process.pid);
  expect(readdirSync(directory)).toEqual([]);
});

it('takes over a lock that nobody has touched for a minute, since process numbers are used again', async () => {
  const lock = join(directory, '.lock');
  writeFileSync(lock, `${process.ppid} some-nonce\n`);
  const past = new Date(Date.now() - 61_000);
  utimesSync(lock, past, past);
  expect(await withAssetLock(directory, async () => 'done')).toBe('done');
});

it('waits for a process that lives, and tells so once', async () => {
  const lock = join(directory, '.lock');
  writeFileSync(lock, `${process.ppid} some-nonce\n`);
  const told: number[] = [];
  const done = withAssetLock(
    directory,
    async () => 'done',
    (holder) => told.push(holder),
  );
  expect(await Promise.race([done, sleep(600, 'waiting')])).toBe('waiting');
  rmSync(lock);
  expect(await done).toBe('done');
  expect(told).toEqual([process.ppid]);
});
