// The API server in the simulation: the Api port over objects in memory, with versions, watches and server-side apply as
// far as the controller uses them, latency, failures and watches that break. What it models was seen on a real API server
// (the cluster tests go against one); it must not be kinder than that.
import type { Api, ApiAnswer, ApiCall, WatchEvent } from '../../src/controller/ports.ts';
import { ApiError } from '../../src/kubernetes/errors.ts';
import { type ModelObject, applySecret, patchServiceAccount, putLease } from './model-writes.ts';
import type { VirtualClock } from './virtual-clock.ts';

export type Resource = 'namespaces' | 'secrets' | 'serviceaccounts';

interface Change {
  readonly version: number;
  readonly resource: Resource;
  readonly event: WatchEvent;
}

/** Of all requests. */
const failureRate = 0.01;

/** Changes that a watch can still begin from; older ones are answered 410. */
const history = 500;

/** The modelled API server. */
export class ModelCluster implements Api {
  readonly #clock: VirtualClock;
  readonly #objects = new Map<string, ModelObject>();
  readonly #changes: Change[] = [];
  readonly #wakeups = new Set<() => void>();
  #version = 1;
  /** Watched by nobody, and with versions of their own, so that renewing them pushes nothing out of the history. */
  readonly #leases = new Map<string, ModelObject>();
  #leaseVersion = 1;
  /** Requests by method. */
  readonly requests = new Map<string, number>();

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** Grows with every change of what is watched. */
  get version(): number {
    return this.#version;
  }

  get(resource: Resource, namespace: string, name: string): ModelObject | undefined {
    return this.#objects.get(keyOf(resource, namespace, name));
  }

