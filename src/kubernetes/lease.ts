// Which of several replicas may write: the holder of a Lease, as client-go's leader election does it. Run by app; asked by every
// request that changes something. How long it has been held is the larger of two differences, by the monotonic clock (the wall
// clock may be set back) and by the wall clock (the monotonic one stands still while a machine is suspended). How long another
// has said nothing is the monotonic difference alone, which is never too long: a wall clock that is set forward must not end
// another's lease. Two holders at a time can still be imagined, so every write carries what it has seen as well.
import type { Api, ApiCall, Clock, Log, Timer } from '../controller/ports.ts';
import type { LeaseTimes } from '../domain/settings.ts';
import { ApiError } from './errors.ts';
import { pause } from './pause.ts';

/** A moment by both clocks, in ms. */
interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

interface LeaseObject {
  readonly metadata: { readonly resourceVersion?: string };
  readonly spec?: LeaseSpec;
}

/** What a lease is held by. */
export interface LeaderLeaseProps {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  readonly times: LeaseTimes;
  readonly namespace: string;
  readonly name: string;
  /** This process; no other may ever have the same. */
  readonly identity: string;
  /** Told when it is taken on and when it is over. */
  readonly onChange: (held: boolean) => void;
}

/** A Lease, held or waited for. */
export class LeaderLease {
  readonly #props: LeaderLeaseProps;
  /** The object as last read or written. */
  #seen: LeaseObject | undefined;
  /** When that was first seen as it is, by the monotonic clock. */
  #seenAt = 0;
  /** When the request that last renewed it was begun; undefined: it is not ours. */
  #renewedAt: Moment | undefined;
  #failing = false;
  /** True when what was last seen is known to have changed. */
  #outdated = false;
  /** Counts the attempts: what comes of one that took too long does not count any more. */
  #round = 0;
  #end: Timer | undefined;

  constructor(props: LeaderLeaseProps) {
    this.#props = props;
  }

  /** True while it is certainly ours: until the deadline for renewing it, well before others may take it. */
  mayWrite(): boolean {
    return this.#renewedAt !== undefined && this.#since(this.#renewedAt) < this.#props.times.renewDeadlineMs;
  }

  /** Takes it as soon as it is free and renews it, until `signal` aborts. Never fails. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, times } = this.#props;
    while (!signal.aborted) {
      const over = new AbortController();
      this.#round += 1;
      // A request that hangs must neither keep us from the next attempt nor cost us the lease: there is time for another.
      const hasEnded = await Promise.race([
        this.#attempt(this.#round).then(() => true),
        pause(clock, times.renewDeadlineMs / 2, over.signal).then(() => false),
      ]);
      over.abort();
      // One that hung has taken its time already: with a pause as well, 0.2 s might be left for the other.
      if (!hasEnded) continue;
      // Up to a fifth longer, as client-go does, so that replicas do not ask in step.
      await pause(clock, times.retryPeriodMs * (1 + 0.2 * clock.random()), signal);
    }
    this.#round += 1;
  }

  /** Gives it up, so that another need not wait; for when all work has ended. */
  async release(): Promise<void> {
    if (!this.mayWrite()) return this.#lose();
    const { spec } = this.#seen ?? {};
    this.#lose();
    // As short as the API server allows: nobody holds it.
    await this.#write({ ...spec, holderIdentity: '', leaseDurationSeconds: 1 }).catch(() => undefined);
  }

  async #attempt(round: number): Promise<void> {
    try {
      if (this.#renewedAt === undefined || this.#outdated) {
        const found = await this.#read();
        if (round !== this.#round) return;
        this.#note(found);
        if (found?.spec?.holderIdentity !== this.#props.identity) this.#lose();
      }
      if (this.#isOthers()) return;
      const begun = this.#now();
      const written = await this.#write(this.#ours());
      if (round !== this.#round) return;
      this.#note(written);
      this.#hold(begun);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (round === this.#round) this.#fail(error);
    }
  }

  #fail(error: ApiError): void {
    // Somebody was faster, it was changed by hand, or the answer to our own write was lost: the next attempt reads it first.
    if (error.status === 409 || error.status === 404) this.#outdated = true;
    else if (!this.#failing) this.#props.log.warn('the lease cannot be had', { error: error.message });
    this.#failing = true;
  }

  async #read(): Promise<LeaseObject | undefined> {
    try {
      return (await this.#props.api.call({ method: 'GET', path: this.#path })).body as LeaseObject;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Held by another, whose time is not over by our own observation: the times that it writes down are not compared. */
  #isOthers(): boolean {
    const { identity, times, clock } = this.#props;
    const { holderIdentity, leaseDurationSeconds = 0 } = this.#seen?.spec ?? {};
    if ((holderIdentity ?? '') === '' || holderIdentity === identity) return false;
    // Without a duration it was written by hand: then ours is as good as any.
    const lastsMs = leaseDurationSeconds > 0 ? leaseDurationSeconds * 1_000 : times.leaseDurationMs;
    return clock.monotonic() - this.#seenAt < lastsMs;
  }

  /** What it says when it is ours. */
  #ours(): LeaseSpec {
    const { identity, times, clock } = this.#props;
    const before = this.#seen?.spec;
    const isOurs = before?.holderIdentity === identity;
    const now = microTime(clock.now());
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(times.leaseDurationMs / 1_000),
      acquireTime: isOurs ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (isOurs || before === undefined ? 0 : 1),
    };
  }

  #hold(since: Moment): void {
    const { clock, times, log, identity, onChange } = this.#props;
    const isNew = this.#renewedAt === undefined;
    this.#renewedAt = since;
    this.#end?.cancel();
    this.#end = clock.setTimer(times.renewDeadlineMs, () => this.#noticeEnd());
    if (this.#failing) log.info('the lease can be had again');
    this.#failing = false;
    if (!isNew) return;
    log.info('leading', { identity });
    onChange(true);
  }

  /** By PUT: it is authorised by name also where it creates, and carries the version that was seen. */
  async #write(spec: LeaseSpec): Promise<LeaseObject> {
    const { api, namespace, name } = this.#props;
    const resourceVersion = this.#seen?.metadata.resourceVersion;
    const metadata = { name, namespace, ...(resourceVersion !== undefined && { resourceVersion }) };
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    const call: ApiCall = { method: 'PUT', path: this.#path, body };
    return (await api.call(call)).body as LeaseObject;
  }

  #note(lease: LeaseObject | undefined): void {
    const isSame = this.#seen?.metadata.resourceVersion === lease?.metadata.resourceVersion;
    this.#seen = lease;
    this.#outdated = false;
    if (!isSame) this.#seenAt = this.#props.clock.monotonic();
  }

  #noticeEnd(): void {
    if (!this.mayWrite()) this.#lose();
  }

  #lose(): void {
    const wasHeld = this.#renewedAt !== undefined;
    this.#renewedAt = undefined;
    this.#end?.cancel();
    if (!wasHeld) return;
    this.#props.log.info('not leading any more', { identity: this.#props.identity });
    this.#props.onChange(false);
  }

  get #path(): string {
    const { namespace, name } = this.#props;
    return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${name}`;
  }

  #now(): Moment {
    const { clock } = this.#props;
    return { wall: clock.now(), monotonic: clock.monotonic() };
  }

  #since({ wall, monotonic }: Moment): number {
    const now = this.#now();
    return Math.max(now.wall - wall, now.monotonic - monotonic);
  }
}

/** MicroTime wants exactly six fractional digits. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
