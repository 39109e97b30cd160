// A reflector between a scripted API server and a store, and all that can be seen of it. Used by the adapter tests of the
// reflector; what the server answers is for each test to say.
import type { LogFields } from '../../src/controller/ports.ts';
import { HttpApi } from '../../src/kubernetes/api.ts';
import type { Connection } from '../../src/kubernetes/connection.ts';
import { Reflector } from '../../src/kubernetes/reflector.ts';
import { Store } from '../../src/kubernetes/store.ts';
import { ManualClock } from './manual-clock.ts';
import {
  type Handler,
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

/** The scene. */
export class ReflectorScene {
  readonly server: StubApiServer;
  readonly clock = new ManualClock();
  readonly store = new Store<Thing>();
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
  running: Promise<void> = Promise.resolve();
  readonly #connection: Connection;

  private constructor(server: StubApiServer) {
    this.server = server;
    this.#connection = connectTo(server);
    this.store.onChange(({ key, after, origin }) =>
      this.changes.push(`${key} ${after?.resourceVersion ?? 'gone'} ${origin}`),
    );
    server.handle((exchange) => {
      const { lists } = this;
      if (exchange.request.query['watch'] === 'true') this.streams.push(exchange.watch());
      else (lists.length > 1 ? lists.shift() : lists[0])?.(exchange);
    });
  }

  static async open(): Promise<ReflectorScene> {
    return new ReflectorScene(await startStubApiServer());
  }

  /** Starts the reflector. */
  run(): void {
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
      path: '/api/v1/things',
      query: { fieldSelector: 'metadata.name=x' },
      representation: 'metadata',
      project: ({ metadata }) => ({
        name: metadata?.name ?? '',
        resourceVersion: metadata?.resourceVersion ?? '',
      }),
      keyOf: ({ name }) => name,
      store: this.store,
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
    return this.queries().flatMap(({ watch, resourceVersion }) =>
      watch === 'true' ? [resourceVersion] : [],
    );
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
