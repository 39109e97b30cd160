// Runs the unpacked image by runc as the chart asks for it: user 65532, read-only root, no capability, no new privileges,
// the default seccomp profile; nothing is mounted that a pod would not have. On the network of this machine, so that it
// reaches the rig on loopback. Used by scripts/image/measure. No container outlives this process.
import { type ChildProcess, spawn } from 'node:child_process';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ImageConfig } from './layout.ts';
import type { PodSpec } from './pod.ts';
import { seccompProfile } from './seccomp.ts';
import { run, runAtTheEnd } from './tools.ts';

const user = 65532;

/** Where the image is. */
export interface Runnable {
  readonly config: ImageConfig;
  /** The unpacked image. */
  readonly root: string;
  /** For bundles and runc's state. */
  readonly folder: string;
}

/** How a container ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** From its start, in ms. */
  readonly ms: number;
}

let count = 0;

/** A started container. */
export class Container {
  readonly startedAt = performance.now();
  readonly ended: Promise<Ended>;
  readonly #state: string;
  readonly #name: string;
  #stdout = '';
  #stderr = '';
  #running = true;

  private constructor(state: string, name: string, child: ChildProcess) {
    this.#state = state;
    this.#name = name;
    child.stdout?.on('data', (chunk: Buffer) => (this.#stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
    const { promise, resolve } = Promise.withResolvers<Ended>();
    this.ended = promise;
    child.on('close', (code) => {
      this.#running = false;
      resolve({ code, stdout: this.#stdout, stderr: this.#stderr, ms: performance.now() - this.startedAt });
    });
    const remove = () => runAtTheEnd('runc', ['--root', state, 'delete', '--force', name]);
    // Before the folder with its state goes.
    process.prependListener('exit', remove);
    void promise.then(() => process.off('exit', remove));
  }

  /** Starts one. @param entrypoint in place of the image's */
  static async start(
    image: Runnable,
    pod: PodSpec,
    entrypoint = image.config.Entrypoint ?? [],
  ): Promise<Container> {
    count += 1;
    const name = `ecr-pull-secrets-image-${process.pid}-${count}`;
    const bundle = join(image.folder, name);
    await mkdir(bundle);
    const mounts = await writeMounts(pod, bundle);
    const config = await bundleConfig({ image, pod, args: [...entrypoint, ...pod.args], mounts, name });
    await writeFile(join(bundle, 'config.json'), JSON.stringify(config));
    const state = join(image.folder, 'runc');
    const child = spawn('runc', ['--root', state, 'run', '--bundle', bundle, name], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Container(state, name, child);
  }

  get running(): boolean {
    return this.#running;
  }

  /** What it has written to stdout so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** Its first process, as this machine counts. */
  async pid(): Promise<number> {
    const state = await run('runc', ['--root', this.#state, 'state', this.#name]);
    return (JSON.parse(state) as { pid: number }).pid;
  }

  /** As the kubelet does. */
  async signal(name: 'TERM' | 'KILL'): Promise<void> {
    if (this.#running) await run('runc', ['--root', this.#state, 'kill', this.#name, name]);
  }
}

/** One read-only folder for each that the pod mounts, as the kubelet makes them: of the pod's user. */
async function writeMounts({ files }: PodSpec, bundle: string): Promise<readonly object[]> {
  const folders = new Map<string, string>();
  for (const [path, content] of Object.entries(files)) {
    const folder = folders.get(dirname(path)) ?? join(bundle, `mount-${folders.size}`);
    folders.set(dirname(path), folder);
    await mkdir(folder, { recursive: true });
    const file = join(folder, basename(path));
    await writeFile(file, content, { mode: 0o400 });
    await chown(file, user, user);
  }
  return Array.from(folders, ([destination, source]) => ({
    destination,
    source,
    type: 'bind',
    options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec'],
  }));
}

interface Bundle {
  readonly image: Runnable;
  readonly pod: PodSpec;
  readonly args: readonly string[];
  readonly mounts: readonly object[];
  readonly name: string;
}

async function bundleConfig({ image, pod, args, mounts, name }: Bundle): Promise<object> {
  const none = { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] };
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: user, gid: user },
      args,
      env: [...(image.config.Env ?? []), ...Object.entries(pod.env).map(([key, value]) => `${key}=${value}`)],
      cwd: image.config.WorkingDir ?? '/',
      capabilities: none,
      noNewPrivileges: true,
    },
    root: { path: image.root, readonly: true },
    hostname: name,
    mounts: [...kernelMounts, ...mounts],
    linux: {
      namespaces: ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })),
      seccomp: await seccompProfile(),
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
      ...(pod.memoryLimit !== undefined && {
        resources: { memory: { limit: pod.memoryLimit * 2 ** 20 } },
      }),
    },
  };
}

/** As a node's runtime mounts them. Not /dev/shm, which would be writable: we do without. */
const kernelMounts = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=64k'],
  },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
  },
];
