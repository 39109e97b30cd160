// The people of the simulation and what they were promised: namespaces come and go, Secrets are deleted and detached by hand,
// and every Secret is looked at after each change. Used by the worlds, which say when the controller is able to work.
import type { ModelAws } from './model-aws.ts';
import type { ModelCluster } from './model-cluster.ts';
import type { ModelObject } from './model-writes.ts';
import type { VirtualClock } from './virtual-clock.ts';

const minute = 60_000;

/** A new namespace may wait this long for its Secret while some AWS calls fail: the longest back-off and one call. */
export const grace = 6 * minute;

/** What is in a Secret, by what AWS knows of its tokens; not what our annotations say of them. */
interface Held {
  readonly uid: string;
  readonly hosts: number;
  /** When the first token expires, in seconds since the epoch. */
  readonly expires: number;
}

interface TenantsProps {
  readonly clock: VirtualClock;
  readonly cluster: ModelCluster;
  readonly aws: ModelAws;
  readonly secretName: string;
}

/** The tenants. */
export class Tenants {
  /** What broke a promise, in words. */
  readonly broken = new Set<string>();
  readonly counts = { created: 0, removed: 0, secretsDeleted: 0, edited: 0, detached: 0, checks: 0 };
  readonly #props: TenantsProps;
  readonly #read = new WeakMap<ModelObject, Held>();
  readonly #last = new Map<string, Held>();
  /** When each namespace asked for a Secret, ms since the epoch. */
  readonly #selectedAt = new Map<string, number>();
  #checked = { version: 0, at: 0 };

  constructor(props: TenantsProps) {
    this.#props = props;
  }

  create(): void {
    const { clock, cluster } = this.#props;
    this.counts.created += 1;
    const name = `ns-${this.counts.created}`;
    const key = clock.random() < 0.5 ? 'profile' : 'enabled';
    const annotations = { [`ecr-pull-secrets/${key}`]: key === 'profile' ? 'team' : 'true' };
    cluster.put('namespaces', { metadata: { name, annotations } });
    cluster.put('serviceaccounts', { metadata: { name: 'default', namespace: name } });
    this.#selectedAt.set(name, clock.now());
  }

  removeAny(): void {
    const { cluster, secretName } = this.#props;
    const name = this.#any();
    if (name === undefined) return;
    this.counts.removed += 1;
    this.#selectedAt.delete(name);
    this.#last.delete(name);
    cluster.delete('secrets', name, secretName);
    cluster.delete('serviceaccounts', name, 'default');
    cluster.delete('namespaces', '', name);
  }

  deleteAnySecret(): void {
    const { clock, cluster, secretName } = this.#props;
    const name = this.#any();
    if (name === undefined) return;
    this.counts.secretsDeleted += 1;
    this.#last.delete(name);
    this.#selectedAt.set(name, clock.now());
    cluster.delete('secrets', name, secretName);
  }

  /** Somebody sets our labels by hand, as they were: they are not ours any more, which calls for a forced apply. */
  editAny(): void {
    const { cluster, secretName } = this.#props;
    const name = this.#any();
    const seen = name === undefined ? undefined : cluster.get('secrets', name, secretName);
    if (seen === undefined) return;
    this.counts.edited += 1;
    const { managedFields = [] } = seen.metadata;
    const less = managedFields.map((entry) => {
      const fields = entry.fieldsV1 as { readonly 'f:metadata'?: object };
      return { ...entry, fieldsV1: { ...fields, 'f:metadata': { ...fields['f:metadata'], 'f:labels': {} } } };
    });
    cluster.put('secrets', { ...seen, metadata: { ...seen.metadata, managedFields: less } });
  }

  detachAny(): void {
    const { clock, cluster } = this.#props;
    const name = this.#any();
    const seen = name === undefined ? undefined : cluster.get('serviceaccounts', name, 'default');
    if (name === undefined || seen === undefined) return;
    this.counts.detached += 1;
    cluster.put('serviceaccounts', { ...seen, imagePullSecrets: [{ name: 'other' }] });
    this.#selectedAt.set(name, clock.now());
  }

  /**
   * The promises; looked at when something has changed, and every minute since tokens age.
   * @param ableSince since when nothing has kept the controller from working, ms since the epoch
   */
  check(ableSince: number): void {
    const { clock, cluster, secretName } = this.#props;
    const now = clock.now();
    if (cluster.version === this.#checked.version && now < this.#checked.at + minute) return;
    this.#checked = { version: cluster.version, at: now };
    this.counts.checks += 1;
    for (const [name, since] of this.#selectedAt) {
      const secret = cluster.get('secrets', name, secretName);
      if (secret !== undefined) this.#checkSecret(name, secret);
      if (now <= Math.max(since, ableSince) + grace) continue;
      if (secret === undefined) this.broken.add(`${name} has no Secret`);
      if (!this.#isAttached(name)) this.broken.add(`${name} is not attached`);
    }
  }

  #checkSecret(name: string, secret: ModelObject): void {
    const held = this.#heldBy(secret);
    const last = this.#last.get(name) ?? held;
    const now = this.#props.clock.now();
    if (held.expires * 1_000 <= now) this.broken.add(`${name} holds an expired token`);
    if (held.hosts < last.hosts) this.broken.add(`${name} has lost a host`);
    if (held.uid !== last.uid) this.broken.add(`${name}: the UID of the Secret has changed`);
    this.#last.set(name, held);
  }

  #isAttached(name: string): boolean {
    const list = this.#props.cluster.get('serviceaccounts', name, 'default')?.imagePullSecrets ?? [];
    return list.some((entry) => entry.name === this.#props.secretName);
  }

  #heldBy(secret: ModelObject): Held {
    let held = this.#read.get(secret);
    if (held === undefined) {
      const document = Buffer.from(secret.data?.['.dockerconfigjson'] ?? '', 'base64').toString();
      const { auths } = JSON.parse(document) as { auths: Record<string, { password: string }> };
      const expiries = Object.values(auths).map(({ password }) => this.#props.aws.expiryOf(password));
      held = { uid: secret.metadata.uid ?? '', hosts: expiries.length, expires: Math.min(...expiries) };
      this.#read.set(secret, held);
    }
    return held;
  }

  #any(): string | undefined {
    const names = [...this.#selectedAt.keys()];
    return names[Math.floor(this.#props.clock.random() * names.length)];
  }
}
