// The lease by which replicas agree which of them writes (src/kubernetes/lease), on a manual clock and a Lease in memory: when it
// is taken, when it is over, and that never two believe to hold it.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ApiAnswer, ApiCall } from '../../src/controller/ports.ts';
import { LeadingApi } from '../../src/kubernetes/leading-api.ts';
import { two } from '../support/lease-scene.ts';

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
    server.write({ ...server.spec, holderIdentity: 'somebody' });
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
      { numRuns: 100 },
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
