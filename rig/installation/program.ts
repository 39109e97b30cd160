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

/** As a pod: by the files that a kubelet mounts, and the address of the API server in the environment. */
export interface PodAccess {
  readonly url: string;
  readonly caFile: string;
  readonly tokenFile: string;
  readonly namespace: string;
}

/** What to start. */
interface ProgramOptions {
  /** The file to run; default: the source. */
  readonly main?: string;
  /** Options for Node itself. */
  readonly nodeOptions?: readonly string[];
  readonly pod?: PodAccess;
  readonly args: readonly string[];
  readonly installation?: Pick<Installation, 'webIdentityTokenFile'>;
  readonly aws?: AwsAccess;
  /** Over everything else. */
  readonly env?: Readonly<Record<string, string>>;
}

const source = join(import.meta.dirname, '../../src/main.ts');

/** Where a kubelet mounts them. */
const podCredentials = '/var/run/secrets/kubernetes.io/serviceaccount';

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
    const { main = source, nodeOptions = [], pod } = options;
    const command = [process.execPath, ...nodeOptions, main, ...options.args];
    // The group writes both streams to one file; here they are told apart. `exec`: the process is the program's own.
    const script = 'exec "$@" 2>"$0"';
    const started = group.start({
      name: 'stdout',
      ...(pod === undefined
        ? { file: 'sh', args: ['-c', script, stderrFile, ...command] }
        : {
            file: 'unshare',
            args: ['--mount', 'sh', '-c', `${mounting(pod)} && ${script}`, stderrFile, ...command],
          }),
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

/** Puts the files where a kubelet would, in a mount namespace of the program's own: nobody else sees them. Needs root. */
function mounting({ caFile, tokenFile, namespace }: PodAccess): string {
  return [
    'mount -t tmpfs none /run',
    `mkdir -p ${podCredentials}`,
    `cp '${caFile}' ${podCredentials}/ca.crt`,
    `cp '${tokenFile}' ${podCredentials}/token`,
    `printf %s '${namespace}' >${podCredentials}/namespace`,
  ].join(' && ');
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Nothing was written, or it could not be started.
    return '';
  }
}

function environment({ installation, aws, env, pod }: ProgramOptions, home: string): NodeJS.ProcessEnv {
  const server = pod === undefined ? undefined : new URL(pod.url);
  return {
    PATH: process.env['PATH'],
    HOME: home,
    TMPDIR: home,
    NODE_NO_WARNINGS: '1',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...(server && { KUBERNETES_SERVICE_HOST: server.hostname, KUBERNETES_SERVICE_PORT: server.port }),
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
