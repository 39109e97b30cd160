// Which of the waiting AWS calls may begin: so many in flight, never all of them by one identity or for one namespace, and none
// faster than the quota that it counts against bears. Used by the token cache, which says what a call does. Whoever has the
// fewest in flight comes first, so that nobody is held up by a namespace that names fifty regions where AWS hangs.
import { accountOf, identityHash } from '../domain/identity.ts';
import type { TokenSource } from '../domain/token.ts';
import { Pace } from './pace.ts';
import type { Clock, Timer } from './ports.ts';

/** A call that waits for its turn. */
interface Waiting {
  readonly identity: string;
  /** The namespace that asked first. */
  readonly asker: string;
  /** Account and region: what AWS counts by. */
  readonly quota: string;
  /** Makes the call; true when AWS throttled it. */
  readonly call: () => Promise<{ readonly throttled: boolean }>;
}

interface CallSlotsProps {
  readonly clock: Pick<Clock, 'monotonic' | 'setTimer'>;
  /** Calls in flight at once. */
  readonly concurrency: number;
}

/** Of the calls that may be in flight, how many one identity never takes alone: its AWS may hang. */
const reserved = (concurrency: number): number => Math.min(2, Math.floor(concurrency / 4));

/** The slots. */
export class CallSlots {
  readonly #props: CallSlotsProps;
  readonly #queue: Waiting[] = [];
  #inFlight = 0;
  /** By identity, and by asker. */
  readonly #inFlightOf = new Map<string, number>();
  readonly #paces = new Map<string, Pace>();
  #timer: Timer | undefined;

  constructor(props: CallSlotsProps) {
    this.#props = props;
  }

  /** Makes the call when its turn has come; `call` never fails. */
  add({ identity, region }: TokenSource, asker: string, call: Waiting['call']): void {
    const quota = `${accountOf(identity)}/${region}`;
    this.#queue.push({
      identity: `identity ${identityHash(identity)}`,
      asker: `namespace ${asker}`,
      quota,
      call,
    });
    this.#begin();
  }

  #begin(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const now = this.#props.clock.monotonic();
    this.#forgetPaces(now);
    while (this.#inFlight < this.#props.concurrency) {
      const waiting = this.#next(now);
      if (waiting === undefined) return this.#wait(now);
      this.#queue.splice(this.#queue.indexOf(waiting), 1);
      void this.#run(waiting, now);
    }
  }

  /** Of those that may begin the one whose asker has the fewest in flight; of several the first. */
  #next(now: number): Waiting | undefined {
    let next: Waiting | undefined;
    for (const waiting of this.#queue) {
      const isFairer = next === undefined || this.#busy(waiting.asker) < this.#busy(next.asker);
      if (isFairer && this.#mayBegin(waiting, now)) next = waiting;
      if (next !== undefined && this.#busy(next.asker) === 0) break;
    }
    return next;
  }

  #mayBegin(waiting: Waiting, now: number): boolean {
    return this.#hasRoom(waiting) && (this.#paces.get(waiting.quota)?.nextAt() ?? now) <= now;
  }

  #hasRoom({ identity, asker }: Waiting): boolean {
    const { concurrency } = this.#props;
    return (
      this.#busy(identity) < concurrency - reserved(concurrency) &&
      this.#busy(asker) < Math.ceil(concurrency / 2)
    );
  }

  #busy(who: string): number {
    return this.#inFlightOf.get(who) ?? 0;
  }

  async #run({ identity, asker, quota, call }: Waiting, now: number): Promise<void> {
    const pace = this.#paces.get(quota) ?? new Pace();
    this.#paces.set(quota, pace);
    pace.start(now);
    this.#inFlight += 1;
    for (const who of [identity, asker]) this.#count(who, 1);
    const { throttled } = await call();
    this.#inFlight -= 1;
    for (const who of [identity, asker]) this.#count(who, -1);
    if (throttled) pace.throttle(this.#props.clock.monotonic());
    this.#begin();
  }

  #count(who: string, change: 1 | -1): void {
    const count = this.#busy(who) + change;
    if (count === 0) this.#inFlightOf.delete(who);
    else this.#inFlightOf.set(who, count);
  }

  /** What waits for nothing but its pace begins by itself; everything else when a call has ended. */
  #wait(now: number): void {
    const moments = this.#queue
      .filter((waiting) => this.#hasRoom(waiting))
      .map(({ quota }) => this.#paces.get(quota)?.nextAt() ?? now);
    if (moments.length === 0) return;
    // A whole ms at least: a timer may come a fraction too early.
    const delay = Math.max(1, Math.min(...moments) - now);
    this.#timer = this.#props.clock.setTimer(delay, () => this.#begin());
  }

  #forgetPaces(now: number): void {
    for (const [quota, pace] of this.#paces) if (pace.isForgotten(now)) this.#paces.delete(quota);
  }
}