  /** Makes or replaces an object, as somebody else would. */
  put(resource: Resource, object: ModelObject): ModelObject {
    const { namespace = '', name } = object.metadata;
    const key = keyOf(resource, namespace, name);
    const before = this.#objects.get(key);
    this.#version += 1;
    const uid = before?.metadata.uid ?? `uid-${this.#version}`;
    const metadata = { ...object.metadata, uid, resourceVersion: String(this.#version) };
    const stored = { ...object, metadata };
    this.#objects.set(key, stored);
    this.#tell(resource, before === undefined ? 'ADDED' : 'MODIFIED', stored);
    return stored;
  }

  delete(resource: Resource, namespace: string, name: string): void {
    const key = keyOf(resource, namespace, name);
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#version += 1;
    this.#objects.delete(key);
    const metadata = { ...before.metadata, resourceVersion: String(this.#version) };
    this.#tell(resource, 'DELETED', { ...before, metadata });
  }

  async call(call: ApiCall): Promise<ApiAnswer> {
    await this.#clock.sleep(1 + 20 * this.#clock.random());
    if (this.#clock.random() < failureRate) throw refusal(call, 500, 'InternalError');
    return this.execute(call);
  }

  /** What the server does when a request has arrived, all at once. */
  execute(call: ApiCall): ApiAnswer {
    this.requests.set(call.method, (this.requests.get(call.method) ?? 0) + 1);
    return call.path.startsWith('/apis/coordination.k8s.io/') ? this.#answerLease(call) : this.#answer(call);
  }

  async *watch(call: ApiCall, signal: AbortSignal): AsyncIterable<WatchEvent> {
    await this.#clock.sleep(5);
    const now = this.#clock.now();
    const end = now + Number(call.query?.['timeoutSeconds']) * 1_000;
    // Every twentieth watch breaks off.
    const breaksAt = this.#clock.random() < 0.05 ? now + 60_000 * this.#clock.random() : Infinity;
    let seen = this.#firstVersion(call);
    while (!signal.aborted && this.#clock.now() < end) {
      if (this.#hasForgotten(seen)) throw new ApiError('WATCH', { status: 0, reason: 'ECONNRESET' });
      const news = this.#changes.filter(({ version }) => version > seen);
      for (const change of news) {
        seen = change.version;
        if (concerns(call, change)) yield change.event;
      }
      if (news.length > 0) continue;
      await this.#wait(Math.min(60_000, end - this.#clock.now()), signal);
      if (this.#clock.now() >= breaksAt) throw new ApiError('WATCH', { status: 0, reason: 'ECONNRESET' });
      if (seen === this.#version) yield bookmark(seen);
    }
  }

  /** Where the watch goes on from. */
  #firstVersion(call: ApiCall): number {
    const seen = Number(call.query?.['resourceVersion']);
    if (this.#hasForgotten(seen)) throw refusal(call, 410, 'Expired');
    return seen;
  }

  /** A watch that has fallen behind so far cannot go on. */
  #hasForgotten(seen: number): boolean {
    return this.#changes.length >= history && seen < (this.#changes[0]?.version ?? 0);
  }

  #answerLease(call: ApiCall): ApiAnswer {
    const seen = this.#leases.get(call.path);
    if (call.method === 'PUT') {
      const resourceVersion = String((this.#leaseVersion += 1));
      const { metadata, ...rest } = putLease(seen, call);
      this.#leases.set(call.path, { ...rest, metadata: { ...metadata, resourceVersion } });
    }
    const lease = this.#leases.get(call.path);
    if (lease === undefined) throw refusal(call, 404, 'NotFound');
    return { status: seen === undefined ? 201 : 200, body: lease };
  }

  #answer(call: ApiCall): ApiAnswer {
    const [, , , , namespace, kind, name] = call.path.split('/');
    if (call.path.startsWith('/apis/events.k8s.io/'))
      return { status: 201, body: { metadata: { name: 'event' } } };
    if (call.method === 'GET' && kind === undefined) return this.#list(call);
    if (namespace === undefined || kind === undefined || name === undefined)
      throw refusal(call, 404, 'NotFound');
    const seen = this.get(kind as Resource, namespace, name);
    if (call.method === 'PATCH') {
      if (this.get('namespaces', '', namespace) === undefined) throw refusal(call, 404, 'NotFound');
      const written = kind === 'secrets' ? applySecret(seen, call) : patchServiceAccount(seen, call);
      return { status: seen === undefined ? 201 : 200, body: this.put(kind as Resource, written) };
    }
    if (seen === undefined) throw refusal(call, 404, 'NotFound');
    return { status: 200, body: seen };
  }

  #list(call: ApiCall): ApiAnswer {
    const prefix = `${resourceOf(call)}/`;
    const items = [...this.#objects].filter(
      ([key, object]) => key.startsWith(prefix) && selects(call, object),
    );
    const metadata = { resourceVersion: String(this.#version) };
    return { status: 200, body: { metadata, items: items.map(([, object]) => object) } };
  }

  #tell(resource: Resource, type: string, object: ModelObject): void {
    this.#changes.push({ version: this.#version, resource, event: { type, object } });
    if (this.#changes.length > history) this.#changes.shift();
    for (const wake of this.#wakeups) wake();
  }

  /** Until something changes, `ms` have passed, or the watch is cut. */
  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#wakeups.delete(wake);
        timer.cancel();
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = this.#clock.setTimer(ms, wake);
      this.#wakeups.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}

const keyOf = (resource: Resource, namespace: string, name: string): string =>
  `${resource}/${namespace}/${name}`;

/** `/api/v1/secrets` → `secrets`. */
const resourceOf = ({ path }: ApiCall): Resource => path.split('/').at(-1) as Resource;

function selects({ query }: ApiCall, { metadata }: ModelObject): boolean {
  const name = /^metadata\.name=(.*)$/.exec(query?.['fieldSelector'] ?? '')?.[1];
  return name === undefined || name === metadata.name;
}

const concerns = (call: ApiCall, { resource, event }: Change): boolean =>
  resource === resourceOf(call) && selects(call, event.object as ModelObject);

const bookmark = (version: number): WatchEvent => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: String(version) } },
});

const refusal = ({ method, path }: ApiCall, status: number, reason: string): ApiError =>
  new ApiError(`${method} ${path}`, { status, reason });
