// The simulated world with several replicas: machines vanish, freeze, sleep and have their clocks set, the network is bad, and
// there are upgrades. The promises of the contract and those about the lease are looked at after every step.
import { Fleet, type Replica } from './fleet.ts';
import { ModelAws } from './model-aws.ts';
import { ModelCluster } from './model-cluster.ts';
import { Tenants } from './tenants.ts';
import { VirtualClock, seededChance } from './virtual-clock.ts';
import { simulatedSettings } from './world.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** A queue notices after 10 minutes that the clock was set back; and somebody must take the lease. */
const recovery = 14 * minute;

/** How a world begins. */
interface ReplicasWorldProps {
  readonly seed: number;
  readonly replicas: number;
  /** How often something befalls each: 1 is about once in half an hour for each kind of trouble. */
  readonly pace: number;
  /** The times of the election, this many times as long as usual. */
  readonly slowness: number;
}

/** The world. */
export class ReplicasWorld {
  readonly clock: VirtualClock;
  readonly aws: ModelAws;
  readonly cluster: ModelCluster;
  readonly tenants: Tenants;
  readonly fleet: Fleet;
  readonly broken = new Set<string>();
  readonly counts = {
    crashes: 0,
    leaderCrashes: 0,
    /** Crashes of leaders after which somebody was there who had to go on in time. */
    takenOver: 0,
    stopped: 0,
    suspended: 0,
    leadersFrozen: 0,
    jumps: 0,
    badWeather: 0,
    upgrades: 0,
    outages: 0,
  };
  readonly #props: ReplicasWorldProps;
  /** Since when every replica is well and AWS answers, ms of the world's clock. */
  #wellSince = 0;

  constructor(props: ReplicasWorldProps) {
    const { slowness, seed } = props;
    const clock = new VirtualClock({ now: Date.UTC(2026, 0, 1), random: seededChance(seed) });
    const [duration, deadline, retry] = [15, 10, 2].map((seconds) => `${seconds * slowness}s`);
    const settings = simulatedSettings(
      `leaderElection: {leaseDuration: ${duration}, renewDeadline: ${deadline}, retryPeriod: ${retry}}\n`,
    );
    const cluster = new ModelCluster(clock);
    const aws = new ModelAws(clock);
    this.#props = props;
    [this.clock, this.cluster, this.aws] = [clock, cluster, aws];
    this.tenants = new Tenants({ clock, cluster, aws, secretName: settings.secretName });
    this.fleet = new Fleet({ clock, cluster, aws, settings });
  }

  /** Lets the days pass. */
  async run(days: number): Promise<void> {
    const { clock, tenants } = this;
    const { replicas, pace } = this.#props;
    for (let index = 0; index < 12; index += 1) tenants.create();
    for (let index = 0; index < replicas; index += 1) this.fleet.start();
    clock.every((2 * hour) / pace, () => tenants.create());
    clock.every((2.5 * hour) / pace, () => tenants.removeAny());
    clock.every(hour / pace, () => tenants.deleteAnySecret());
    clock.every(hour / pace, () => tenants.detachAny());
    const troubles = [
      () => this.#crash(),
      () => this.#freeze(),
      () => this.#setClock(),
      () => Promise.resolve(this.#badWeather()),
      () => this.#upgrade(),
    ];
    for (const trouble of troubles) {
      clock.every((30 * minute) / pace, () => {
        // The last hours of each day are quiet: then all that was asked for must be there.
        if (clock.now() % (24 * hour) < 20 * hour) void trouble();
      });
    }
    clock.every(30 * second, () => this.#keepNumber());
    clock.every(90 * hour, () => void this.#outage());
    await clock.runUntil(clock.now() + days * 24 * hour, () => this.#check());
  }

  #check(): void {
    const { fleet, clock, aws } = this;
    fleet.witness.check();
    const troubled = fleet.replicas.some(({ machine, wire, stopping }) => {
      return stopping || machine.frozen || clock.now() < wire.badUntil;
    });
    if (troubled || aws.down) this.#wellSince = clock.now();
    this.tenants.check(this.#wellSince + recovery);
  }

  /** Somebody goes on within leaseDuration and two attempts, which come up to a fifth later than the retry period. */
  async #crash(): Promise<void> {
    const { clock, fleet, tenants, counts } = this;
    const victim = this.#any();
    if (victim === undefined) return;
    counts.crashes += 1;
    const wasLeading = fleet.leader === victim;
    fleet.kill(victim);
    this.#wellSince = clock.now();
    if (!wasLeading) return;
    counts.leaderCrashes += 1;
    tenants.create();
    await this.#seeTakenOver(clock.now());
  }

  /** Work for the leader, most of it while the trouble lasts. */
  async #makeWork(): Promise<void> {
    const { clock, tenants } = this;
    for (let index = 0; index < 4; index += 1) {
      tenants.deleteAnySecret();
      tenants.editAny();
      tenants.detachAny();
      await clock.sleep(second * clock.random());
    }
  }

  async #seeTakenOver(crashedAt: number): Promise<void> {
    const { clock, fleet, counts } = this;
    const waiting = fleet.replicas.filter(({ controller, stopping }) => controller.ready && !stopping);
    const limit = 20 * second * this.#props.slowness;
    await clock.sleep(limit);
    const isWell = ({ machine, wire, stopping }: Replica) =>
      machine.alive && !stopping && machine.troubleAt < crashedAt - limit / 4 && wire.badUntil < crashedAt;
    if (!waiting.some(isWell)) return;
    // Somebody who is not well has it since then: a request that was long on its way, perhaps of the dead one, has taken it.
    const { by, at = 0 } = fleet.witness.lastLeaseWrite ?? {};
    const holder = fleet.replicas.find(({ machine }) => machine === by);
    if (at > crashedAt && (holder === undefined || !isWell(holder))) return;
    counts.takenOver += 1;
    if (fleet.witness.lastChangeAt <= crashedAt)
      this.broken.add(`nobody wrote within ${limit / second} s of a crash`);
  }

  /** As a ReplicaSet: as many as are wanted, and one more while an upgrade lasts. */
  #keepNumber(): void {
    const { fleet } = this;
    const { replicas } = this.#props;
    const running = fleet.replicas.filter(({ stopping }) => !stopping);
    const [surplus] = running.length > replicas + 1 ? running : [];
    if (surplus !== undefined) void fleet.stop(surplus);
    if (running.length < replicas) fleet.start();
  }

