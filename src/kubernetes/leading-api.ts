// An Api that changes something only while this process leads: every request that is no GET passes the lease first, and again
// when it is really sent. Wrapped around the Api of everything that writes; watches and the lease itself go by the plain one. A request that was under way when
// the lease ended is stopped by what it carries: the version and uid that were seen.
import type { Api, ApiAnswer, ApiCall, WatchEvent } from '../controller/ports.ts';
import { notSent } from './errors.ts';

/** Wraps an Api. */
export class LeadingApi implements Api {
  readonly #api: Api;
  readonly #mayWrite: () => boolean;

  constructor(api: Api, mayWrite: () => boolean) {
    this.#api = api;
    this.#mayWrite = mayWrite;
  }

  async call(call: ApiCall): Promise<ApiAnswer> {
    if (call.method === 'GET') return this.#api.call(call);
    if (!this.#mayWrite()) throw notSent(call);
    return this.#api.call({ ...call, mayStart: this.#mayWrite });
  }

  watch(call: ApiCall, signal: AbortSignal): AsyncIterable<WatchEvent> {
    return this.#api.watch(call, signal);
  }
}
