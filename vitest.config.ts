// Five test projects, from the cheapest to the dearest; scripts/test.ts runs them in this order.
// The last two start one real control plane each for all their files, so those run one after another.
import { defineConfig } from 'vitest/config';

const onControlPlane = {
  globalSetup: ['test/cluster/control-plane.setup.ts'],
  fileParallelism: false,
  testTimeout: 180_000,
  hookTimeout: 120_000,
};

/**
 * Cluster tests that the oldest Kubernetes is spared, as they need minutes and ask little of an API server that is not asked
 * by the others: everything that is written, read, watched and refused runs on both. A new file runs on both by itself. All
 * of them passed on the oldest when it was taken up.
 */
const newestOnly = [
  // AWS: how it fails, hangs and limits, and the file with our token for it.
  'failures',
  'failures-when-due',
  'isolation',
  'identities-at-scale',
  'token-file',
  // Time: whole lives of tokens, and one controller after another.
  'lifetimes',
  'restart',
  'configuration',
  // What helm renders and refuses, before any API server.
  'chart-{names,notes,refusals,values}',
].map((name) => `test/cluster/${name}.test.ts`);

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/*.test.ts', 'test/unit/**/*.test.ts'] } },
      { test: { name: 'adapters', include: ['test/adapters/**/*.test.ts'], testTimeout: 30_000 } },
      { test: { name: 'simulation', include: ['test/simulation/**/*.test.ts'], testTimeout: 300_000 } },
      { test: { name: 'cluster', include: ['test/cluster/**/*.test.ts'], ...onControlPlane } },
      {
        test: {
          name: 'oldest',
          include: ['test/cluster/**/*.test.ts'],
          exclude: newestOnly,
          ...onControlPlane,
        },
      },
    ],
  },
});
