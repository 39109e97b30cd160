// A reflector between a scripted API server and a store, and all that can be seen of it. Used by the adapter tests of the
// reflector; what the server answers is for each test to say.
import type { LogFields } from '../../src/controller/ports.ts';
import { HttpApi } from '../../src/kubernetes/api.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import { Reflector } from '../../src/kubernetes/reflector.ts';
import { type Source, collection } from '../../src/kubernetes/source.ts';
import { Store } from '../../src/kubernetes/store.ts';
import { ManualClock } from './manual-clock.ts';
import {
  type Handler,
  type SeenRequest,
  type StubApiServer,
  type WatchStream,
  connectTo,
  startStubApiServer,
  until,
} from './stub-api-server.ts';

/** What is watched. */
export interface Thing {
  readonly name: string;
  readonly resourceVersion: string;
}

const things = collection({
  path: '/api/v1/things',
  query: { fieldSelector: 'metadata.name=x' },
  representation: 'metadata',
});

/** An object of the API server. */
export const item = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } });

/** A list of things by name and version, or a page of it. */
export const listOf = (version: string, names: Readonly<Record<string, string>>, next = '') => ({
  kind: 'List',
  metadata: { resourceVersion: version, ...(next === '' ? {} : { continue: next }) },
  items: Object.entries(names).map(([name, of]) => item(name, of)),
});

/** What a bookmark holds. */
export const bookmark = (resourceVersion: string) => ({ metadata: { resourceVersion } });

const isWatching = ({ query, path }: Pick<SeenRequest, 'query' | 'path'>): boolean =>
  query['watch'] === 'true' || path.startsWith('/api/v1/watch/');

/** The scene. */
export class ReflectorScene {
  readonly server: StubApiServer;
  readonly clock = new ManualClock();
  readonly store: Store<Thing>;
  /** What the store told. */
  readonly changes: string[] = [];
  readonly stop = new AbortController();
  /** The watches, in the order of their beginning. */
  readonly streams: WatchStream[] = [];
  readonly logged: { message: string; fields: LogFields }[] = [];
  /** For each watch: whether it began after a failure. */
  readonly started: boolean[] = [];
  readonly heard: number[] = [];
  /** What lists answer, one after another; the last one goes on. */
  lists: Handler[] = [(exchange) => exchange.json(listOf('10', { a: '3', b: '4' }))];
  /** What a watch answers; undefined: a stream. */
  watches: Handler | undefined;
  running: Promise<void> = Promise.resolve();
  readonly #connection: Connection;

  private constructor(server: StubApiServer, parts: readonly string[]) {
    this.server = server;
    this.store = new Store(parts);
    this.#connection = connectTo(server);
    this.store.onChange(({ key, after, origin }) =>
      this.changes.push(`${key} ${after?.resourceVersion ?? 'gone'} ${origin}`),
    );
    server.handle((exchange) => {
      const { lists } = this;
      const { query, path } = exchange.request;
      const isWatch = isWatching({ query, path });
      if (isWatch && this.watches !== undefined) this.watches(exchange);
      else if (isWatch) this.streams.push(exchange.watch());
      else (lists.length > 1 ? lists.shift() : lists[0])?.(exchange);
    });
  }

  /** @param parts of the store; default: the whole cluster */
  static async open(parts: readonly string[] = []): Promise<ReflectorScene> {
    return new ReflectorScene(await startStubApiServer(), parts);
  }

  /** Starts the reflector. @param part the namespace that it is about; default: the whole cluster */
  run(source: Source = things, part?: string): void {
    const note = (message: string, fields: LogFields = {}) => void this.logged.push({ message, fields });
    const reflector = new Reflector<Thing>({
      api: new HttpApi({ connection: this.#connection, clock: new ManualClock(), userAgent: 'x' }),
      clock: this.clock,
      log: { debug: note, info: note, warn: note, error: note },
      metrics: {
        watchStarted: (_resource, afterFailure) => void this.started.push(afterFailure),
        watchHeard: (_resource, at) => void this.heard.push(at),
      },
      resource: 'things',
      source,
      project: ({ metadata }) => ({
        name: metadata?.name ?? '',
        resourceVersion: metadata?.resourceVersion ?? '',
      }),
      keyOf: ({ name }) => name,
      store: this.store,
      part,
    });
    this.running = reflector.run(this.stop.signal);
  }

  /** The `count`th watch, once it is open. */
  async watchNumber(count: number): Promise<WatchStream> {
    await until(() => this.streams.length >= count);
    const stream = this.streams[count - 1];
    if (stream === undefined) throw new Error('unreachable');
    return stream;
  }

  queries(): readonly Readonly<Record<string, string>>[] {
    return this.server.requests.map(({ query }) => query);
  }

  /** The versions that watches began from. */
  watchedFrom(): readonly (string | undefined)[] {
    return this.server.requests.filter(isWatching).map(({ query }) => query['resourceVersion']);
  }

  /** The failures that were logged. */
  failed(): readonly { readonly message: string; readonly fields: LogFields }[] {
    return this.logged.filter(({ message }) => message === 'watch failed');
  }

  /** Waits until the reflector waits after its `count`th failure. @returns for how long, in ms */
  async delayAfter(count: number): Promise<number> {
    await until(() => this.failed().length >= count && this.clock.timers.length === 1);
    return this.clock.timers[0] ?? -1;
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.#connection.close();
    await this.running;
    await this.server.close();
  }
}
