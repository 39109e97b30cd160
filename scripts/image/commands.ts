// What the commands of the image cost that end by themselves, beside Node's own start in the same container. Used by
// scripts/image/measure.
import { Container, type Ended, type Runnable } from './container.ts';
import { claim, figure, spread } from './findings.ts';
import type { PodSpec } from './pod.ts';

const runs = 5;

/** Node says at its end how much it had at most, in KiB. */
const sayPeak =
  "--import=\"data:text/javascript,process.on('exit',()=>console.error('peak:'+process.resourceUsage().maxRSS))\"";

/** Says what it finds. */
export async function measureCommands(image: Runnable): Promise<void> {
  const nothing: PodSpec = { args: [], env: {}, files: {} };
  const node = [image.config.Entrypoint?.[0] ?? ''];
  await measure('Node alone (-e 0), with runc', () =>
    Container.start(image, { ...nothing, args: ['-e', '0'] }, node),
  );
  const versions = await measure('version', () => Container.start(image, { ...nothing, args: ['version'] }));
  claim(
    'version says both versions',
    /^ecr-pull-secrets \S+ \(node 24\.\S+\)$/.test(versions.stdout.trim()),
    versions.stdout.trim(),
  );
  claim('Node takes the files as modules without a warning', versions.stderr === '', versions.stderr.trim());
  const bad = { '/etc/ecr-pull-secrets/config.yaml': 'secretname: wrong\n' };
  const refused = await measure('run with a bad configuration', () =>
    Container.start(image, { ...nothing, args: ['run'], files: bad }),
  );
  claim(
    'a bad configuration ends it with 2',
    refused.code === 2,
    refused.stderr.trim().split('\n').join(' '),
  );
  for (const args of [['version'], ['run']]) {
    const container = await Container.start(image, { args, files: bad, env: { NODE_OPTIONS: sayPeak } });
    const { stderr } = await container.ended;
    const kibibytes = Number(/peak:(\d+)/.exec(stderr)?.[1]);
    figure(`peak memory of ${args[0]}`, `${(kibibytes / 1024).toFixed(0)} MiB`);
  }
}

async function measure(what: string, start: () => Promise<Container>): Promise<Ended> {
  const times: number[] = [];
  let last: Ended | undefined;
  for (let count = 0; count < runs; count += 1) {
    last = await (await start()).ended;
    times.push(last.ms);
  }
  figure(what, spread(times, 'ms'));
  if (last === undefined) throw new Error('no run');
  return last;
}
