// `npm run bench`: what the controller costs and how fast it is, beside the raw limit of the same API server in the same run.
// Ratios say more than times: machines are shared and noisy. `-- --small` leaves out the 10,000 namespaces. Prints; asserts
// nothing.
import { startControlPlane } from '../rig/control-plane/control-plane.ts';
import { openStage } from '../rig/stage.ts';
import { buildBundle } from '../scripts/build.ts';
import { Crowd } from './crowd.ts';
import { measureFill, measureForeign, measureRestart } from './fill.ts';
import { measureLatencies } from './latencies.ts';
import { measureRaw } from './raw.ts';
import { Report } from './report.ts';

await buildBundle();
const small = process.argv.includes('--small');
const report = new Report();
const started = await startControlPlane({ progress: (line) => report.note(line) });
try {
  const { plane } = started;
  const config = {
    registries: ['111122223333.dkr.ecr.eu-west-1.amazonaws.com'],
    // All at the same moment: the worst case, and one that can be watched.
    refresh: { spread: 0 },
  };
  const stage = await openStage({ plane, name: 'bench', config, progress: (line) => report.note(line) });
  try {
    const crowd = await Crowd.gather(stage, 1_000, report);
    const raw = await measureRaw(stage, crowd, report);
    await measureFill({ stage, crowd, raw, report, life: 60 });
    await measureRestart(stage, crowd, report);
    await measureLatencies({ stage, crowd, report });
    await measureForeign(stage, crowd, report);
    if (!small) {
      const many = await Crowd.gather(stage, 10_000, report);
      await measureFill({ stage, crowd: many, raw, report, life: 400 });
    }
  } finally {
    await stage.close();
  }
} finally {
  await started.stop();
}
report.print();
