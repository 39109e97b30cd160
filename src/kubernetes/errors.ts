// What the API server's refusals mean. Every failed request becomes an ApiError at the door (kubernetes/api), without
// the response body, which may repeat what was sent; `translate` turns it into the controller's words.
import { Blocked, NamespaceGone, Retryable } from '../domain/errors.ts';

/** Why a single field was refused, as the API server's Status object lists it. */
export interface ErrorCause {
  readonly reason: string;
  readonly field: string;
}

/** What is kept of a failed request. */
export interface Failure {
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** The machine-readable reason of the Status object, or the error code of a failed connection. */
  readonly reason: string;
  readonly causes?: readonly ErrorCause[];
  /** What `Retry-After` asked for, in ms. */
  readonly afterMs?: number | undefined;
  /** The admission policy, webhook or quota that denied it. */
  readonly deniedBy?: string | undefined;
}

/** A request that the API server did not fulfil. The message names the request and the reason, nothing else. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;
  readonly causes: readonly ErrorCause[];
  readonly afterMs: number | undefined;
  readonly deniedBy: string | undefined;

  constructor(request: string, { status, reason, causes = [], afterMs, deniedBy }: Failure) {
    super(status === 0 ? `${request}: no answer (${reason})` : `${request}: ${status} ${reason}`);
    this.status = status;
    this.reason = reason;
    this.causes = causes;
    this.afterMs = afterMs;
    this.deniedBy = deniedBy;
  }
}

/** A request that would have been begun when it was no longer ours to make. */
export const notSent = ({ method, path }: { readonly method: string; readonly path: string }): ApiError =>
  new ApiError(`${method} ${path}`, { status: 0, reason: 'not sent, another replica leads' });

/** The list or watch cannot go on from where it was: a new list is needed. */
export const isGone = (error: unknown): boolean => error instanceof ApiError && error.status === 410;

/** We have no right to it. */
export const isForbidden = (error: unknown): boolean => error instanceof ApiError && error.status === 403;

/** The object has changed, gone, or been replaced since we looked: look again before doing anything. */
export function isOutdated(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  // An apply that carries the uid of an object which has been replaced is answered by 422 on metadata.uid.
  const replaced = error.status === 422 && error.causes.some(({ field }) => field === 'metadata.uid');
  return replaced || error.status === 409 || error.status === 404;
}

/**
 * What a failed request means to the controller. @returns Retryable, Blocked or NamespaceGone; anything that is no
 * ApiError comes back as it is
 * @param what the attempt in words, such as `apply Secret team-a/ecr-pull-secret`
 */
export function translate(error: unknown, what: string): unknown {
  if (!(error instanceof ApiError)) return error;
  if (error.causes.some(({ reason }) => reason === 'NamespaceTerminating'))
    return new NamespaceGone(error.message);
  const retry = retryReason(error);
  if (retry !== undefined) return new Retryable(retry, error.message, error.afterMs);
  if (error.deniedBy !== undefined) return denied(error.deniedBy, what);
  if (error.status === 403) return forbidden(what);
  return rejected(error, what);
}

function retryReason(error: ApiError): Retryable['reason'] | undefined {
  if (error.status === 0) return 'network';
  if (isOutdated(error)) return 'conflict';
  if (error.status === 401) return 'unauthorized';
  if (error.status === 429) return 'throttled';
  return error.status >= 500 ? 'server-error' : undefined;
}

const denied = (policy: string, what: string): Blocked =>
  new Blocked({
    reason: 'Forbidden',
    subject: what,
    note: policy.startsWith('ResourceQuota ')
      ? `${policy} forbids us to ${what}: let it allow one more Secret`
      : `the admission policy or webhook ${policy} denies us to ${what}: let it except these Secrets, or set the labels and annotations that it demands by secretLabels and secretAnnotations`,
  });

const forbidden = (what: string): Blocked =>
  new Blocked({
    reason: 'Forbidden',
    subject: what,
    note: `the API server forbids us to ${what}: compare the controller's rights (its ClusterRole, or its Role in the namespace) with the chart's, and look for an admission policy that denies it`,
  });

function rejected({ status, reason, causes }: ApiError, what: string): Blocked {
  const fields = [...new Set(causes.map(({ field }) => field))].join(', ').slice(0, 200);
  const about = fields === '' ? '' : ` (${fields})`;
  return new Blocked({
    reason: 'SecretRejected',
    subject: what,
    note: `the API server refuses to ${what}: ${status} ${reason}${about}. An immutable Secret must be deleted by its owner; otherwise an admission policy or webhook denies it`,
  });
}
