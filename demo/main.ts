// `npm run demo`: a real control plane, the real controller under the chart's rights, a fake AWS that verifies its token,
// and a registry that admits only what that AWS issued. Goes on until Ctrl-C; with --exit it ends by itself, with exit code
// 0 when everything held that it shows.
import { setTimeout as sleep } from 'node:timers/promises';
import { startControlPlane } from '../rig/control-plane/control-plane.ts';
import { startRegistry } from '../rig/registry/registry.ts';
import { openStage, partnerRole } from '../rig/stage.ts';
import { Screen } from './screen.ts';
import {
  type Scene,
  account,
  firstTenants,
  ireland,
  manyAtOnce,
  oneReplacement,
  shortLived,
} from './story.ts';

/** The tokens of the controller's own ServiceAccount live an hour; in a pod the kubelet renews them. In ms. */
const renewAfter = 30 * 60_000;

/** With --exit, how many replacements are shown. */
const replacements = 2;

const endsItself = process.argv.includes('--exit');
const screen = new Screen();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
const untilInterrupted = new Promise<void>((resolve) => {
  interrupted.signal.addEventListener('abort', () => resolve());
});

/** Sets everything up; what was begun ends with `ends`. */
async function setStage(ends: AsyncDisposableStack): Promise<Scene> {
  screen.heading(
    'Setting the stage (a few seconds; the first time the control plane is built, about 10 minutes)',
  );
  const progress = (line: string) => screen.note(line);
  const running = await startControlPlane({ progress });
  ends.defer(() => running.stop());
  const { plane } = running;
  screen.note(`etcd and kube-apiserver ${plane.version} run at ${plane.url}`);
  screen.note(`look around: export KUBECONFIG=${plane.adminKubeconfig}`);
  const profiles = {
    partner: { registries: [ireland], namespaces: ['demo-*'], roleArn: partnerRole('pull') },
  };
  const config = { registries: [ireland], profiles };
  const stage = await openStage({ plane, name: 'demo', partners: ['pull'], config, progress });
  ends.defer(() => stage.close());
  stage.aws.behave({ service: 'ecr', region: shortLived.region }, { lifeSeconds: shortLived.seconds });
  screen.note(
    `chart installed; fake AWS at ${stage.aws.url}: its tokens for ${shortLived.region} live ${shortLived.seconds} s`,
  );
  const registry = await startRegistry({ admits: (password) => stage.aws.verdict(password) });
  ends.defer(() => registry.close());
  const controller = await stage.startController();
  screen.note(`controller runs as ${stage.installation.user}; metrics at ${controller.url}/metrics`);
  const renewal = setInterval(() => void stage.installation.refreshTokens(), renewAfter);
  ends.defer(() => clearInterval(renewal));
  return { stage, registry, controller, screen };
}

async function play(scene: Scene): Promise<void> {
  const tenant = await firstTenants(scene);
  await manyAtOnce(scene);
  const until = endsItself ? '' : ' (until Ctrl-C)';
  screen.heading(`Tokens that live ${shortLived.seconds} s are replaced before they expire${until}`);
  const times = endsItself ? replacements : Infinity;
  for (let shown = 0; shown < times; shown += 1) await oneReplacement(scene, tenant);
}

async function main(): Promise<void> {
  const ends = new AsyncDisposableStack();
  try {
    const scene = await Promise.race([setStage(ends), untilInterrupted]);
    if (scene !== undefined) {
      await Promise.race([play(scene), untilInterrupted]);
      await account(scene);
    }
  } catch (error) {
    screen.check(false, error instanceof Error ? error.message : String(error));
  }
  screen.note('stopping');
  const stopped = ends
    .disposeAsync()
    .catch((error: unknown) => screen.check(false, `stopping: ${String(error)}`));
  await Promise.race([stopped, sleep(30_000)]);
  screen.heading(`${screen.held} checks held, ${screen.failed} failed`);
  process.exit(screen.failed === 0 ? 0 : 1);
}

await main();
