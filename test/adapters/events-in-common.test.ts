// What several namespaces have in common is told in the controller's own namespace too (src/kubernetes/events): once, and
// before a thousand tenants are told one by one.
import { expect, test, describe, beforeEach } from 'vitest';
import type { ApiAnswer, Log } from '../../src/controller/ports.ts';
import type { Problem } from '../../src/domain/errors.ts';
import { EventRecorder } from '../../src/kubernetes/events.ts';
import { ManualClock } from '../support/manual-clock.ts';

const nothing = () => undefined;
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const problem: Problem = { reason: 'TokenUnavailable', subject: 'a host', note: 'no token for a host' };
let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});

describe('what several namespaces have in common', () => {
  const hour = 60 * 60_000;

  function recording() {
    const sent: { readonly path: string; readonly body: unknown }[] = [];
    const call = ({ path, body }: { path: string; body?: unknown }): Promise<ApiAnswer> => {
      sent.push({ path, body });
      return Promise.resolve({ status: 201, body: { metadata: { name: 'event' } } });
    };
    const watch = () => {
      throw new Error('it does not watch');
    };
    const reporter = { namespace: 'own', pod: 'r' };
    const api = { call, watch };
    const events = new EventRecorder({ api, clock, log, instance: 'i', reporter, secretName: 's' });
    const own = () => sent.filter(({ path }) => path.includes('/namespaces/own/'));
    return { events, sent, own };
  }

  test('is told once in our own namespace, regarding our pod, before the third tenant hears of it', async () => {
    const { events, sent, own } = recording();
    for (let tenant = 0; tenant < 100; tenant += 1) events.warn(`team-${tenant}`, problem);
    await clock.advance(20_000);
    expect(sent).toHaveLength(101);
    expect(sent.indexOf(own()[0] ?? { path: '', body: {} })).toBe(2);
    expect(own().map(({ body }) => body)).toMatchObject([
      {
        reason: problem.reason,
        note: `in several namespaces: ${problem.note}`,
        regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'own', name: 'r' },
      },
    ]);
  });

  test('is nothing while one namespace alone has it, however often', async () => {
    const { events, own } = recording();
    for (let report = 0; report < 5; report += 1) events.warn('team-a', problem);
    await clock.advance(10_000);
    expect(own()).toStrictEqual([]);
  });

  test('is nothing where two had it at different times', async () => {
    const { events, own } = recording();
    events.warn('team-a', problem);
    await clock.advance(hour);
    events.warn('team-b', problem);
    await clock.advance(10_000);
    expect(own()).toStrictEqual([]);
  });

  test('is not forgotten with our own namespace as a tenant', async () => {
    const { events, own } = recording();
    for (const name of ['team-a', 'team-b', 'own']) events.warn(name, problem);
    events.forget('own');
    await clock.advance(10_000);
    expect(own()).toHaveLength(1);
  });
});
