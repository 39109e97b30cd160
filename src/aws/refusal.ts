// One row of the table of AWS's refusals, whose parts are in the files beside this one. Types only; it says nothing of what is
// done about a refusal.
import type { FetchFailureReason } from '../domain/errors.ts';
import type { AwsAction } from './aws-call.ts';

/** One row; the first that fits is taken. */
export interface Refusal {
  /** Where it was said; absent: anywhere. */
  readonly at?: readonly AwsAction[];
  /** AWS's error code, or the error's of Node or the SDK, without `Exception` at its end. */
  readonly codes: readonly string[];
  /** Told apart by AWS's words; only whether they fit is used. */
  readonly says?: RegExp;
  /** AWS's message as it is, for the documentation; absent: it is Node's, or varies. */
  readonly message?: string;
  readonly reason: FetchFailureReason;
  /** `{claims}`: what the web identity token says of itself. */
  readonly advice: string;
  /** Where code and message are from. */
  readonly source: string;
}
