// Keeps a store equal to the cluster: a complete list, then a watch from its version on, for ever. One for each kind
// that is watched; started and stopped by app. Every failure is answered by a back-off and another try; the store keeps
// what it has meanwhile.
import { backoffDelay } from '../domain/backoff.ts';
import type { Api, ApiCall, Clock, Log, Metrics, WatchEvent } from '../controller/ports.ts';
import { ApiError, isGone } from './errors.ts';
import { pause } from './pause.ts';
import { readList } from './read-list.ts';
import { type Store, type Versioned, isNewer } from './store.ts';
import { type KubernetesObject, versionOf } from './views.ts';

const backoff = { baseMs: 500, maxMs: 30_000 };

/** Objects a page of a list: few enough that one page is never a burden. */
const pageSize = '500';

/** The server ends a watch after this long, evenly spread so that not all watches end at once. In s. */
const watchSeconds = { least: 300, spread: 300 };

/** A bookmark comes about once a minute; a watch that says nothing for longer than this is dead. In ms. */
const silenceLimit = 150_000;

/**
 * After so many failures in a row a new list is tried: the version may be the cause, such as one that the API server does not
 * know since etcd was restored from a backup.
 */
const listAfter = 3;

/** What a reflector watches and how it keeps it. */
export interface ReflectorProps<View extends Versioned> {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'watchStarted' | 'watchHeard'>;
  /** What it is called in logs and metrics. */
  readonly resource: string;
  readonly path: string;
  /** Selectors. */
  readonly query: Readonly<Record<string, string>>;
  readonly representation: 'full' | 'metadata';
  readonly project: (object: KubernetesObject) => View;
  readonly keyOf: (view: View) => string;
  readonly store: Store<View>;
}

/** The reflector. */
export class Reflector<View extends Versioned> {
  readonly #props: ReflectorProps<View>;
  /** Where the watch goes on; undefined: a list is needed. */
  #version: string | undefined;
  /** The newest version that a list or the watch has told. */
  #newest = '';
  #lastHeard = 0;
  /** Failures in a row, without an event of a watch in between. */
  #failures = 0;

  constructor(props: ReflectorProps<View>) {
    this.#props = props;
  }

  /** Runs until `signal` aborts. Never fails. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, resource } = this.#props;
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(signal, this.#failures > 0);
        this.#failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#failures += 1;
        const failures = this.#failures;
        if (isGone(error) || failures >= listAfter) this.#version = undefined;
        const asked = error instanceof ApiError ? (error.afterMs ?? 0) : 0;
        const delay = Math.min(
          Math.max(asked, backoffDelay(backoff, failures, clock.random())),
          backoff.maxMs,
        );
        log.warn('watch failed', { resource, error: messageOf(error), failures, delayMs: Math.round(delay) });
        await pause(clock, delay, signal);
      }
    }
  }

  async #listAndWatch(signal: AbortSignal, afterFailure: boolean): Promise<void> {
    const { clock, metrics, resource, log } = this.#props;
    if (this.#version === undefined) {
      this.#version = await this.#list();
      log.debug('listed', { resource, version: this.#version });
    }
    const startedAt = clock.monotonic();
    metrics.watchStarted(resource, afterFailure);
    await this.#watch(this.#version, signal);
    // A server that ends every watch at once must not be asked again without a pause.
    if (clock.monotonic() - startedAt < 1_000) await pause(clock, backoff.baseMs, signal);
  }

  /** A complete list, by pages, into the store. @returns its version */
  async #list(): Promise<string> {
    const { api, store, project, keyOf, representation } = this.#props;
    const metadataOnly = representation === 'metadata';
    const views = new Map<string, View>();
    let version = '';
    for (let token = ''; ;) {
      const page = token === '' ? {} : { continue: token };
      const call = this.#call({ limit: pageSize, ...page });
      const { body } = await api.call(metadataOnly ? { ...call, representation: 'metadata-list' } : call);
      const { metadata, items } = readList(body);
      for (const item of items) {
        const view = project(item);
        views.set(keyOf(view), view);
      }
      version = metadata.resourceVersion;
      token = metadata.continue ?? '';
      if (token === '') break;
    }
    // Older than what we have been told: etcd was restored. Then the list is the truth, whatever we know.
    if (isNewer(this.#newest, version)) store.reset();
    store.replace(views, version);
    this.#newest = version;
    this.#heard();
    return version;
  }

  async #watch(version: string, signal: AbortSignal): Promise<void> {
    const { api, clock } = this.#props;
    const silence = new AbortController();
    const watchdog = this.#guard(silence);
    const seconds = Math.round(watchSeconds.least + watchSeconds.spread * clock.random());
    const call = this.#call({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: version,
      timeoutSeconds: String(seconds),
    });
    try {
      for await (const event of api.watch(call, AbortSignal.any([signal, silence.signal]))) this.#take(event);
    } finally {
      watchdog.cancel();
    }
    if (silence.signal.aborted) throw new ApiError(`WATCH ${call.path}`, { status: 0, reason: 'SILENT' });
  }

  #take({ type, object }: WatchEvent): void {
    const { store, project, keyOf } = this.#props;
    this.#heard();
    if (type === 'ERROR') throw watchError(object);
    const known = object as KubernetesObject;
    if (type !== 'BOOKMARK') {
      const view = project(known);
      if (type === 'DELETED') store.delete(keyOf(view), view.resourceVersion, 'cluster');
      else store.put(keyOf(view), view, 'cluster');
    }
    this.#version = versionOf(known);
    this.#newest = this.#version;
    this.#failures = 0;
  }

  #heard(): void {
    const { clock, metrics, resource } = this.#props;
    this.#lastHeard = clock.monotonic();
    metrics.watchHeard(resource, clock.now());
  }

  /** Aborts the watch once nothing was heard for too long. One timer, set anew only when it fires. */
  #guard(silence: AbortController): { cancel(): void } {
    const { clock } = this.#props;
    this.#lastHeard = clock.monotonic();
    const check = () => {
      const left = this.#lastHeard + silenceLimit - clock.monotonic();
      if (left <= 0) silence.abort();
      else timer = clock.setTimer(left, check);
    };
    let timer = clock.setTimer(silenceLimit, check);
    return { cancel: () => timer.cancel() };
  }

  #call(query: Readonly<Record<string, string>>): ApiCall {
    const { path, representation } = this.#props;
    return { method: 'GET', path, query: { ...this.#props.query, ...query }, representation };
  }
}

function watchError(object: unknown): ApiError {
  const { code = 500, reason = 'Unknown' } = object as { code?: number; reason?: string };
  return new ApiError('WATCH', { status: code, reason });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
