// Real processes and a real watchdog: whatever their owner dies of, nothing is left behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ProcessGroup } from '../../rig/control-plane/processes.ts';

const script = (name: string, text: string): { name: string; file: string; args: string[] } => ({
  name,
  file: 'sh',
  args: ['-c', text],
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A dead process whose new parent does not care is still listed, as a zombie.
    const stat = existsSync('/proc/self/stat') ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
    return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
  } catch {
    // It may also have gone between the two looks.
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${condition.toString()}`);
    await sleep(20);
  }
}

/** The process number that a script wrote into a file of the directory. */
async function numberIn(file: string): Promise<number> {
  await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
  return Number(readFileSync(file, 'utf8'));
}

describe.concurrent('a group of processes', () => {
  it('ends with everything that they started, and takes its directory away', async () => {
    const group = await ProcessGroup.open();
    const parent = group.start(script('parent', 'sleep 100 & echo $! > child; wait'));
    const child = await numberIn(join(group.directory, 'child'));
    expect([isAlive(parent.pid), isAlive(child)]).toEqual([true, true]);
    await group.stop();
    expect(isAlive(parent.pid)).toBe(false);
    await until(() => !isAlive(child));
    expect(existsSync(group.directory)).toBe(false);
    await expect(parent.ended).resolves.toEqual({ ok: false, how: 'SIGTERM' });
  });

  it('ends in the opposite order of its start', async () => {
    const group = await ProcessGroup.open();
    const order: string[] = [];
    for (const name of ['first', 'second', 'third']) {
      void group.start(script(name, 'exec sleep 100')).ended.then(() => order.push(name));
    }
    await group.stop();
    expect(order).toEqual(['third', 'second', 'first']);
  });

  it('kills what does not listen', async () => {
    const group = await ProcessGroup.open();
    const deaf = group.start(script('deaf', "trap '' TERM; echo $$ > ready; while :; do sleep 1; done"));
    await numberIn(join(group.directory, 'ready'));
    await group.stop();
    expect(isAlive(deaf.pid)).toBe(false);
    await expect(deaf.ended).resolves.toEqual({ ok: false, how: 'SIGKILL' });
  });

  it('shows the last words of a process that ended too early', async () => {
    const group = await ProcessGroup.open();
    group.start(script('server', 'echo "bind: address already in use" >&2; exit 3'));
    const waiting = group.waitUntil('server is ready', async () => false);
    await expect(waiting).rejects.toThrow(
      'server ended too early (exit code 3); its log ends with:\n  bind: address already in use',
    );
    await group.stop();
  });

  it('names a program that does not exist', async () => {
    const group = await ProcessGroup.open();
    group.start({ name: 'server', file: '/no/such/program', args: [] });
    await expect(group.waitUntil('server is ready', async () => false)).rejects.toThrow('ENOENT');
    await group.stop();
  });

  it('shows the logs when nothing becomes ready', async () => {
    const group = await ProcessGroup.open();
    group.start(script('server', 'echo thinking; exec sleep 100'));
    const waiting = group.waitUntil('server is ready', async () => false, 300);
    await expect(waiting).rejects.toThrow(
      /server is ready: not within 0.3 s\nserver \(running\).*\n {2}thinking/u,
    );
    await group.stop();
  });

  it('runs a command to its end', async () => {
    const group = await ProcessGroup.open();
    expect(await group.run(script('good', 'exit 0'))).toMatchObject({ ok: true });
    expect(await group.run(script('bad', 'exit 7'))).toMatchObject({ ok: false, how: 'exit code 7' });
    await group.stop();
  });
});

interface Owned {
  readonly owner: ChildProcess;
  readonly pid: number;
  readonly directory: string;
}

/** Another Node process that starts a process, tells which, and goes on with the given code. */
async function startOwner(then: string): Promise<Owned> {
  const url = new URL('../../rig/control-plane/processes.ts', import.meta.url).href;
  const code = `
    import { ProcessGroup } from ${JSON.stringify(url)};
    const group = await ProcessGroup.open();
    const { pid } = group.start({ name: 'server', file: 'sh', args: ['-c', 'sleep 100'] });
    console.log(JSON.stringify({ pid, directory: group.directory }));
    ${then}`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  for await (const line of createInterface({ input: owner.stdout })) {
    return { owner, ...(JSON.parse(line) as Pick<Owned, 'pid' | 'directory'>) };
  }
  throw new Error('the owner said nothing');
}

describe.concurrent('when the owner', () => {
  const stay = 'setInterval(() => {}, 1000);';

  it.each(['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'dies of %s, nothing is left',
    async (signal) => {
      const { owner, pid, directory } = await startOwner(stay);
      expect([isAlive(pid), existsSync(directory)]).toEqual([true, true]);
      owner.kill(signal);
      await until(() => !isAlive(pid) && !existsSync(directory));
    },
  );

  it.each([
    ['throws', 'throw new Error("failed");'],
    ['exits', 'process.exit(0);'],
    ['has nothing more to do', ''],
  ])('%s, nothing is left', async (_how, then) => {
    const { pid, directory } = await startOwner(then);
    await until(() => !existsSync(directory));
    await until(() => !isAlive(pid));
    expect(pid).toBeGreaterThan(0);
  });
});
