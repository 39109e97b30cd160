// `npm run check`: types, lint, format, unused code and the unit tests, in seconds; what to run before each commit.
import { type Counts, add, checks, runCheck, runTests } from './steps.ts';

let counts: Counts = { passed: 0, failed: 0 };
for (const check of checks) counts = add(counts, await runCheck(check));
counts = add(counts, await runTests('unit'));
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 ? 0 : 1;
