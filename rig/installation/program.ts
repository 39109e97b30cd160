// The real program as a child process, in an environment that has nothing of this machine's: no AWS profile, no
// kubeconfig, no proxy. Used by rig/controller-process only. It leaves neither process nor folder behind, also when this
// process is killed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessGroup, type StartedProcess } from '../control-plane/processes.ts';
import type { Installation } from '../installation.ts';

/** Where the program finds AWS, and as whom it comes. */
export interface AwsAccess {
  /** `url` of the fake AWS. */
  readonly endpoint: string;
  /** The role to assume with the installation's web identity token. */
  readonly roleArn?: string;
  /** Default `eu-west-1`. */
  readonly region?: string;
  /** Static keys instead of a role. */
  readonly accessKey?: { readonly id: string; readonly secret: string };
}

/** What to start. */
interface ProgramOptions {
  readonly args: readonly string[];
  readonly installation?: Pick<Installation, 'webIdentityTokenFile'>;
  readonly aws?: AwsAccess;
  /** Over everything else. */
  readonly env?: Readonly<Record<string, string>>;
}

const main = join(import.meta.dirname, '../../src/main.ts');

/** A started program. */
export class Program {
  readonly pid: number;
  readonly #group: ProcessGroup;
  readonly #process: StartedProcess;
  readonly #stderrFile: string;
  #running = true;
  /** What it wrote, once its folder is gone. */
  #last: { readonly stdout: string; readonly stderr: string } | undefined;

  private constructor(group: ProcessGroup, started: StartedProcess, stderrFile: string) {
    this.pid = started.pid;
    this.#group = group;
    this.#process = started;
    this.#stderrFile = stderrFile;
    void this.#noteEnd();
  }

  static async start(options: ProgramOptions): Promise<Program> {
    const group = await ProcessGroup.open();
    const stderrFile = join(group.directory, 'stderr.log');
    const started = group.start({
      name: 'stdout',
      // The group writes both streams to one file; here they are told apart. `exec`: the process is the program's own.
      file: 'sh',
      args: ['-c', 'exec "$@" 2>"$0"', stderrFile, process.execPath, main, ...options.args],
      env: environment(options, group.directory),
    });
    return new Program(group, started, stderrFile);
  }

  get running(): boolean {
    return this.#running;
  }

  /** What it has written so far. */
  get stdout(): string {
    return this.#last?.stdout ?? readIfThere(this.#process.logFile);
  }

  get stderr(): string {
    return this.#last?.stderr ?? readIfThere(this.#stderrFile);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#running && this.pid > 0) process.kill(this.pid, signal);
  }

  /** Waits for its end, which is forced after `limit` ms. @returns the exit code, null when a signal ended it */
  async end(limit: number): Promise<number | null> {
    const force = setTimeout(() => this.signal('SIGKILL'), limit);
    const { how } = await this.#process.ended;
    clearTimeout(force);
    this.#last ??= { stdout: this.stdout, stderr: this.stderr };
    await this.#group.stop();
    const code = /^exit code (\d+)$/.exec(how)?.[1];
    return code === undefined ? null : Number(code);
  }

  async #noteEnd(): Promise<void> {
    await this.#process.ended;
    this.#running = false;
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Nothing was written, or it could not be started.
    return '';
  }
}

function environment({ installation, aws, env }: ProgramOptions, home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: home,
    TMPDIR: home,
    NODE_NO_WARNINGS: '1',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...(aws && { AWS_ENDPOINT_URL: aws.endpoint, AWS_REGION: aws.region ?? 'eu-west-1' }),
    ...(aws?.roleArn !== undefined &&
      installation && {
        AWS_ROLE_ARN: aws.roleArn,
        AWS_WEB_IDENTITY_TOKEN_FILE: installation.webIdentityTokenFile,
      }),
    ...(aws?.accessKey && {
      AWS_ACCESS_KEY_ID: aws.accessKey.id,
      AWS_SECRET_ACCESS_KEY: aws.accessKey.secret,
    }),
    ...env,
  };
}
