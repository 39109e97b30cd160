// An Api that changes nothing: every write is sent with `dryRun=All`, so that the API server checks it (rights, admission,
// conflicts) and answers as usual, but keeps nothing. Used by `once --dry-run`.
import type { Api, ApiAnswer, ApiCall, WatchEvent } from '../controller/ports.ts';

/** Wraps an Api. */
export class DryRunApi implements Api {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  call(call: ApiCall): Promise<ApiAnswer> {
    if (call.method === 'GET') return this.#api.call(call);
    return this.#api.call({ ...call, query: { ...call.query, dryRun: 'All' } });
  }

  watch(call: ApiCall, signal: AbortSignal): AsyncIterable<WatchEvent> {
    return this.#api.watch(call, signal);
  }
}