  async #freeze(): Promise<void> {
    const { clock, fleet, counts } = this;
    const victim = clock.random() < 0.6 ? fleet.leader : this.#any();
    if (victim === undefined || victim.machine.frozen) return;
    if (victim === fleet.leader) counts.leadersFrozen += 1;
    // 1 s to 10 min, short ones as often as long ones.
    // Half of them with much under way.
    if (clock.random() < 0.5) {
      victim.wire.slowUntil = clock.now() + 3 * second;
      void this.#makeWork();
      await clock.sleep(3 * second);
    }
    const ms = second * this.#props.slowness * 600 ** clock.random();
    const how = clock.random() < 0.5 ? 'stopped' : 'suspended';
    counts[how] += 1;
    // A clock that is set back meanwhile hides it from who looks at that clock only.
    const setBack = how === 'stopped' && clock.random() < 0.3 ? ms : 0;
    victim.machine.jump(-setBack);
    await victim.machine.freeze(ms, how);
    await clock.sleep(minute);
    victim.machine.jump(setBack);
  }

  /** Set back within the very period in which the machine slept, a clock hides that it did: nobody could know. */
  async #setClock(): Promise<void> {
    const { clock, counts } = this;
    const victim = this.#any();
    if (victim === undefined || clock.now() - victim.machine.troubleAt < minute) return;
    counts.jumps += 1;
    const ms = (clock.random() < 0.5 ? -1 : 1) * second * 3_600 ** clock.random();
    // A leader that cannot renew just then still has its lease.
    const { leader } = this.fleet;
    if (leader !== undefined && leader !== victim) leader.wire.badUntil = clock.now() + 8 * second;
    if (leader !== victim) await clock.sleep(4 * second);
    victim.machine.jump(ms);
    this.#wellSince = clock.now();
    await clock.sleep(hour * clock.random());
    while (clock.now() - victim.machine.troubleAt < minute) await clock.sleep(minute);
    victim.machine.jump(-ms);
    this.#wellSince = clock.now();
  }

  #badWeather(): void {
    const { clock, counts } = this;
    const victim = this.#any();
    if (victim === undefined) return;
    counts.badWeather += 1;
    void this.#makeWork();
    victim.wire.badUntil = clock.now() + 10 * second * 30 ** clock.random();
  }

  /** One new, and when that is ready one old less; until all are new. */
  async #upgrade(): Promise<void> {
    const { clock, fleet, counts } = this;
    counts.upgrades += 1;
    for (const old of fleet.replicas) {
      if (old.stopping || !old.machine.alive) continue;
      const next = fleet.start();
      for (let waited = 0; waited < 60 && !next.controller.ready; waited += 1) await clock.sleep(second);
      await fleet.stop(old);
    }
  }

  async #outage(): Promise<void> {
    this.counts.outages += 1;
    this.aws.down = true;
    await this.clock.sleep(2 * hour);
    this.aws.down = false;
  }

  #any(): Replica | undefined {
    const { replicas } = this.fleet;
    return replicas[Math.floor(this.clock.random() * replicas.length)];
  }
}
