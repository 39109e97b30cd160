// Keeps a store equal to the cluster: a complete list, then a watch from its version on, for ever. One for each source that
// is watched; started and stopped by app. Every failure is answered by a back-off and another try; the store keeps what it
// has meanwhile.
import { backoffDelay } from '../domain/backoff.ts';
import type { Api, Clock, Log, Metrics, WatchEvent } from '../controller/ports.ts';
import { ApiError, isForbidden, isGone } from './errors.ts';
import { pause } from './pause.ts';
import type { Source } from './source.ts';
import { type Store, type Versioned, isNewer } from './store.ts';
import { type KubernetesObject, versionOf } from './views.ts';

const backoff = { baseMs: 500, maxMs: 30_000 };

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
  readonly source: Source;
  readonly project: (object: KubernetesObject) => View;
  readonly keyOf: (view: View) => string;
  readonly store: Store<View>;
  /** The namespace that this is about, and that alone; undefined: the whole cluster. */
  readonly part?: string | undefined;
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
    const { clock, log, resource, source } = this.#props;
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(signal, this.#failures > 0);
        this.#failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#failures += 1;
        const failures = this.#failures;
        if (isGone(error) || failures >= listAfter || source.listsAgain) this.#version = undefined;
        this.#noteRefusal(error);
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

  /** Of one namespace only: a whole cluster that refuses us is nothing that we could go on without. */
  #noteRefusal(error: unknown): void {
    const { part, store } = this.#props;
    if (part === undefined || !isForbidden(error)) return;
    store.refuse(part);
    // Only a list takes it back: a watch that is allowed again would leave the namespace hidden for ever.
    this.#version = undefined;
  }

  async #listAndWatch(signal: AbortSignal, afterFailure: boolean): Promise<void> {
    const { clock, metrics, resource, log, source } = this.#props;
    if (this.#version === undefined) {
      this.#version = await this.#list();
      log.debug('listed', { resource, version: this.#version });
    }
    const startedAt = clock.monotonic();
    metrics.watchStarted(resource, afterFailure);
    try {
      await this.#watch(this.#version, signal);
    } catch (error) {
      if (source.pollMs === undefined || !isForbidden(error)) throw error;
      await pause(clock, source.pollMs, signal);
    }
    if (source.listsAgain) this.#version = undefined;
    // A server that ends every watch at once must not be asked again without a pause.
    if (clock.monotonic() - startedAt < 1_000) await pause(clock, backoff.baseMs, signal);
  }

  /** Everything that there is, into the store. @returns where the watch begins */
  async #list(): Promise<string> {
    const { api, store, project, keyOf, source, part } = this.#props;
    const views = new Map<string, View>();
    let version: string | undefined;
    for await (const { items, version: at } of source.list(api)) {
      for (const item of items) {
        const view = project(item);
        views.set(keyOf(view), view);
      }
      version = at;
    }
    // Without a version, or older than what we have been told (etcd was restored): it is the truth, whatever we know.
    if (version === undefined || isNewer(this.#newest, version)) store.reset(part);
    store.replace(views, version ?? '', part);
    this.#newest = version ?? '';
    this.#heard();
    return this.#newest;
  }

  async #watch(version: string, signal: AbortSignal): Promise<void> {
    const { api, clock, source } = this.#props;
    const silence = new AbortController();
    const watchdog = this.#guard(silence);
    const seconds = Math.round(watchSeconds.least + watchSeconds.spread * clock.random());
    const call = source.watch({
      allowWatchBookmarks: 'true',
      // Without one, the watch begins with what there is at that moment.
      ...(version !== '' && { resourceVersion: version }),
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
}

function watchError(object: unknown): ApiError {
  const { code = 500, reason = 'Unknown' } = object as { code?: number; reason?: string };
  return new ApiError('WATCH', { status: code, reason });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
