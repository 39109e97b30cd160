// How often the contract lets AWS be asked while it fails, and whether it was: from the fake AWS's own record of calls. Used by
// the tests of failures. The rule stands here once more, on purpose: taken from the program, it would excuse the program.
import type { CallRecord } from '../../rig/fake-aws/call-log.ts';
import type { Stage } from '../../rig/stage.ts';

/** The bound of the first delay in ms: after what usually passes by itself, and after a denial. */
export const firstDelay = { passing: 1_000, denial: 30_000 } as const;

/** The ECR calls to a region, in the order of their beginning. */
export const ecrCalls = ({ aws }: Stage, region: string): readonly CallRecord[] =>
  aws.calls.filter((call) => call.service === 'ecr' && call.region === region);

/**
 * The most calls that may have been made until now, when the first of these failed and so did all after it: the bound of
 * the delay doubles with each failure, and the delay lies in its upper half. It grows with the time that has really passed,
 * so it holds on a busy machine too.
 */
export function mostCalls([first]: readonly CallRecord[], firstDelayMs: number): number {
  const passed = Date.now() - (first?.startedAt ?? Date.now());
  return 1 + Math.floor(Math.log2(1 + passed / (firstDelayMs / 2)));
}

/** The longest that may pass until the next call, in ms, after so many failures in a row. */
export const longestDelay = (failures: number, firstDelayMs: number): number =>
  firstDelayMs * 2 ** (failures - 1);
