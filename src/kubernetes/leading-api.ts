// An Api that changes something only while this process leads: every request that is no GET passes the lease first. Wrapped
// around the Api of everything that writes; watches and the lease itself go by the plain one. A request that was under way when
// the lease ended is stopped by what it carries: the version and uid that were seen.
import type { Api, ApiAnswer, ApiCall, WatchEvent } from '../controller/ports.ts';
import { ApiError } from './errors.ts';

/** Wraps an Api. */
export class LeadingApi implements Api {
  readonly #api: Api;
  readonly #mayWrite: () => boolean;

  constructor(api: Api, mayWrite: () => boolean) {
    this.#api = api;
    this.#mayWrite = mayWrite;
  }

  async call(call: ApiCall): Promise<ApiAnswer> {
    if (call.method !== 'GET' && !this.#mayWrite()) {
      throw new ApiError(`${call.method} ${call.path}`, {
        status: 0,
        reason: 'not sent, another replica leads',
      });
    }
    return this.#api.call(call);
  }

  watch(call: ApiCall, signal: AbortSignal): AsyncIterable<WatchEvent> {
    return this.#api.watch(call, signal);
  }
}
