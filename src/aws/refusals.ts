// What AWS's refusals mean, as one table: where it was said, AWS's literal code and words, what kind of failure it is, and
// what a person should look at. Read by errors; docs/aws-errors.md is generated from it. A new meaning is a row of one of the
// three parts. Where AWS says the same for several causes, the advice names them all and prints what there is to compare.
import { generalRefusals } from './general-refusals.ts';
import { ecrRefusals } from './ecr-refusals.ts';
import type { Refusal } from './refusal.ts';
import { stsRefusals } from './sts-refusals.ts';

/** The table; of the rows that fit, the first is taken. */
export const refusals: readonly Refusal[] = [...stsRefusals, ...ecrRefusals, ...generalRefusals];

/** An answer that is not AWS's, told by other means than its code. */
export const strangeAnswer: Pick<Refusal, 'reason' | 'advice'> = {
  reason: 'invalid-answer',
  advice: 'the answer is not one of AWS: check proxy and endpoint overrides',
};

/** By HTTP status, for codes that are not in the table. */
export const byStatus = {
  throttled: { reason: 'throttled', advice: 'AWS throttles us: it is tried again by itself, more slowly' },
  proxy: {
    reason: 'unavailable',
    advice: 'the proxy of HTTP_PROXY asks for a login that it was not given: check the login in its URL',
  },
  refused: {
    reason: 'denied',
    advice: 'AWS refuses the request; its error code is in the log of the controller',
  },
  unavailable: {
    reason: 'unavailable',
    advice: 'AWS failed, or could not be reached: it is tried again by itself',
  },
} as const satisfies Record<string, Pick<Refusal, 'reason' | 'advice'>>;
