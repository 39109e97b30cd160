// A temporary directory and the processes that write to it, of which nothing stays behind: neither after stop() nor when
// this Node process dies by Ctrl-C, an exception or SIGKILL, since watchdog.sh waits at the other end of a pipe. Used by
// control-plane (servers) and go-build (compilers). It knows nothing of Kubernetes and never ends a process it did not start.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** What to run. */
export interface Command {
  /** Also of its log file. */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment. Default: PATH, and HOME in the group's directory. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default: the group's directory. */
  readonly cwd?: string;
}

/** How a process ended. */
export interface Ending {
  readonly ok: boolean;
  /** For people, such as `exit code 1` or `SIGKILL`. */
  readonly how: string;
}

/** A process that was started. */
export interface StartedProcess {
  readonly name: string;
  /** -1 when it could not be started. */
  readonly pid: number;
  /** What it wrote to standard output and standard error. */
  readonly logFile: string;
  readonly ended: Promise<Ending>;
}

interface Member extends StartedProcess {
  readonly child: ChildProcess;
  ending: Ending | undefined;
}

/** How long a process may take to end by itself, in ms. */
const patience = 4_000;

const watchdogFile = fileURLToPath(new URL('watchdog.sh', import.meta.url));

/** Processes that live and die together. */
export class ProcessGroup {
  readonly directory: string;
  readonly #watchdog: ChildProcess;
  readonly #members: Member[] = [];
  #stopped: Promise<void> | undefined;

  private constructor(directory: string) {
    this.directory = directory;
    // Detached: a session of its own, which Ctrl-C in the terminal does not reach.
    this.#watchdog = spawn('sh', [watchdogFile, directory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#watchdog.on('error', () => undefined).unref();
    const pipe = this.#watchdog.stdin as Socket | null;
    pipe?.on('error', () => undefined).unref();
  }

  /** Makes the directory, readable by this user only, and the watchdog. */
  static async open(): Promise<ProcessGroup> {
    return new ProcessGroup(await mkdtemp(join(tmpdir(), 'ecr-pull-secrets-')));
  }

  /** Starts a process that runs until stop(); it does not keep Node alive. */
  start(command: Command): StartedProcess {
    const member = this.#spawn(command);
    member.child.unref();
    return member;
  }

  /** Runs a command to its end. */
  async run(command: Command): Promise<StartedProcess & Ending> {
    const member = this.#spawn(command);
    return { ...member, ...(await member.ended) };
  }

  /**
   * Asks again and again until the answer is yes.
   * @param what what is waited for, for the error message
   * @throws when a process of the group has ended, or after the time; with the last lines of the log
   */
  async waitUntil(what: string, probe: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const ended = this.#members.find((member) => member.ending !== undefined);
      if (ended !== undefined) throw new Error(`${ended.name} ended too early ${describe(ended)}`);
      if (await probe()) return;
      if (Date.now() > deadline) {
        const logs = this.#members.map((member) => `${member.name} ${describe(member)}`);
        throw new Error(`${what}: not within ${timeoutMs / 1000} s\n${logs.join('\n')}`);
      }
      await sleep(25);
    }
  }

  /** Ends the processes one after another, the newest first, and removes the directory. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    for (const member of this.#members.toReversed()) await end(member);
    const watchdog = this.#watchdog;
    if (watchdog.pid !== undefined && watchdog.exitCode === null && watchdog.signalCode === null) {
      const gone = new Promise<void>((resolve) => void watchdog.once('exit', () => resolve()));
      watchdog.stdin?.end();
      await Promise.race([gone, sleep(patience)]);
    }
    await rm(this.directory, { recursive: true, force: true, maxRetries: 3 });
  }

  #spawn({ name, file, args, env, cwd = this.directory }: Command): Member {
    if (this.#stopped !== undefined) throw new Error(`too late to start ${name}`);
    const logFile = join(this.directory, `${name}.log`);
    const log = openSync(logFile, 'a');
    const child = spawn(file, args, {
      cwd,
      env: env ?? { PATH: process.env['PATH'], HOME: this.directory },
      // A process group of its own, so that compilers end together with the `go` that started them.
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const pid = child.pid ?? -1;
    if (pid > 0) this.#watchdog.stdin?.write(`watch ${pid}\n`);
    const { promise: ended, resolve } = Promise.withResolvers<Ending>();
    const member: Member = { name, pid, logFile, ended, child, ending: undefined };
    const settle = (ending: Ending): void => {
      member.ending ??= ending;
      if (pid > 0) this.#watchdog.stdin?.write(`forget ${pid}\n`);
      resolve(member.ending);
    };
    child.once('error', (error) => settle({ ok: false, how: error.message }));
    child.once('exit', (code, killer) => settle({ ok: code === 0, how: killer ?? `exit code ${code}` }));
    this.#members.push(member);
    return member;
  }
}

async function end(member: Member): Promise<void> {
  if (member.ending !== undefined) return;
  signal(member, 'SIGTERM');
  const timeout = new AbortController();
  const late = sleep(patience, 'late', { signal: timeout.signal }).catch(() => 'stopped');
  const outcome = await Promise.race([member.ended, late]);
  timeout.abort();
  if (outcome !== 'late') return;
  signal(member, 'SIGKILL');
  member.child.ref();
  await member.ended;
}

function signal({ pid }: Member, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch {
    // It has just ended by itself.
  }
}

/** The last lines of a log; empty when there is none. */
export function lastLines(file: string, count = 20): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return '';
  }
}

function describe({ ending, logFile }: Member): string {
  const lines = lastLines(logFile);
  return `(${ending === undefined ? 'running' : ending.how}); its log ends with:\n${lines.replace(/^/gmu, '  ')}`;
}
