// Warning Events in the tenant's namespace, regarding our Secret (which need not exist; an Event about a Namespace is
// accepted in `default` only), and one in our own for what several namespaces have in common. Called by the worker for every problem it sees, as often as it sees it: repeats are folded
// into the series of one Event and sent rarely. Best effort: it never fails, never waits, never grows without bound.
import type { Api, ApiAnswer, Clock, Events, Log } from '../controller/ports.ts';
import type { Problem } from '../domain/errors.ts';
import { ApiError } from './errors.ts';
import { pause } from './pause.ts';
import type { KubernetesObject } from './views.ts';

/** A repeat is sent at most this often. Events live for an hour, so a lasting problem is always to be seen. In ms. */
const repeatAfter = 10 * 60_000;

/** The same problem in another namespace within this time is one that they have in common: as long as Events live. In ms. */
const sharedWithin = 60 * 60_000;

/** Time between two requests, in ms: Events must never crowd out the writing of Secrets. */
const gap = 50;

/** Problems remembered at the most; further ones are in the log only. */
const capacity = 2_000;

/** The API server refuses a longer note (1,024 bytes); ours are ASCII but for what people wrote. */
const longestNote = 900; // in bytes

/** Who reports. */
export interface Reporter {
  /** The namespace that the program itself is in: what several namespaces have in common is told there. */
  readonly namespace: string;
  /** The name of the pod or host. */
  readonly pod: string;
}

interface EventsProps {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  /** The name of the installation. */
  readonly instance: string;
  readonly reporter: Reporter;
  readonly secretName: string;
}

interface Entry {
  readonly namespace: string;
  readonly problem: Problem;
  readonly regarding: { readonly kind: 'Secret' | 'Pod'; readonly name: string };
  /** The name of the Event, once it has been made. */
  name: string | undefined;
  count: number;
  sentAt: number;
  lastSeenAt: number;
}

/** The Events port. */
export class EventRecorder implements Events {
  readonly #props: EventsProps;
  /** By namespace, reason and note; the longest unseen first. */
  readonly #entries = new Map<string, Entry>();
  /** Who had a problem last, and when, by reason and note. */
  readonly #lastWith = new Map<string, { readonly namespace: string; readonly at: number }>();
  readonly #queue = new Set<Entry>();
  readonly #stopped = new AbortController();
  #sending: Promise<void> = Promise.resolve();
  #busy = false;

  constructor(props: EventsProps) {
    this.#props = props;
  }

  warn(namespace: string, problem: Problem): void {
    const { secretName, reporter } = this.#props;
    this.#tell(namespace, problem, { kind: 'Secret', name: secretName });
    if (!this.#isShared(namespace, problem)) return;
    const note = `in several namespaces: ${problem.note}`;
    this.#tell(reporter.namespace, { ...problem, note }, { kind: 'Pod', name: reporter.pod });
  }

  #isShared(namespace: string, { reason, note }: Problem): boolean {
    const key = `${reason}/${note}`;
    const at = this.#props.clock.now();
    const last = this.#lastWith.get(key);
    if (last === undefined && this.#lastWith.size >= capacity) this.#lastWith.clear();
    this.#lastWith.set(key, { namespace, at });
    return last !== undefined && last.namespace !== namespace && at - last.at < sharedWithin;
  }

  #tell(namespace: string, problem: Problem, regarding: Entry['regarding']): void {
    const now = this.#props.clock.now();
    const key = `${namespace}/${problem.reason}/${problem.note}`;
    const known = this.#entries.get(key);
    if (this.#stopped.signal.aborted || (known === undefined && !this.#hasRoom(now))) return;
    const entry = known ?? {
      namespace,
      problem,
      regarding,
      name: undefined,
      count: 0,
      sentAt: -Infinity,
      lastSeenAt: now,
    };
    entry.count += 1;
    entry.lastSeenAt = now;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    // Either way, since the clock may have been set back.
    if (Math.abs(now - entry.sentAt) < repeatAfter) return;
    entry.sentAt = now;
    this.#queue.add(entry);
    if (!this.#busy) this.#sending = this.#drain();
  }

  forget(namespace: string): void {
    for (const [key, entry] of this.#entries) {
      if (entry.namespace !== namespace || entry.regarding.kind === 'Pod') continue;
      this.#queue.delete(entry);
      this.#entries.delete(key);
    }
  }

  /** Sends what is queued, at most until `signal` aborts, and nothing after. */
  async stop(signal: AbortSignal): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
    await Promise.race([this.#sending, late]);
    this.#stopped.abort();
  }

  /** True while a request is under way. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Forgets the problem that was not seen for longest, unless it lasts: then the new one is in the log only. */
  #hasRoom(now: number): boolean {
    const [oldest] = this.#entries;
    if (this.#entries.size < capacity || oldest === undefined) return true;
    const [key, entry] = oldest;
    if (now - entry.lastSeenAt < repeatAfter) return false;
    this.#queue.delete(entry);
    return this.#entries.delete(key);
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    for (const entry of this.#queue) {
      if (this.#stopped.signal.aborted) break;
      this.#queue.delete(entry);
      await this.#send(entry);
      if (this.#queue.size > 0) await pause(this.#props.clock, gap, this.#stopped.signal);
    }
    this.#busy = false;
  }

  async #send(entry: Entry): Promise<void> {
    try {
      if (entry.name !== undefined && (await this.#repeat(entry))) return;
      const { body } = await this.#create(entry);
      entry.name = (body as KubernetesObject).metadata?.name;
      entry.count = 1;
    } catch (error) {
      const { namespace, problem } = entry;
      // The next report tries again.
      entry.sentAt = -Infinity;
      const why = error instanceof Error ? error.message : 'unknown';
      this.#props.log.debug('no Event', { namespace, reason: problem.reason, error: why });
    }
  }

  #create({ namespace, problem, regarding, lastSeenAt }: Entry): Promise<ApiAnswer> {
    const { api, instance, reporter, secretName } = this.#props;
    return api.call({
      method: 'POST',
      path: pathOf(namespace),
      body: {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { generateName: `${secretName}-`, namespace },
        eventTime: microTime(lastSeenAt),
        reportingController: instance,
        reportingInstance: reporter.pod.slice(0, 128),
        action: 'Reconcile',
        reason: problem.reason,
        type: 'Warning',
        note: cut(problem.note),
        regarding: { apiVersion: 'v1', namespace, ...regarding },
      },
    });
  }

  /** @returns false when the Event has expired meanwhile */
  async #repeat({ namespace, name, count, lastSeenAt }: Entry): Promise<boolean> {
    try {
      await this.#props.api.call({
        method: 'PATCH',
        path: `${pathOf(namespace)}/${name}`,
        contentType: 'application/merge-patch+json',
        body: { series: { count: Math.max(2, count), lastObservedTime: microTime(lastSeenAt) } },
      });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false;
      throw error;
    }
  }
}

/** The longest beginning that fits, between two letters. */
const cut = (note: string): string =>
  new TextDecoder().decode(new TextEncoder().encode(note).subarray(0, longestNote), { stream: true });

const pathOf = (namespace: string): string => `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;

/** MicroTime wants exactly six fractional digits. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
