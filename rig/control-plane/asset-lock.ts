// Lets one process at a time fill the cache of binaries, so that two test runs do not build the same thing at once.
// Used by assets only. The lock of a process that died without a word is taken over.
import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The holder touches its lock this often, in ms. */
const heartbeat = 5_000;
/** Untouched for so long, a lock is stale even if some process has the holder's number today, in ms. */
const staleAfter = 60_000;
const pollEvery = 250;

/**
 * Does the work while holding the lock of a directory.
 * @param waiting told once, when another process holds the lock
 */
export async function withAssetLock<T>(
  directory: string,
  work: () => Promise<T>,
  waiting: (holder: number) => void = () => undefined,
): Promise<T> {
  const lock = join(directory, '.lock');
  const mine = join(directory, `.lock-${randomUUID()}`);
  // Written before it gets its name, so that nobody ever reads a lock without its holder.
  const content = `${process.pid} ${randomUUID()}\n`;
  await writeFile(mine, content);
  try {
    await acquire(lock, mine, waiting);
  } finally {
    await rm(mine, { force: true });
  }
  const beat = setInterval(() => void touch(lock), heartbeat);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    // After a long sleep of the machine it may be somebody else's.
    const current = await readFile(lock, 'utf8').catch(() => undefined);
    if (current === content) await rm(lock, { force: true });
  }
}

async function acquire(lock: string, mine: string, waiting: (holder: number) => void): Promise<void> {
  let told = false;
  while (!(await linked(mine, lock))) {
    const content = await readFile(lock, 'utf8').catch(() => undefined);
    if (content === undefined) continue;
    const holder = Number.parseInt(content, 10);
    if (await isStale(lock, holder)) {
      await takeAway(lock, content);
      continue;
    }
    if (!told && holder !== process.pid) waiting(holder);
    told = true;
    await sleep(pollEvery);
    await touch(mine);
  }
}

async function linked(mine: string, lock: string): Promise<boolean> {
  try {
    await link(mine, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isStale(lock: string, holder: number): Promise<boolean> {
  if (!isAlive(holder)) return true;
  const touched = await stat(lock).catch(() => undefined);
  return touched !== undefined && Date.now() - touched.mtimeMs > staleAfter;
}

function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes a stale lock, but not the fresh one of somebody who was quicker. */
async function takeAway(lock: string, expected: string): Promise<void> {
  const aside = `${lock}-${randomUUID()}`;
  try {
    await rename(lock, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, 'utf8')) !== expected) await linked(aside, lock);
  await rm(aside, { force: true });
}

async function touch(file: string): Promise<void> {
  const now = new Date();
  await utimes(file, now, now).catch(() => undefined);
}
