// The replicas of the simulation: each the real controller on a machine of its own, with a wire of its own to the one API server.
// They are started, stopped and killed here; what else befalls them is the world's.
import { type Controller, wireController } from '../../src/app.ts';
import type { Log, TokenFetcher } from '../../src/controller/ports.ts';
import type { Settings } from '../../src/domain/settings.ts';
import { LeaseWitness } from './lease-witness.ts';
import { Machine } from './machine.ts';
import type { ModelAws } from './model-aws.ts';
import type { ModelCluster } from './model-cluster.ts';
import type { VirtualClock } from './virtual-clock.ts';
import { Wire } from './wire.ts';
import { silentMetrics } from './world.ts';

/** One replica. */
export interface Replica {
  readonly machine: Machine;
  readonly wire: Wire;
  readonly controller: Controller;
  /** It was told to stop. */
  stopping: boolean;
}

interface FleetProps {
  readonly clock: VirtualClock;
  readonly cluster: ModelCluster;
  readonly aws: ModelAws;
  readonly settings: Settings;
}

/** The replicas. */
export class Fleet {
  readonly witness: LeaseWitness;
  /** Unexpected errors that a controller logged. */
  readonly errors: unknown[] = [];
  readonly #props: FleetProps;
  readonly #replicas = new Set<Replica>();
  #started = 0;

  constructor(props: FleetProps) {
    const { cluster, clock, settings } = props;
    if (settings.leaderElection === undefined) throw new Error('there is no election');
    const now = () => clock.now();
    this.#props = props;
    this.witness = new LeaseWitness({ cluster, times: settings.leaderElection, now });
  }

  /** Those that run, or are frozen. */
  get replicas(): readonly Replica[] {
    return [...this.#replicas];
  }

  get leader(): Replica | undefined {
    return this.replicas.find(({ machine }) => this.witness.holds(machine));
  }

  start(): Replica {
    const { clock, cluster, settings } = this.#props;
    const machine = new Machine(clock, `replica-${(this.#started += 1)}`);
    const wire = new Wire({ clock, machine, cluster, witness: this.witness });
    const controller = wireController(
      { clock: machine, api: wire, fetcher: this.#awsOf(machine), log: this.#log, metrics: silentMetrics },
      { settings, candidate: machine.name, reporter: { namespace: 'own', pod: machine.name } },
    );
    const replica = { machine, wire, controller, stopping: false };
    this.#replicas.add(replica);
    void controller.start();
    return replica;
  }

  /** It is told to stop, and ends when it has; or after 30 s, as a kubelet sees to. */
  async stop(replica: Replica): Promise<void> {
    replica.stopping = true;
    await Promise.race([replica.controller.stop(), this.#props.clock.sleep(30_000)]);
    this.kill(replica);
  }

  kill(replica: Replica): void {
    replica.machine.kill();
    this.#replicas.delete(replica);
    this.witness.forget(replica.machine);
  }

  /** AWS as a process sees it: an answer finds it asleep, and when it was asked is told by its own clock. */
  #awsOf(machine: Machine): TokenFetcher {
    return {
      fetch: async (source) => {
        const issued = Math.ceil(machine.now() / 1_000);
        try {
          return { ...(await this.#props.aws.fetch(source)), issued };
        } finally {
          await machine.awake();
        }
      },
    };
  }

  get #log(): Log {
    return {
      debug: ignore,
      info: ignore,
      warn: ignore,
      error: (_, fields) => void this.errors.push(fields),
    };
  }
}

const ignore = (): void => undefined;
