// Sees every request of every process of the simulation, and knows by that alone who may write: it does not ask the lease under
// test. What breaks the promises about the lease is kept in words.
import type { ApiAnswer, ApiCall } from '../../src/controller/ports.ts';
import type { LeaseTimes } from '../../src/domain/settings.ts';
import { ApiError } from '../../src/kubernetes/errors.ts';
import type { Machine } from './machine.ts';
import type { ModelCluster, Resource } from './model-cluster.ts';
import type { ModelObject } from './model-writes.ts';

/** What is known of one process. */
interface Known {
  /** When the request that last took or renewed the lease was begun, by both clocks of the process. */
  held?: { readonly wall: number; readonly monotonic: number } | undefined;
  /** Changes that it waits to be answered. */
  underWay: number;
}

/** One request, from its beginning. */
interface Begun {
  /** That of the object that it is about, when it was begun. */
  readonly version: string | undefined;
  answered(answer: ApiAnswer): void;
  failed(): void;
}

/** The witness. */
export class LeaseWitness {
  readonly broken = new Set<string>();
  readonly counts = { changes: 0, lateRefused: 0, lateHarmless: 0, released: 0, taken: 0 };
  /** When a process last began to change something, ms of the world's clock. */
  lastChangeAt = 0;
  /** Whose request the lease was last written by, and when. */
  lastLeaseWrite: { readonly by: Machine; readonly at: number } | undefined;
  readonly #cluster: ModelCluster;
  readonly #times: LeaseTimes;
  readonly #now: () => number;
  readonly #known = new Map<Machine, Known>();

  constructor(props: { cluster: ModelCluster; times: LeaseTimes; now: () => number }) {
    this.#cluster = props.cluster;
    this.#times = props.times;
    this.#now = props.now;
  }

  /** Who holds the lease by what has been seen, and by both clocks. */
  get holders(): readonly Machine[] {
    return [...this.#known.keys()].filter((machine) => this.holds(machine));
  }

  holds(machine: Machine): boolean {
    const held = this.#known.get(machine)?.held;
    if (held === undefined) return false;
    const passed = Math.max(machine.now() - held.wall, machine.monotonic() - held.monotonic);
    return passed < this.#times.renewDeadlineMs;
  }

  /** Nothing that is dead writes. */
  forget(machine: Machine): void {
    this.#known.delete(machine);
  }

  /** A process begins a request. */
  begin(machine: Machine, call: ApiCall): Begun {
    const known = this.#knownOf(machine);
    const isChange = changes(call);
    if (isChange) this.#beginChange(machine, call, known);
    if (isLease(call) && call.method === 'PUT' && holderOf(call.body) === '') this.#release(machine, known);
    const moment = { wall: machine.now(), monotonic: machine.monotonic() };
    const end = () => void (known.underWay -= isChange ? 1 : 0);
    return {
      version: versionOf(this.#objectOf(call)),
      failed: end,
      answered: ({ body }) => {
        end();
        if (isLease(call)) this.#learn(machine, call, holderOf(body), moment);
      },
    };
  }

  /** A request arrives at the server. @param version that of the object when the request was begun */
  execute(machine: Machine, call: ApiCall, version: string | undefined): ApiAnswer {
    if (!changes(call)) return this.#executeOther(machine, call);
    const before = this.#objectOf(call);
    const isLate = !this.holds(machine);
    try {
      const answer = this.#cluster.execute(call);
      const hasChanged = this.#objectOf(call) !== before;
      if (hasChanged && before !== undefined && versionOf(before) !== version)
        this.#say(machine, call, 'has changed what it had not seen');
      if (hasChanged && isLate) this.counts.lateHarmless += 1;
      return answer;
    } catch (error) {
      if (isLate && isRefusal(error)) this.counts.lateRefused += 1;
      throw error;
    }
  }

  #executeOther(machine: Machine, call: ApiCall): ApiAnswer {
    const answer = this.#cluster.execute(call);
    if (call.method === 'PUT') this.lastLeaseWrite = { by: machine, at: this.#now() };
    return answer;
  }

  /** Never two at a time. */
  check(): void {
    const { holders } = this;
    if (holders.length < 2) return;
    this.broken.add(`${holders.map(({ name }) => name).join(' and ')} held the lease at a time`);
  }

  #beginChange(machine: Machine, call: ApiCall, known: Known): void {
    known.underWay += 1;
    this.counts.changes += 1;
    this.lastChangeAt = this.#now();
    if (!this.holds(machine)) this.#say(machine, call, 'was begun after the lease was over');
    if (this.holders.some((other) => other !== machine)) this.#say(machine, call, 'while another leads');
  }

  #release(machine: Machine, known: Known): void {
    this.counts.released += 1;
    known.held = undefined;
    if (known.underWay > 0) this.broken.add(`${machine.name} released the lease with work under way`);
  }

  #learn(machine: Machine, { method }: ApiCall, holder: string, since: NonNullable<Known['held']>): void {
    const known = this.#knownOf(machine);
    // Of an attempt that was given up long ago: what came after it counts.
    if (known.held !== undefined && since.monotonic < known.held.monotonic) return;
    if (holder !== machine.name) known.held = undefined;
    else if (method === 'PUT') {
      if (known.held === undefined) this.counts.taken += 1;
      known.held = since;
    }
  }

  #knownOf(machine: Machine): Known {
    const known = this.#known.get(machine) ?? { underWay: 0 };
    this.#known.set(machine, known);
    return known;
  }

  #objectOf({ path }: ApiCall): ModelObject | undefined {
    const [, , , , namespace = '', kind, name = ''] = path.split('/');
    const isKnown = kind === 'secrets' || kind === 'serviceaccounts';
    return isKnown ? this.#cluster.get(kind satisfies Resource, namespace, name) : undefined;
  }

  #say({ name }: Machine, { method, path }: ApiCall, what: string): void {
    this.broken.add(`${name}: ${method} ${path} ${what}`);
  }
}

const isLease = ({ path }: ApiCall): boolean => path.startsWith('/apis/coordination.k8s.io/');

const changes = (call: ApiCall): boolean => call.method !== 'GET' && !isLease(call);

const holderOf = (lease: unknown): string =>
  (lease as { spec: { holderIdentity?: string } }).spec.holderIdentity ?? '';

const isRefusal = (error: unknown): boolean => error instanceof ApiError && [409, 422].includes(error.status);

const versionOf = (object: ModelObject | undefined): string | undefined => object?.metadata.resourceVersion;
