// The real program as a child process, watched from outside as an operator would: its log, its metrics, its probes, its
// signals. Used by demo, bench and cluster tests. It must not reach into the program, nor give it more rights than the
// installation's ServiceAccount has.
import { setTimeout as sleep } from 'node:timers/promises';
import type { IdentityFiles } from './installation/identity-files.ts';
import { type AwsAccess, type PodAccess, Program } from './installation/program.ts';
import { readMetric } from './installation/read-metric.ts';

/** What of an installation a program is started with. */
type ControllerFiles = Pick<IdentityFiles, 'configFile' | 'kubeconfigFile' | 'webIdentityTokenFile'>;

/** How to start the controller. */
export interface StartControllerOptions {
  readonly installation: ControllerFiles;
  readonly aws: AwsAccess;
  /** After the others. */
  readonly args?: readonly string[];
  /** As an image would hold it: the bundle, and how Node runs it. Default: the source. */
  readonly bundle?: { readonly main: string; readonly nodeOptions: readonly string[] };
  /** As a pod, without a kubeconfig; needs root. Default: by kubeconfig. */
  readonly pod?: PodAccess;
  /** Over the clean environment that it gets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether to wait for `/readyz`; default true. */
  readonly waitReady?: boolean;
}

/** A line of the log, parsed. */
type LogLine = Readonly<Record<string, unknown>>;

/** A started controller. */
export interface ControllerProcess {
  readonly pid: number;
  /** Where it serves probes and metrics. */
  readonly url: string;
  /** The lines of its log so far. */
  logs(): readonly LogLine[];
  /** All it has written to stdout and stderr so far. */
  output(): string;
  /** What /metrics answers. */
  metrics(): Promise<string>;
  /** The value of a series; of several that have these labels, their sum; undefined when there is none. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number | undefined>;
  /** Whether it runs and /readyz answers 200. */
  ready(): Promise<boolean>;
  /** Asks it to end; after 20 s it is killed. @returns its exit code, null when a signal ended it, and how long it took */
  stop(signal?: NodeJS.Signals): Promise<{ readonly code: number | null; readonly ms: number }>;
  /** Ends it without goodbye. */
  kill(): Promise<void>;
}

/** How long a start may take, in ms: the machine may be busy with other things. */
const startLimit = 30_000;

/** How long a stop may take before it is forced, in ms; twice what the program promises. */
const stopLimit = 20_000;

/** Starts `run`. @throws Error with exit code and last output when it ends or does not get ready */
export async function startController(options: StartControllerOptions): Promise<ControllerProcess> {
  const { installation, aws, args = [], env, bundle, pod, waitReady = true } = options;
  const where = pod === undefined ? clusterArgs(installation) : ['--config', installation.configFile];
  const program = await Program.start({
    args: ['run', ...where, '--listen', '127.0.0.1:0', '--log-level', 'debug', ...args],
    installation,
    ...bundle,
    ...(pod && { pod }),
    aws,
    ...(env && { env }),
  });
  const controller = new RunningController(program);
  try {
    await controller.started(waitReady);
  } catch (error) {
    await controller.kill();
    throw error;
  }
  return controller;
}

/** A command that ends by itself. */
interface RunToEndOptions {
  /** The command and its options. */
  readonly args: readonly string[];
  /** Adds `--config` and `--kubeconfig`, which those in `args` overrule; leave it out for a command that takes neither, as `version`. */
  readonly installation?: ControllerFiles;
  readonly aws?: AwsAccess;
  readonly env?: Readonly<Record<string, string>>;
  /** After this many ms it is killed. Default 60 s. */
  readonly limit?: number;
}

/** Runs a command to its end. @returns exit code, null when it had to be killed, and what it wrote */
export async function runToEnd(
  options: RunToEndOptions,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const { args, installation, limit = 60_000, ...rest } = options;
  const program = await Program.start({
    ...rest,
    args: installation ? [...args.slice(0, 1), ...clusterArgs(installation), ...args.slice(1)] : args,
    ...(installation && { installation }),
  });
  const code = await program.end(limit);
  return { code, stdout: program.stdout, stderr: program.stderr };
}

const clusterArgs = ({ configFile, kubeconfigFile }: ControllerFiles): readonly string[] => [
  '--config',
  configFile,
  '--kubeconfig',
  kubeconfigFile,
];

class RunningController implements ControllerProcess {
  readonly #program: Program;
  readonly #logs: LogLine[] = [];
  #parsedTo = 0;

  constructor(program: Program) {
    this.#program = program;
  }

  get pid(): number {
    return this.#program.pid;
  }

  get url(): string {
    const url = this.#listeningAt();
    if (url === undefined) throw new Error('the controller has not said where it listens');
    return url;
  }

  logs(): readonly LogLine[] {
    const { stdout } = this.#program;
    const end = stdout.lastIndexOf('\n') + 1;
    for (const line of stdout.slice(this.#parsedTo, end).split('\n')) {
      const parsed = parseLine(line);
      if (parsed !== undefined) this.#logs.push(parsed);
    }
    this.#parsedTo = end;
    return this.#logs;
  }

  output(): string {
    return this.#program.stdout + this.#program.stderr;
  }

  async metrics(): Promise<string> {
    const response = await fetch(`${this.url}/metrics`);
    return response.text();
  }

  async metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number | undefined> {
    return readMetric(await this.metrics(), name, labels);
  }

  async ready(): Promise<boolean> {
    const url = this.#listeningAt();
    if (url === undefined || !this.#program.running) return false;
    try {
      const response = await fetch(`${url}/readyz`);
      await response.arrayBuffer();
      return response.status === 200;
    } catch {
      return false;
    }
  }

  async stop(
    signal: NodeJS.Signals = 'SIGTERM',
  ): Promise<{ readonly code: number | null; readonly ms: number }> {
    const startedAt = performance.now();
    this.#program.signal(signal);
    const code = await this.#program.end(stopLimit);
    return { code, ms: performance.now() - startedAt };
  }

  async kill(): Promise<void> {
    await this.#program.end(0);
  }

  /** Waits until it serves, or is ready. */
  async started(waitReady: boolean): Promise<void> {
    const deadline = performance.now() + startLimit;
    while (!(await this.#isUp(waitReady))) {
      if (!this.#program.running) {
        throw new Error(`the controller ended with ${await this.#program.end(0)}: ${this.#lastOutput()}`);
      }
      if (performance.now() > deadline) {
        throw new Error(`the controller was not ready within ${startLimit / 1000} s: ${this.#lastOutput()}`);
      }
      await sleep(20);
    }
  }

  #isUp(waitReady: boolean): Promise<boolean> | boolean {
    return waitReady ? this.ready() : this.#listeningAt() !== undefined;
  }

  #listeningAt(): string | undefined {
    const line = this.logs().find(({ msg }) => msg === 'listening');
    return typeof line?.['url'] === 'string' ? line['url'] : undefined;
  }

  #lastOutput(): string {
    return this.output().slice(-4_000).trim() || '(it wrote nothing)';
  }
}

/** What is no JSON object is no log line; `output()` has it all the same. */
function parseLine(line: string): LogLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as LogLine) : undefined;
  } catch {
    return undefined;
  }
}
