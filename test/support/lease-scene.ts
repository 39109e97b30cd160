// One Lease in memory, as an API server keeps it, and replicas that agree by it on manual clocks. Used by the tests of the lease
// (src/kubernetes/lease); it asserts nothing.
import type { Api, ApiAnswer, ApiCall } from '../../src/controller/ports.ts';
import { ApiError } from '../../src/kubernetes/errors.ts';
import { LeaderLease } from '../../src/kubernetes/lease.ts';
import { ManualClock } from './manual-clock.ts';
import { RecordedLog } from './model-ports.ts';

/** What the next requests of a replica meet. `lost`: done, but not answered. */
export type Fault = 'none' | 'fail' | 'hang' | 'lost';

/** As they are by default. */
export const times = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

/** What a Lease says; people may write anything. */
export interface Spec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** One Lease, as an API server keeps it. */
export class LeaseServer {
  spec: Spec | undefined;
  version = 0;
  requests: ApiCall[] = [];

  api(fault: () => Fault): Api {
    const call = async (request: ApiCall): Promise<ApiAnswer> => {
      const kind = fault();
      if (kind === 'fail') throw new ApiError('x', { status: 500, reason: 'x' });
      if (kind === 'hang') await new Promise(() => undefined);
      this.requests.push(request);
      const answer = request.method === 'GET' ? this.#get() : this.#put(request.body);
      if (kind === 'lost') throw new ApiError('x', { status: 0, reason: 'ECONNRESET' });
      return Promise.resolve(answer);
    };
    const watch = () => {
      throw new Error('it does not watch');
    };
    return { call, watch };
  }

  /** As somebody with an editor would. */
  write(spec: Spec | undefined): void {
    this.spec = spec;
    this.version += 1;
  }

  #get(): ApiAnswer {
    if (this.spec === undefined) throw new ApiError('GET', { status: 404, reason: 'NotFound' });
    return { status: 200, body: this.#object() };
  }

  #put(body: unknown): ApiAnswer {
    const { metadata, spec } = body as { metadata: { resourceVersion?: string }; spec: Spec };
    const { resourceVersion = '' } = metadata;
    // A missing one is made whatever version the request names.
    if (this.spec !== undefined && resourceVersion !== String(this.version)) {
      const [status, reason] =
        resourceVersion === '' ? ([422, 'Invalid'] as const) : ([409, 'Conflict'] as const);
      throw new ApiError('PUT', { status, reason });
    }
    this.write(spec);
    return { status: 200, body: this.#object() };
  }

  #object(): unknown {
    return { metadata: { resourceVersion: String(this.version) }, spec: this.spec };
  }
}

/** A replica that tries to lead. */
export function aReplica(server: LeaseServer, clock: ManualClock, identity: string) {
  const replica = { fault: 'none' as Fault, told: [] as boolean[] };
  const stop = new AbortController();
  const lease = new LeaderLease({
    api: server.api(() => replica.fault),
    clock,
    log: new RecordedLog(),
    times,
    namespace: 'own',
    name: 'ecr-pull-secrets',
    identity,
    onChange: (held) => void replica.told.push(held),
  });
  return Object.assign(replica, { lease, stop, running: lease.run(stop.signal) });
}

/** A leader, and one that waits, on one clock. */
export async function two() {
  const server = new LeaseServer();
  const clock = new ManualClock();
  const first = aReplica(server, clock, 'first');
  await clock.settle();
  const second = aReplica(server, clock, 'second');
  await clock.advance(100);
  return { server, clock, first, second };
}
