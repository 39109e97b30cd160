// The lease by which replicas agree which of them writes (src/kubernetes/lease), on a manual clock and a Lease in memory: when it
// is taken, when it is over, and that never two believe to hold it.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Api, ApiAnswer, ApiCall } from '../../src/controller/ports.ts';
import { ApiError } from '../../src/kubernetes/errors.ts';
import { LeadingApi } from '../../src/kubernetes/leading-api.ts';
import { LeaderLease } from '../../src/kubernetes/lease.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { RecordedLog } from '../support/model-ports.ts';

const times = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

interface Spec {
  readonly holderIdentity: string;
  readonly leaseDurationSeconds: number;
  readonly renewTime: string;
  readonly leaseTransitions: number;
}

/** One Lease, as an API server keeps it. `fault`: what the next requests meet. */
class LeaseServer {
  spec: Spec | undefined;
  version = 0;
  requests: ApiCall[] = [];

  api(fault: () => 'none' | 'fail' | 'hang' | 'lost'): Api {
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

  #get(): ApiAnswer {
    if (this.spec === undefined) throw new ApiError('GET', { status: 404, reason: 'NotFound' });
    return { status: 200, body: this.#object() };
  }

  #put(body: unknown): ApiAnswer {
    const { metadata, spec } = body as { metadata: { resourceVersion?: string }; spec: Spec };
    const seen = metadata.resourceVersion ?? '0';
    if (seen !== String(this.spec === undefined ? 0 : this.version)) {
      throw new ApiError('PUT', { status: 409, reason: 'Conflict' });
    }
    this.spec = spec;
    this.version += 1;
    return { status: 200, body: this.#object() };
  }

  #object(): unknown {
    return { metadata: { resourceVersion: String(this.version) }, spec: this.spec };
  }
}

function aReplica(server: LeaseServer, clock: ManualClock, identity: string) {
  const replica = { fault: 'none' as 'none' | 'fail' | 'hang' | 'lost', told: [] as boolean[] };
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

/** A leader, and one that waits, on clocks of their own that go alike. */
async function two() {
  const server = new LeaseServer();
  const clock = new ManualClock();
  const first = aReplica(server, clock, 'first');
  await clock.settle();
  const second = aReplica(server, clock, 'second');
  await clock.advance(100);
  return { server, clock, first, second };
}

describe('a lease', () => {
  test('that does not exist is made and held at once', async () => {
    const { server, first, second } = await two();
    expect([first.lease.mayWrite(), second.lease.mayWrite()]).toEqual([true, false]);
    expect(first.told).toEqual([true]);
    expect(server.spec).toMatchObject({
      holderIdentity: 'first',
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
    });
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'PUT', 'GET']);
  });

  test('that is renewed is held for ever, and the other asks on', async () => {
    const { clock, first, second } = await two();
    await clock.advance(3_600_000);
    expect([first.told, second.told]).toEqual([[true], []]);
  });

  test('is taken 15 s after its holder has said nothing more, by the clock of who waits', async () => {
    const { server, clock, first, second } = await two();
    first.stop.abort();
    const { spec } = server;
    // What the holder writes down is nothing to go by: its clock may be wrong.
    if (spec !== undefined) server.spec = { ...spec, renewTime: '2099-01-01T00:00:00.000000Z' };
    await clock.advance(12_000);
    expect(second.lease.mayWrite()).toBe(false);
    await clock.advance(6_000);
    expect(second.lease.mayWrite()).toBe(true);
    expect(server.spec).toMatchObject({ holderIdentity: 'second', leaseTransitions: 1 });
  });

  test('that was given up is taken at the next attempt', async () => {
    const { server, clock, first, second } = await two();
    first.stop.abort();
    await first.running;
    await first.lease.release();
    expect(server.spec?.holderIdentity).toBe('');
    expect(first.told).toEqual([true, false]);
    await clock.advance(2_500);
    expect(second.lease.mayWrite()).toBe(true);
  });

  test('of another is not given up', async () => {
    const { server, second } = await two();
    const before = server.requests.length;
    await second.lease.release();
    expect(server.requests).toHaveLength(before);
  });

  test.each(['fail', 'hang', 'lost'] as const)(
    'is over for its holder after 10 s when renewing meets: %s; and held again when that has passed',
    async (fault) => {
      const { clock, first, second } = await two();
      second.fault = 'fail';
      first.fault = fault;
      await clock.advance(7_500);
      expect(first.lease.mayWrite()).toBe(true);
      await clock.advance(3_000);
      expect(first.lease.mayWrite()).toBe(false);
      expect(first.told).toEqual([true, false]);
      first.fault = 'none';
      await clock.advance(15_000);
      expect(first.told).toEqual([true, false, true]);
    },
  );

  test('is over at once for a holder whose machine was suspended, though its monotonic clock stood still', async () => {
    const { clock, first } = await two();
    clock.jump(60_000);
    expect(first.lease.mayWrite()).toBe(false);
  });

  test('is held no longer where the wall clock is set back', async () => {
    const { clock, first, second } = await two();
    second.fault = 'fail';
    first.fault = 'fail';
    clock.jump(-3_600_000);
    await clock.advance(10_500);
    expect(first.lease.mayWrite()).toBe(false);
  });

  test('that somebody has taken by hand is not written over', async () => {
    const { server, clock, first } = await two();
    const { spec } = server;
    if (spec !== undefined) server.spec = { ...spec, holderIdentity: 'somebody' };
    server.version += 1;
    await clock.advance(5_000);
    expect(first.lease.mayWrite()).toBe(false);
    expect(first.told).toEqual([true, false]);
    expect(server.spec?.holderIdentity).toBe('somebody');
  });

  test('is never held by two, whatever requests meet', async () => {
    const faults = fc.constantFrom('none', 'none', 'none', 'fail', 'hang', 'lost');
    const steps = fc.array(fc.tuple(faults, faults, fc.integer({ min: 100, max: 20_000 })), {
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const { clock, first, second } = await two();
        for (const [one, other, ms] of plan) {
          [first.fault, second.fault] = [one, other] as [typeof first.fault, typeof second.fault];
          for (let passed = 0; passed < ms; passed += 500) {
            await clock.advance(500);
            expect(first.lease.mayWrite() && second.lease.mayWrite()).toBe(false);
          }
        }
        [first.fault, second.fault] = ['none', 'none'];
        await clock.advance(40_000);
        expect([first.lease.mayWrite(), second.lease.mayWrite()].filter(Boolean)).toHaveLength(1);
        first.stop.abort();
        second.stop.abort();
      }),
      { numRuns: 30 },
    );
  }, 60_000);
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)(
  'without the lease a %s is not sent, a GET is',
  async (method) => {
    const sent: string[] = [];
    const call = (request: ApiCall): Promise<ApiAnswer> => {
      sent.push(request.method);
      return Promise.resolve({ status: 200, body: {} });
    };
    const api = new LeadingApi(
      {
        call,
        watch: () => {
          throw new Error('no');
        },
      },
      () => false,
    );
    await api.call({ method: 'GET', path: '/' });
    await expect(api.call({ method, path: '/x' })).rejects.toMatchObject({ status: 0 });
    expect(sent).toEqual(['GET']);
  },
);
