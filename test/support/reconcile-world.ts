// One namespace with everything around it, for tests of reconcile: a cluster in memory, the real token cache, an AWS that
// answers when the test says so, and a manual clock. `step` is one reconcile; what became of the world is for the test.
import { Provenance } from '../../src/controller/provenance.ts';
import { reconcile } from '../../src/controller/reconcile.ts';
import { RepairLimit } from '../../src/controller/repair-limit.ts';
import { TokenCache } from '../../src/controller/token-cache.ts';
import type { DockerAuth } from '../../src/domain/docker-config.ts';
import type { Outcome } from '../../src/controller/outcome.ts';
import { FetchFailure } from '../../src/domain/errors.ts';
import type { Settings } from '../../src/domain/settings.ts';
import { SecretText, type Token } from '../../src/domain/token.ts';
import type { SecretView } from '../../src/domain/views.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryCluster } from './memory-cluster.ts';
import { ModelFetcher, RecordedLog, RecordedMetrics } from './model-ports.ts';
import {
  aNamespace,
  aRegistry,
  aSecret,
  aServiceAccount,
  aSettings,
  aToken,
  anIntent,
  midnight,
  twelveHours,
} from './views.ts';

/** When a Secret that was written at midnight is due, ms after midnight. */
export const halfLife = (twelveHours / 2) * 1_000;

/** Nothing is spread, so that moments are round. */
const unspread = { atFraction: 0.5, spread: 0, maxAge: null } as const;

/** The world: namespace `team-a` has opted in, its ServiceAccount `default` lacks our Secret, and it is midnight. */
export class ReconcileWorld {
  readonly settings: Settings;
  readonly clock = new ManualClock({ now: midnight * 1_000 });
  readonly cluster = new MemoryCluster();
  readonly metrics = new RecordedMetrics();
  readonly log = new RecordedLog();
  readonly fetcher = new ModelFetcher(() => this.clock.monotonic());
  /** Namespaces that the token cache woke. */
  readonly woken: string[] = [];
  /** Told of each of them. */
  onWake: (key: string) => void = () => {};
  /** What a restart forgets. */
  #memory: { readonly tokens: TokenCache; readonly provenance: Provenance; readonly repairs: RepairLimit };
  readonly #issued = new Map<string, number>();

  constructor(overrides: Partial<Settings> = {}) {
    this.settings = aSettings({ refresh: unspread, ...overrides });
    this.cluster.put(aNamespace(), aServiceAccount());
    this.#memory = this.#nothingRemembered();
  }

  /** The controller starts anew: what stands in the cluster is all that it knows. */
  restart(): void {
    this.#memory = this.#nothingRemembered();
  }

  #nothingRemembered() {
    const { clock, fetcher, metrics, log } = this;
    const { refresh, aws } = this.settings;
    const wake = (key: string) => {
      this.woken.push(key);
      this.onWake(key);
    };
    const ports = { clock, fetcher, metrics, log };
    const tokens = new TokenCache({ ...ports, refresh, concurrency: aws.concurrency, wake });
    return { tokens, provenance: new Provenance(), repairs: new RepairLimit() };
  }

  /** One step. It must end by itself: no test lets time pass or AWS answer meanwhile. */
  step(namespace = 'team-a'): Promise<Outcome> {
    const { settings, clock, cluster, metrics } = this;
    return reconcile(namespace, { settings, clock, cluster, metrics, ...this.#memory });
  }

  /**
   * AWS answers every call from now on: the password is the region and how often it was answered there. It denies those
   * of the regions in `failing`.
   */
  answering(failing: readonly string[] = []): void {
    this.fetcher.reply = ({ region }) => {
      if (!failing.includes(region)) return this.#issue(region);
      throw new FetchFailure('denied', 'ecr: AccessDenied', 'allow ecr:GetAuthorizationToken');
    };
  }

  /** AWS answers one call that is open. */
  async answerCall(index: number): Promise<void> {
    const call = this.fetcher.calls[index];
    call?.answer(this.#issue(call.source.region));
    await this.clock.settle();
  }

  /** Steps until no token is awaited any more. */
  async stepUntilDecided(namespace = 'team-a'): Promise<Outcome> {
    for (let left = 10; left > 0; left -= 1) {
      const outcome = await this.step(namespace);
      if (outcome.kind !== 'awaiting') return outcome;
      await this.clock.settle();
    }
    throw new Error('the tokens never came');
  }

  /** A Secret that we wrote at midnight for these hosts, with the passwords `old-<host>`, in which `default` is attached. */
  written(hosts: readonly string[], overrides: Partial<SecretView> = {}): SecretView {
    const origin = { intent: anIntent({ hosts }), settings: this.settings };
    const view = aSecret(overrides, origin);
    const auths = hosts.map((host): [string, DockerAuth] => [
      host,
      { username: 'AWS', password: new SecretText(`old-${host}`) },
    ]);
    this.cluster.putSecret(view, new Map(auths));
    this.cluster.put(aServiceAccount({ pullSecrets: [this.settings.secretName] }));
    return view;
  }

  /** A Secret of ours under a former name, written at midnight, whose entry `default` has before all that it has. */
  formerlyWritten(name: string, overrides: Partial<SecretView> = {}): SecretView {
    const view = aSecret({ name, uid: `uid-${name}`, ...overrides }, { settings: this.settings });
    this.cluster.putSecret(view);
    this.cluster.put(aServiceAccount({ pullSecrets: [name, ...(this.pullSecrets() ?? [])] }));
    return view;
  }

  /** What `team-a` asks for from now on, without our prefix. */
  annotate(annotations: Readonly<Record<string, string>>): void {
    this.cluster.put(aNamespace({ annotations }));
  }

  /** The names in the `imagePullSecrets` of a ServiceAccount of team-a. */
  pullSecrets(name = 'default'): readonly string[] | undefined {
    return this.cluster.serviceAccount('team-a', name)?.pullSecrets;
  }

  /** True where neither the cluster nor AWS got a request. */
  get untouched(): boolean {
    return this.cluster.requests.length === 0 && this.fetcher.calls.length === 0;
  }

  #issue(region: string): Token {
    const count = (this.#issued.get(region) ?? 0) + 1;
    this.#issued.set(region, count);
    const issued = Math.ceil(this.clock.now() / 1_000);
    return aToken({ password: `${region}-${count}`, issued, expires: issued + twelveHours });
  }
}

/** A world in which `team-a` has just been served, with the token `eu-west-1-1`; AWS answers. */
export async function served(overrides: Partial<Settings> = {}): Promise<ReconcileWorld> {
  const world = new ReconcileWorld(overrides);
  world.answering();
  await world.stepUntilDecided();
  world.cluster.requests.length = 0;
  return world;
}

/** A Secret of midnight for these hosts, which is due now; AWS answers but for the regions of `failing`. */
export async function dueNow(hosts: readonly string[], failing: readonly string[]) {
  const world = new ReconcileWorld({ registries: hosts.map(aRegistry) });
  const seen = world.written(hosts);
  await world.clock.advance(halfLife);
  world.answering(failing);
  return { world, seen };
}
