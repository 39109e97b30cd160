// The simulated world: the real controller between the modelled API server and the modelled AWS, people who change things,
// and the promises of the contract, looked at after every step. One seed, one course of events.
import { type Controller, wireController } from '../../src/app.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Log, Metrics } from '../../src/controller/ports.ts';
import type { Settings } from '../../src/domain/settings.ts';
import { ModelAws } from './model-aws.ts';
import { ModelCluster } from './model-cluster.ts';
import { Tenants } from './tenants.ts';
import { VirtualClock, seededChance } from './virtual-clock.ts';

const minute = 60_000;
const hour = 60 * minute;

const configuration = `
registries: [111122223333.dkr.ecr.eu-west-1.amazonaws.com, 444455556666.dkr.ecr.us-east-1.amazonaws.com]
profiles:
  team:
    namespaces: ["*"]
    registries: [777788889999.dkr.ecr.eu-west-1.amazonaws.com]
    roleArn: arn:aws:iam::777788889999:role/pull
`;

/** The settings of every controller in the simulation. @param more further lines of the configuration file */
export function simulatedSettings(more = ''): Settings {
  const result = readConfig(configuration + more, { AWS_REGION: 'eu-west-1' });
  if ('problems' in result) throw new Error(result.problems.join('\n'));
  return result.settings;
}

/** The world. */
export class World {
  readonly clock: VirtualClock;
  readonly cluster: ModelCluster;
  readonly aws: ModelAws;
  readonly tenants: Tenants;
  /** Unexpected errors that the controller logged. */
  readonly errors: unknown[] = [];
  readonly counts = { restarts: 0, outages: 0 };
  readonly #settings = simulatedSettings();
  #controller: Controller | undefined;
  /** Since when the controller runs and AWS answers. */
  #ableSince = 0;

  constructor(seed: number) {
    this.clock = new VirtualClock({ now: Date.UTC(2026, 0, 1), random: seededChance(seed) });
    this.cluster = new ModelCluster(this.clock);
    this.aws = new ModelAws(this.clock);
    const { secretName } = this.#settings;
    this.tenants = new Tenants({ clock: this.clock, cluster: this.cluster, aws: this.aws, secretName });
  }

  /** Lets the days pass. */
  async run(days: number): Promise<void> {
    const { clock, tenants } = this;
    for (let index = 0; index < 12; index += 1) tenants.create();
    this.#startController();
    clock.every(4 * hour, () => tenants.create());
    clock.every(9 * hour, () => tenants.removeAny());
    clock.every(7 * hour, () => tenants.deleteAnySecret());
    clock.every(11 * hour, () => tenants.detachAny());
    clock.every(50 * hour, () => void this.#restart());
    clock.every(90 * hour, () => void this.#outage());
    await clock.runUntil(clock.now() + days * 24 * hour, () => this.#check());
    await Promise.all([this.#controller?.stop(), clock.runUntil(clock.now() + minute, () => undefined)]);
  }

  #startController(): void {
    const { clock, cluster: api, aws: fetcher } = this;
    const log: Log = {
      debug: ignore,
      info: ignore,
      warn: ignore,
      error: (_, fields) => void this.errors.push(fields),
    };
    this.#controller = wireController(
      { clock, api, fetcher, log, metrics: silentMetrics },
      { settings: this.#settings, reporter: { namespace: 'own', pod: 'simulation' } },
    );
    void this.#controller.start();
  }

  async #restart(): Promise<void> {
    this.counts.restarts += 1;
    const stopping = this.#controller;
    this.#controller = undefined;
    await stopping?.stop();
    await this.clock.sleep(20_000);
    this.#startController();
  }

  async #outage(): Promise<void> {
    this.counts.outages += 1;
    this.aws.down = true;
    await this.clock.sleep(2 * hour);
    this.aws.down = false;
    this.#ableSince = this.clock.now();
  }

  #check(): void {
    const isAble = this.#controller !== undefined && !this.aws.down;
    this.tenants.check(isAble ? this.#ableSince : Infinity);
  }
}

const ignore = (): void => undefined;

/** Metrics that nobody reads. */
export const silentMetrics: Metrics = {
  reconciled: ignore,
  wrote: ignore,
  retried: ignore,
  problem: ignore,
  problemsOf: ignore,
  bug: ignore,
  fetched: ignore,
  queueDepth: ignore,
  secretExpiry: ignore,
  leaving: ignore,
  leading: ignore,
  watchStarted: ignore,
  watchHeard: ignore,
};
