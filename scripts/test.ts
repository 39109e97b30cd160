// `npm test`: everything. The checks, then the test projects from the cheapest to the dearest; the last two start a real
// control plane each, the newest Kubernetes and the oldest that is supported. What the machine does not have of them is
// built (about 15 minutes, once); what cannot be had fails its project, and the output names the cure.
import { type Counts, add, checks, runCheck, runTests } from './steps.ts';

const projects = [
  ['unit', 'values and decisions, about half a minute'],
  ['adapters', 'real SDK and HTTP client against misbehaving servers, about a minute'],
  ['simulation', 'the controller and its replicas on a virtual clock for weeks, about half a minute'],
  [
    'cluster',
    'a real kube-apiserver and etcd, about 15 minutes; the first time they are built, about 10 more',
  ],
  [
    'oldest',
    'those about the API server again, on the oldest Kubernetes, some 8 minutes; the first time it is built, about 5 more',
  ],
] as const;

let counts: Counts = { passed: 0, failed: 0 };
for (const check of checks) counts = add(counts, await runCheck(check));
for (const [project, what] of projects) {
  console.log(`\n• ${project} tests: ${what}`);
  counts = add(counts, await runTests(project));
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 ? 0 : 1;
