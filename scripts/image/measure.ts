// Runs the built image as a pod of the chart against a real API server and a fake AWS on loopback: what it may do, what it
// needs, what it costs. Used by scripts/image.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { usageOf } from '../../bench/usage.ts';
import { startControlPlane } from '../../rig/control-plane/control-plane.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { measureCommands } from './commands.ts';
import { Container, type Runnable } from './container.ts';
import { claim, figure, spread } from './findings.ts';
import { type PodSpec, podOf } from './pod.ts';
import { tryToWrite } from './writable.ts';

/** How often it is started. */
const starts = 5;

/** How long it is left alone before its memory is read, in ms. */
const idle = 30_000;

/** Says what it finds. */
export async function measureImage(image: Runnable): Promise<void> {
  console.log('• running it by runc: user 65532, read-only root, no capability, default seccomp profile');
  await measureCommands(image);
  const note = (line: string) => console.log(line);
  const started = await startControlPlane({ progress: note });
  try {
    const config = { registries: ['111122223333.dkr.ecr.eu-west-1.amazonaws.com'] };
    const stage = await openStage({ plane: started.plane, name: 'image', config, progress: note });
    try {
      await measureController(image, stage);
    } finally {
      await stage.close();
    }
  } finally {
    await started.stop();
  }
}

async function measureController(image: Runnable, stage: Stage): Promise<void> {
  const namespace = await stage.createNamespace('team', { 'ecr-pull-secrets/enabled': 'true' });
  const chart = await podOf(stage);
  // The chart's own default is every address of the pod; here that would be every address of this machine.
  const pod = { ...chart, args: [...chart.args, '--listen', '127.0.0.1:0'] };
  const ready: number[] = [];
  const ends: number[] = [];
  let codes = '';
  for (let start = 1; start <= starts; start += 1) {
    const container = await Container.start(image, pod);
    ready.push(await readyAfter(container));
    if (start === starts) await lookAt({ image, stage, pod, container, namespace });
    const askedAt = performance.now();
    await container.signal('TERM');
    codes += ` ${(await container.ended).code}`;
    ends.push(performance.now() - askedAt);
  }
  figure('from runc to /readyz', spread(ready, 'ms'));
  claim(
    'SIGTERM ends it, as the first process of its namespace',
    codes === ' 0'.repeat(starts),
    spread(ends, 'ms'),
  );
}

async function readyAfter(container: Container): Promise<number> {
  while (container.running) {
    const url = /"url":"([^"]+)"/.exec(container.stdout)?.[1];
    if (url !== undefined && (await answers(`${url}/readyz`))) return performance.now() - container.startedAt;
    await sleep(10);
  }
  const { code, stdout, stderr } = await container.ended;
  throw new Error(`the container ended with ${code}: ${(stdout + stderr).slice(-2_000)}`);
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined);
  await response?.arrayBuffer();
  return response?.status === 200;
}

interface Running {
  readonly image: Runnable;
  readonly stage: Stage;
  readonly pod: PodSpec;
  readonly container: Container;
  readonly namespace: string;
}

async function lookAt({ image, stage, pod, container, namespace }: Running): Promise<void> {
  const secret = `/api/v1/namespaces/${namespace}/secrets/${stage.secretName}`;
  const deadline = performance.now() + 10_000;
  while ((await stage.admin.get(secret)) === undefined && performance.now() < deadline) await sleep(20);
  claim('it has written the namespace’s Secret', (await stage.admin.get(secret)) !== undefined);
  const pid = await container.pid();
  confined(pid);
  await tryToWrite(image, pod);
  await sleep(idle);
  const { rss, peakRss, cpuSeconds } = usageOf(pid);
  figure(
    `resident after ${idle / 1000} s idle, one namespace`,
    `${rss.toFixed(0)} MiB, peak ${peakRss.toFixed(0)} MiB`,
  );
  figure('CPU since its start', `${cpuSeconds.toFixed(2)} s`);
  figure('threads', field(pid, 'Threads'));
}

/** By what the kernel says of the process. */
function confined(pid: number): void {
  const expected = {
    Uid: '65532 65532 65532 65532',
    Gid: '65532 65532 65532 65532',
    Groups: '',
    CapEff: '0000000000000000',
    CapPrm: '0000000000000000',
    CapBnd: '0000000000000000',
    NoNewPrivs: '1',
    Seccomp: '2',
  };
  for (const [name, value] of Object.entries(expected)) {
    const seen = field(pid, name);
    claim(`${name} is ${value === '' ? 'empty' : value}`, seen === value, seen === value ? '' : seen);
  }
  const root = readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find((fields) => fields[4] === '/');
  claim('its root is mounted read-only', root?.[5]?.split(',').includes('ro') === true, root?.[5]);
}

function field(pid: number, name: string): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (new RegExp(`^${name}:(.*)$`, 'm').exec(status)?.[1] ?? '').trim().replaceAll(/\s+/g, ' ');
}
