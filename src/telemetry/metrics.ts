// The Metrics port, by prom-client: one table of everything that is counted. Names and labels are a contract with users'
// alerts; docs/metrics.md is generated from the table. Times are exported as timestamps, which do not age between scrapes.
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Metrics } from '../controller/ports.ts';

interface MetricRow {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  /** Of a histogram, in seconds. */
  readonly buckets?: readonly number[];
}

/** Every metric without its prefix; the rows of docs/metrics.md. */
export const metricRows = {
  build_info: { kind: 'gauge', labels: ['version'], help: 'Always 1; the version that runs.' },
  secret_expiry_timestamp_seconds: {
    kind: 'gauge',
    labels: ['namespace'],
    help: 'When the earliest token of the Secret in this namespace expires, in seconds since the epoch.',
  },
  token_fetches_total: {
    kind: 'counter',
    labels: ['result'],
    help: 'Tokens asked for at AWS, by result: ok, or why there was none.',
  },
  token_fetch_duration_seconds: {
    kind: 'histogram',
    labels: [],
    help: 'How long AWS took for a token, with the exchange of credentials where one was needed.',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
  },
  writes_total: {
    kind: 'counter',
    labels: ['kind', 'reason'],
    help: 'Writes to the cluster: Secrets created, updated and deleted, ServiceAccounts attached to and detached from, and why.',
  },
  leaving_namespaces: {
    kind: 'gauge',
    labels: [],
    help: 'Namespaces that are no longer selected and keep their Secret only until its tokens have expired.',
  },
  reconciles_total: {
    kind: 'counter',
    labels: ['outcome'],
    help: 'Steps of the controller for one namespace, by what became of them; bug: something that nobody foresaw.',
  },
  reconcile_duration_seconds: {
    kind: 'histogram',
    labels: [],
    help: 'How long one step took. A step never waits for AWS.',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
  },
  retries_total: {
    kind: 'counter',
    labels: ['reason'],
    help: 'Steps that the API server could not let happen at the time and that are tried again.',
  },
  problems_total: {
    kind: 'counter',
    labels: ['reason'],
    help: 'Problems that a person should cure, each time they are met; the reasons are those of the Events.',
  },
  problem_namespaces: {
    kind: 'gauge',
    labels: ['reason'],
    help: 'Namespaces that have this problem now. TokenUnavailable: there is no token, or the one in use is past three quarters of its life and could not be replaced.',
  },
  bugs_total: {
    kind: 'counter',
    labels: [],
    help: 'Errors that nobody foresaw; the log has the stack. Please report them.',
  },
  leading: {
    kind: 'gauge',
    labels: [],
    help: 'Whether this replica is the one that writes: 1 or 0. Over all replicas the sum is 1.',
  },
  queue_depth: {
    kind: 'gauge',
    labels: ['lane'],
    help: 'Namespaces that wait for a worker, by lane: urgent (changed) and routine (due).',
  },
  watch_starts_total: { kind: 'counter', labels: ['resource'], help: 'Watches begun, by kind of object.' },
  watch_restarts_total: {
    kind: 'counter',
    labels: ['resource'],
    help: 'Watches begun after a failure; the rest ended in good order.',
  },
  watch_heard_timestamp_seconds: {
    kind: 'gauge',
    labels: ['resource'],
    help: 'When the API server last sent something for this watch (an event, a bookmark, a list), in seconds since the epoch.',
  },
} as const satisfies Record<string, MetricRow>;

type MetricName = keyof typeof metricRows;

/** Every metric begins with it. */
export const metricPrefix = 'ecr_pull_secrets_';

/** The metrics, and the page that Prometheus reads. */
export interface MetricsPage {
  readonly metrics: Metrics;
  /** The text exposition format. */
  render(): Promise<string>;
  readonly contentType: string;
}

/** Makes the metrics. @param version shown as `build_info` */
export function createMetrics(version: string): MetricsPage {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counter = (name: MetricName) => new Counter({ ...optionsOf(name), registers: [registry] });
  const gauge = (name: MetricName) => new Gauge({ ...optionsOf(name), registers: [registry] });
  const histogram = (name: MetricName) => new Histogram({ ...optionsOf(name), registers: [registry] });
  gauge('build_info').set({ version }, 1);
  return {
    metrics: connect({ counter, gauge, histogram }),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

interface Makers {
  readonly counter: (name: MetricName) => Counter;
  readonly gauge: (name: MetricName) => Gauge;
  readonly histogram: (name: MetricName) => Histogram;
}

function connect({ counter, gauge, histogram }: Makers): Metrics {
  const reconciles = counter('reconciles_total');
  const reconcileTime = histogram('reconcile_duration_seconds');
  const writes = counter('writes_total');
  const retries = counter('retries_total');
  const problems = counter('problems_total');
  const tally = new Tally(gauge('problem_namespaces'));
  const bugs = counter('bugs_total');
  const fetches = counter('token_fetches_total');
  const fetchTime = histogram('token_fetch_duration_seconds');
  const depth = gauge('queue_depth');
  const expiry = gauge('secret_expiry_timestamp_seconds');
  const leading = gauge('leading');
  const leaving = gauge('leaving_namespaces');
  const onTheWayOut = new Set<string>();
  const starts = counter('watch_starts_total');
  const restarts = counter('watch_restarts_total');
  const heard = gauge('watch_heard_timestamp_seconds');
  return {
    reconciled: (outcome, seconds) => {
      reconciles.inc({ outcome });
      reconcileTime.observe(seconds);
    },
    wrote: (kind, reason) => writes.inc({ kind, reason }),
    retried: (reason) => retries.inc({ reason }),
    problem: (reason) => problems.inc({ reason }),
    problemsOf: (namespace, reasons) => tally.set(namespace, reasons),
    bug: () => bugs.inc(),
    fetched: (result, seconds) => {
      fetches.inc({ result });
      fetchTime.observe(seconds);
    },
    queueDepth: (lane, value) => depth.set({ lane }, value),
    secretExpiry: (namespace, expires) => {
      if (expires === undefined) expiry.remove({ namespace });
      else expiry.set({ namespace }, expires);
    },
    leading: (isLeading) => leading.set(isLeading ? 1 : 0),
    leaving: (namespace, isLeaving) => {
      if (isLeaving) onTheWayOut.add(namespace);
      else onTheWayOut.delete(namespace);
      leaving.set(onTheWayOut.size);
    },
    watchStarted: (resource, afterFailure) => {
      starts.inc({ resource });
      if (afterFailure) restarts.inc({ resource });
    },
    watchHeard: (resource, at) => heard.set({ resource }, at / 1_000),
  };
}

/** How many namespaces have a problem, by reason. */
class Tally {
  readonly #gauge: Gauge;
  readonly #reasons = new Map<string, ReadonlySet<string>>();

  constructor(gauge: Gauge) {
    this.#gauge = gauge;
  }

  set(namespace: string, reasons: ReadonlySet<string>): void {
    const before = this.#reasons.get(namespace);
    if (before === undefined && reasons.size === 0) return;
    for (const reason of before ?? []) this.#gauge.dec({ reason });
    for (const reason of reasons) this.#gauge.inc({ reason });
    if (reasons.size === 0) this.#reasons.delete(namespace);
    else this.#reasons.set(namespace, reasons);
  }
}

function optionsOf(name: MetricName) {
  const { help, labels, buckets }: MetricRow = metricRows[name];
  return {
    name: metricPrefix + name,
    help,
    labelNames: [...labels],
    ...(buckets === undefined ? {} : { buckets: [...buckets] }),
  };
}
