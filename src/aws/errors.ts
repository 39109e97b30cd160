// Anything that the SDK throws → a FetchFailure, by the table of refusals. Called wherever a call to AWS is made. No text of
// AWS gets through but the error code: a message may repeat what was sent.
import { FetchFailure } from '../domain/errors.ts';
import { type AwsCall, describeCall } from './aws-call.ts';
import type { Refusal } from './refusal.ts';
import { byStatus, refusals, strangeAnswer } from './refusals.ts';

/** What the SDK's errors carry besides a message. */
interface SdkError {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly Code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

type Meaning = Pick<Refusal, 'reason' | 'advice'>;

/** Says what a failure of this call means. */
export function asFetchFailure(error: unknown, call: AwsCall): FetchFailure {
  if (error instanceof FetchFailure) return error;
  const thrown = (error ?? {}) as SdkError;
  const codes = codesOf(thrown);
  const found = codes.map((code) => refusalOf(code, thrown, call)).find((refusal) => refusal !== undefined);
  const { reason, advice } = meaningOf(thrown, found);
  const known = codes.find((code) => found?.codes.includes(plain(code)));
  const shown = known ?? codes.find((code) => code !== 'Error') ?? 'unknown error';
  const claims = call.claims ?? 'claims that could not be read';
  return new FetchFailure(
    reason,
    `${describeCall(call)}: ${shown}`,
    advice.replace('{claims}', () => claims),
  );
}

/** What is no word is no error code, and may be anything. `code` first: the SDK calls a cut connection a TimeoutError. */
function codesOf({ code, name, Code, cause }: SdkError): readonly string[] {
  const { code: deeper } = (cause ?? {}) as SdkError;
  return [code, name, Code, deeper]
    .filter((word) => typeof word === 'string')
    .filter((word) => isWord.test(word));
}

const isWord = /^[A-Za-z]\w{1,79}$/;

/** ECR writes `AccessDeniedException` where STS writes `AccessDenied`. */
const plain = (code: string): string => code.replace(/Exception$/, '');

function refusalOf(code: string, { message }: SdkError, { action }: AwsCall): Refusal | undefined {
  const text = typeof message === 'string' ? message : '';
  return refusals.find(
    ({ codes, at, says }) =>
      codes.includes(plain(code)) &&
      (at === undefined || at.includes(action)) &&
      (says === undefined || says.test(text)),
  );
}

function meaningOf({ message, $metadata }: SdkError, found: Refusal | undefined): Meaning {
  const status = $metadata?.httpStatusCode;
  // The page of a broken gateway is no JSON either; its status says more.
  if (found?.reason === 'invalid-answer' && status !== undefined && status >= 500)
    return byStatus.unavailable;
  if (found !== undefined) return found;
  // All that the default chain says of an STS answer without credentials.
  if (typeof message === 'string' && message.startsWith('Invalid response from STS')) return strangeAnswer;
  return ofStatus(status);
}

function ofStatus(status: number | undefined): Meaning {
  if (status === 429) return byStatus.throttled;
  // Of plain endpoints, which are asked for through a proxy without a tunnel. AWS itself never says so.
  if (status === 407) return byStatus.proxy;
  return status !== undefined && status >= 400 && status < 500 ? byStatus.refused : byStatus.unavailable;
}
