// The only wiring: which part gets which. Called by the commands with the real ports and by the simulation with modelled
// ones; it decides nothing. The real clock is here too, since nothing else in src/ may ask for time or chance.
import type { Outcome } from './controller/outcome.ts';
import type { Api, Clock, Log, Metrics, Stores, TokenFetcher } from './controller/ports.ts';
import { Provenance } from './controller/provenance.ts';
import { reconcile } from './controller/reconcile.ts';
import { RepairLimit } from './controller/repair-limit.ts';
import { TokenCache } from './controller/token-cache.ts';
import { connectTriggers } from './controller/triggers.ts';
import { WorkQueue } from './controller/work-queue.ts';
import { type Bug, Worker } from './controller/worker.ts';
import { desiredFields } from './domain/desired-secret.ts';
import type { Settings } from './domain/settings.ts';
import type { NamespaceView, SecretView, ServiceAccountView } from './domain/views.ts';
import { KubernetesCluster } from './kubernetes/cluster.ts';
import { EventRecorder, type Reporter } from './kubernetes/events.ts';
import { LeadingApi } from './kubernetes/leading-api.ts';
import { LeaderLease } from './kubernetes/lease.ts';
import { pause } from './kubernetes/pause.ts';
import { Store } from './kubernetes/store.ts';
import { secretProjector } from './kubernetes/views.ts';
import { partsOf, reflectorsFor } from './kubernetes/watches.ts';

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (ms, action) => {
    const timer = setTimeout(action, ms);
    return { cancel: () => clearTimeout(timer) };
  },
  timeoutSignal: (ms) => AbortSignal.timeout(ms),
  random: () => Math.random(),
};

/** What the controller needs from outside. */
export interface Ports {
  readonly clock: Clock;
  readonly api: Api;
  readonly fetcher: TokenFetcher;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What one start differs in from another. */
export interface ControllerOptions {
  readonly settings: Settings;
  /** Who reports Events. */
  readonly reporter: Reporter;
  /** Only this namespace is looked at; absent: all. */
  readonly namespace?: string | undefined;
  /** Takes part in leader election under this name, which no other process may ever have; absent: it does not, and writes. */
  readonly candidate?: string;
  /** Told what became of each step. */
  readonly onOutcome?: (key: string, outcome: Outcome | Bug) => void;
}

/** The controller, put together. */
export interface Controller {
  readonly stores: Stores;
  /** True while all that is watched is known completely and nothing is stopping. */
  readonly ready: boolean;
  /** Begins to watch, and to work as soon as all of it is known. Resolves then. */
  start(): Promise<void>;
  /** Ends in good order, within 9 s. */
  stop(): Promise<void>;
}

/** The longest that each part may take to end, in ms: together below the ten seconds that a stop may last. */
const stopLimits = { steps: 5_000, events: 2_000, watches: 1_000, lease: 1_000 } as const;

/** Puts the controller together. Nothing happens before `start`. */
export function wireController(ports: Ports, options: ControllerOptions): Controller {
  const { clock, log, metrics, fetcher } = ports;
  const { settings, onOutcome } = options;
  const { instance, secretName, refresh, aws, workers } = settings;
  const secretNames = [secretName, ...settings.formerSecretNames];

  const parts = partsOf(settings.namespaces.only, options.namespace);
  const stores = {
    namespaces: new Store<NamespaceView>(parts),
    secrets: new Map(secretNames.map((name) => [name, new Store<SecretView>(parts)])),
    serviceAccounts: new Map(
      [...settings.attachTo, ...settings.identity.serviceAccounts].map((name) => [
        name,
        new Store<ServiceAccountView>(parts),
      ]),
    ),
  };
  const all = [stores.namespaces, ...stores.secrets.values(), ...stores.serviceAccounts.values()];
  const projectSecret = secretProjector({ manager: instance, fields: desiredFields(settings) });
  const reflectors = reflectorsFor({ ports, settings, stores, projectSecret, namespace: options.namespace });
  const queue = new WorkQueue({ clock, metrics, routineAtMost: Math.ceil(workers / 2) });
  const lease = leaseFor(ports, options, (leading) => {
    if (leading) queue.resume();
    else queue.pause();
    metrics.leading(leading);
  });
  const api = lease === undefined ? ports.api : new LeadingApi(ports.api, () => lease.mayWrite());
  const cluster = new KubernetesCluster({
    ...stores,
    api,
    projectSecret,
    manager: instance,
    selection: settings.namespaces,
  });
  const events = new EventRecorder({ ...ports, api, instance, secretName, reporter: options.reporter });
  const wake = (key: string) => queue.wake(key);
  const tokens = new TokenCache({
    clock,
    fetcher,
    metrics,
    log,
    refresh,
    concurrency: aws.concurrency,
    wake,
  });
  const provenance = new Provenance();
  const repairs = new RepairLimit();
  const props = { settings, clock, cluster, tokens, metrics, provenance, repairs };
  const step = (key: string) => reconcile(key, props);
  const worker = new Worker({
    queue,
    reconcile: step,
    clock,
    log,
    metrics,
    events,
    ...(onOutcome && { onOutcome }),
  });

  const watches = new AbortController();
  let stopping = false;
  let working: Promise<unknown> = Promise.resolve();
  let watching: Promise<unknown> = Promise.resolve();
  let leading: Promise<unknown> = Promise.resolve();
  return {
    stores,
    get ready() {
      return !stopping && all.every(({ synced }) => synced);
    },
    start: async () => {
      connectTriggers({ stores, settings, queue, metrics });
      if (lease !== undefined) queue.pause();
      metrics.leading(lease === undefined);
      leading = lease?.run(watches.signal) ?? leading;
      watching = Promise.all(reflectors.map((reflector) => reflector.run(watches.signal)));
      await Promise.race([Promise.all(all.map((store) => store.whenSynced())), watching]);
      working = worker.run(workers);
    },
    stop: async () => {
      // No new steps; those under way end. Then the watches, since steps read what they bring, and Events, since steps make
      // them. The lease last, when nothing writes any more.
      stopping = true;
      queue.close();
      const hasEnded = await atMost(clock, stopLimits.steps, working);
      watches.abort();
      await atMost(clock, stopLimits.watches, watching);
      await events.stop(clock.timeoutSignal(stopLimits.events));
      // With a request under way it is left to run out, as if we had been killed.
      if (!hasEnded || events.busy) return;
      await atMost(
        clock,
        stopLimits.lease,
        leading.then(() => lease?.release()),
      );
    },
  };
}

/** The lease that this process takes part in; undefined: none. */
function leaseFor(
  { api, clock, log }: Ports,
  { settings, candidate, reporter }: ControllerOptions,
  onChange: (leading: boolean) => void,
): LeaderLease | undefined {
  const { leaderElection: times, instance: name } = settings;
  if (times === undefined || candidate === undefined) return undefined;
  return new LeaderLease({
    api,
    clock,
    log,
    times,
    namespace: reporter.namespace,
    name,
    identity: candidate,
    onChange,
  });
}

/** @returns whether the work has ended */
async function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const hasEnded = await Promise.race([
    work.then(() => true),
    pause(clock, ms, over.signal).then(() => false),
  ]);
  over.abort();
  return hasEnded;
}
