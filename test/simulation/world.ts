// The simulated world: the real controller between the modelled API server and the modelled AWS, people who change things,
// and the promises of the contract, looked at after every step. One seed, one course of events.
import { type Controller, wireController } from '../../src/app.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Log, Metrics } from '../../src/controller/ports.ts';
import type { Settings } from '../../src/domain/settings.ts';
import { ModelAws } from './model-aws.ts';
import { ModelCluster } from './model-cluster.ts';
import type { ModelObject } from './model-writes.ts';
import { VirtualClock, seededChance } from './virtual-clock.ts';

const minute = 60_000;
const hour = 60 * minute;

/** A new namespace may wait this long for its Secret while some AWS calls fail: the longest back-off and one call. */
const grace = 6 * minute;

const configuration = `
registries: [111122223333.dkr.ecr.eu-west-1.amazonaws.com, 444455556666.dkr.ecr.us-east-1.amazonaws.com]
profiles:
  team:
    namespaces: ["*"]
    registries: [777788889999.dkr.ecr.eu-west-1.amazonaws.com]
    roleArn: arn:aws:iam::777788889999:role/pull
`;

interface Held {
  readonly uid: string;
  readonly expires: number;
}

/** The world. */
export class World {
  readonly clock: VirtualClock;
  readonly cluster: ModelCluster;
  readonly aws: ModelAws;
  /** What broke a promise, in words. */
  readonly broken = new Set<string>();
  /** Unexpected errors that the controller logged. */
  readonly errors: unknown[] = [];
  readonly counts = { restarts: 0, created: 0, removed: 0, secretsDeleted: 0, outages: 0, checks: 0 };
  readonly #settings: Settings;
  readonly #held = new WeakMap<ModelObject, Held>();
  readonly #uids = new Map<string, string>();
  /** When each namespace asked for a Secret, ms since the epoch. */
  readonly #selectedAt = new Map<string, number>();
  #controller: Controller | undefined;
  #awsBackAt = 0;

  constructor(seed: number) {
    this.clock = new VirtualClock({ now: Date.UTC(2026, 0, 1), random: seededChance(seed) });
    this.cluster = new ModelCluster(this.clock);
    this.aws = new ModelAws(this.clock);
    const result = readConfig(configuration, { AWS_REGION: 'eu-west-1' });
    if ('problems' in result) throw new Error(result.problems.join('\n'));
    this.#settings = result.settings;
  }

  /** Lets the days pass. */
  async run(days: number): Promise<void> {
    for (let index = 0; index < 12; index += 1) this.#createNamespace();
    this.#startController();
    this.#every(4 * hour, () => this.#createNamespace());
    this.#every(9 * hour, () => this.#withAny((name) => this.#removeNamespace(name)));
    this.#every(7 * hour, () => this.#withAny((name) => this.#deleteSecret(name)));
    this.#every(11 * hour, () => this.#withAny((name) => this.#detach(name)));
    this.#every(50 * hour, () => void this.#restart());
    this.#every(90 * hour, () => void this.#outage());
    await this.clock.runUntil(this.clock.now() + days * 24 * hour, () => this.#check());
    await Promise.all([
      this.#controller?.stop(),
      this.clock.runUntil(this.clock.now() + minute, () => undefined),
    ]);
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
    this.#awsBackAt = this.clock.now();
  }

  #createNamespace(): void {
    this.counts.created += 1;
    const name = `ns-${this.counts.created}`;
    const key = this.clock.random() < 0.5 ? 'profile' : 'enabled';
    const annotations = { [`ecr-pull-secrets/${key}`]: key === 'profile' ? 'team' : 'true' };
    this.cluster.put('namespaces', { metadata: { name, annotations } });
    this.cluster.put('serviceaccounts', { metadata: { name: 'default', namespace: name } });
    this.#selectedAt.set(name, this.clock.now());
  }

  #removeNamespace(name: string): void {
    this.counts.removed += 1;
    this.#selectedAt.delete(name);
    this.cluster.delete('secrets', name, this.#settings.secretName);
    this.cluster.delete('serviceaccounts', name, 'default');
    this.cluster.delete('namespaces', '', name);
  }

  #deleteSecret(name: string): void {
    this.counts.secretsDeleted += 1;
    this.#uids.delete(name);
    this.#selectedAt.set(name, this.clock.now());
    this.cluster.delete('secrets', name, this.#settings.secretName);
  }

  #detach(name: string): void {
    const seen = this.cluster.get('serviceaccounts', name, 'default');
    if (seen !== undefined)
      this.cluster.put('serviceaccounts', { ...seen, imagePullSecrets: [{ name: 'other' }] });
    this.#selectedAt.set(name, this.clock.now());
  }

  /** The promises. */
  #check(): void {
    this.counts.checks += 1;
    const now = this.clock.now();
    const waitsForAws = this.aws.down || now < this.#awsBackAt + grace;
    const works = this.#controller !== undefined && !waitsForAws;
    for (const [name, since] of this.#selectedAt) {
      const secret = this.cluster.get('secrets', name, this.#settings.secretName);
      if (secret !== undefined) this.#checkSecret(name, secret);
      if (!works || now <= since + grace) continue;
      if (secret === undefined) this.broken.add(`${name} has no Secret`);
      if (!this.#isAttached(name)) this.broken.add(`${name} is not attached`);
    }
  }

  #checkSecret(name: string, secret: ModelObject): void {
    const { uid, expires } = this.#heldBy(secret);
    if (expires * 1_000 <= this.clock.now()) this.broken.add(`${name} holds an expired token`);
    if ((this.#uids.get(name) ?? uid) !== uid) this.broken.add(`${name}: the UID of the Secret has changed`);
    this.#uids.set(name, uid);
  }

  #isAttached(name: string): boolean {
    const list = this.cluster.get('serviceaccounts', name, 'default')?.imagePullSecrets ?? [];
    return list.some((entry) => entry.name === this.#settings.secretName);
  }

  /** What AWS knows of the tokens in the document, not what our annotations say of them. */
  #heldBy(secret: ModelObject): Held {
    let held = this.#held.get(secret);
    if (held === undefined) {
      const document = Buffer.from(secret.data?.['.dockerconfigjson'] ?? '', 'base64').toString();
      const { auths } = JSON.parse(document) as { auths: Record<string, { password: string }> };
      const expiries = Object.values(auths).map(({ password }) => this.aws.expiryOf(password));
      held = { uid: secret.metadata.uid ?? '', expires: Math.min(...expiries) };
      this.#held.set(secret, held);
    }
    return held;
  }

  #withAny(action: (name: string) => void): void {
    const names = [...this.#selectedAt.keys()];
    const name = names[Math.floor(this.clock.random() * names.length)];
    if (name !== undefined) action(name);
  }

  /** About every `ms`, by chance. */
  #every(ms: number, action: () => void): void {
    this.clock.setTimer(ms * (0.5 + this.clock.random()), () => {
      action();
      this.#every(ms, action);
    });
  }
}

const ignore = (): void => undefined;

const silentMetrics: Metrics = {
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
