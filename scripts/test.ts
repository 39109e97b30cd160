// `npm test`: everything. The checks, then the test projects from the cheapest to the dearest; the last one starts a real
// control plane, which is built when the machine has none (about 10 minutes, once).
import { type Counts, add, checks, runCheck, runTests } from './steps.ts';

const projects = [
  ['unit', 'values and decisions, seconds'],
  ['adapters', 'real SDK and HTTP client against misbehaving servers, about half a minute'],
  ['simulation', 'the controller on a virtual clock for 30 days, about half a minute'],
  ['cluster', 'a real kube-apiserver and etcd, a few minutes; the first time they are built, about 10 more'],
] as const;

let counts: Counts = { passed: 0, failed: 0 };
for (const check of checks) counts = add(counts, await runCheck(check));
for (const [project, what] of projects) {
  console.log(`\n• ${project} tests: ${what}`);
  counts = add(counts, await runTests(project));
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 ? 0 : 1;
