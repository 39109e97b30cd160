// What lies between one process and the API server: the Api port over the modelled one, with requests that are lost, cut, late on
// their way or late in being answered, and watches that fall silent. The witness is told what is begun and what is changed.
import type { Api, ApiAnswer, ApiCall, WatchEvent } from '../../src/controller/ports.ts';
import { ApiError } from '../../src/kubernetes/errors.ts';
import type { LeaseWitness } from './lease-witness.ts';
import type { Machine } from './machine.ts';
import type { ModelCluster } from './model-cluster.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** As in kubernetes/api, in ms. */
const requestTimeout = 30_000;

/** Of all requests in good weather. */
const failureRate = 0.005;

/** What may become of a request in bad weather. `lost`: the answer; `slow`: the way to the server. */
const fates = ['good', 'hung', 'cut', 'lost', 'slow', 'late'] as const;
type Fate = (typeof fates)[number];

interface WireProps {
  readonly clock: VirtualClock;
  readonly machine: Machine;
  readonly cluster: ModelCluster;
  readonly witness: LeaseWitness;
}

/** The wire. */
export class Wire implements Api {
  /** Bad weather lasts until then, ms of the world's clock. */
  badUntil = 0;
  /** Every request that is begun before is long on its way. */
  slowUntil = 0;
  readonly #props: WireProps;

  constructor(props: WireProps) {
    this.#props = props;
  }

  async call(call: ApiCall): Promise<ApiAnswer> {
    const { machine, witness } = this.#props;
    const begun = witness.begin(machine, call);
    const { promise: timedOut, reject } = Promise.withResolvers<never>();
    const timer = machine.setTimer(requestTimeout, () => reject(noAnswer(call, 'TimeoutError')));
    try {
      const answer = await Promise.race([this.#travel(call, begun.version), timedOut]);
      await machine.awake();
      begun.answered(answer);
      return answer;
    } catch (error) {
      await machine.awake();
      begun.failed();
      throw error;
    } finally {
      timer.cancel();
    }
  }

  async *watch(call: ApiCall, signal: AbortSignal): AsyncIterable<WatchEvent> {
    const { cluster, machine } = this.#props;
    const ends = AbortSignal.any([signal, machine.dead]);
    for await (const event of cluster.watch(call, ends)) {
      await this.#silence();
      await machine.awake();
      if (signal.aborted) return;
      yield event;
    }
    await machine.awake();
  }

  async #travel(call: ApiCall, version: string | undefined): Promise<ApiAnswer> {
    const { clock, machine } = this.#props;
    const fate = this.#fate();
    if (fate !== 'good') machine.noteTrouble();
    const some = () => 1_000 + 59_000 * clock.random();
    if (fate === 'hung') await new Promise(() => undefined);
    await clock.sleep(fate === 'slow' ? some() : 1 + 20 * clock.random());
    if (fate === 'cut') throw noAnswer(call, 'ECONNRESET');
    const answer = this.#props.witness.execute(machine, call, version);
    if (fate === 'late') await clock.sleep(some());
    if (fate === 'lost') throw noAnswer(call, 'ECONNRESET');
    return answer;
  }

  #fate(): Fate {
    const { clock } = this.#props;
    if (clock.now() < this.slowUntil) return 'slow';
    const isBad = clock.now() < this.badUntil;
    if (clock.random() > (isBad ? 0.6 : failureRate)) return 'good';
    return fates[Math.floor(clock.random() * fates.length)] ?? 'good';
  }

  /** While the weather is bad nothing is heard. */
  async #silence(): Promise<void> {
    const { clock } = this.#props;
    if (clock.now() < this.badUntil) await clock.sleep(this.badUntil - clock.now());
  }
}

const noAnswer = ({ method, path }: ApiCall, reason: string): ApiError =>
  new ApiError(`${method} ${path}`, { status: 0, reason });
