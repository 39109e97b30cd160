// Tokens of every length of life, watched in real time for some minutes under one controller: short ones are replaced in
// place before they expire, useless ones do not make it run hot, long ones do not stop it.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { AuditLog, type AuditEntry } from '../../rig/control-plane/audit.ts';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import { type Stage, openStage } from '../../rig/stage.ts';
import { authsOf, eventsOf, readSecret, untilSecret, writes } from './observe.ts';

const watchSeconds = 100;
const hour = 3_600;

/** The life of the tokens of each region, in seconds. */
const lives = {
  'eu-west-1': 60,
  'eu-west-2': 5,
  'eu-west-3': 0,
  'eu-north-1': -60,
  'us-east-1': 365 * 24 * hour,
  'us-west-1': 12 * hour,
  'us-west-2': hour,
} as const;

type Region = keyof typeof lives;

const host = (region: Region): string => `111122223333.dkr.ecr.${region}.amazonaws.com`;

interface Seen {
  readonly passwords: Set<string>;
  readonly uids: Set<string>;
  /** What a kubelet would have met: tokens that were not valid at that moment. */
  readonly bad: string[];
}

let stage: Stage;
let controller: ControllerProcess;
let written: readonly AuditEntry[];
const namespaces = new Map<string, string>();
const seen = new Map<string, Seen>();

async function watch(name: string, until: number): Promise<void> {
  const namespace = namespaces.get(name) ?? '';
  const found: Seen = { passwords: new Set(), uids: new Set(), bad: [] };
  seen.set(name, found);
  while (Date.now() < until) {
    // Judged by the moment before it was asked for: how long the answer took on a busy machine is nobody's fault.
    const asked = Date.now();
    const secret = await readSecret(stage, namespace);
    found.uids.add(secret?.metadata.uid ?? 'no Secret');
    for (const { password } of Object.values(secret === undefined ? {} : authsOf(secret))) {
      found.passwords.add(password);
      const { verdict } = stage.aws.verdict(password, asked);
      if (verdict !== 'valid') found.bad.push(`${verdict} at ${new Date(asked).toISOString()}`);
    }
    await sleep(100);
  }
}

const writesTo = (name: string): number =>
  written.filter(({ namespace, resource }) => resource === 'secrets' && namespace === namespaces.get(name))
    .length;

beforeAll(
  async () => {
    stage = await openStage({ plane: inject('plane'), name: 'lives' });
    for (const [region, lifeSeconds] of Object.entries(lives))
      stage.aws.behave({ service: 'ecr', region }, { lifeSeconds });
    const audit = new AuditLog(stage.plane, stage.admin);
    const mark = await audit.mark();
    controller = await stage.startController();
    const wishes: Readonly<Record<string, readonly Region[]>> = {
      minute: ['eu-west-1'],
      seconds: ['eu-west-2'],
      zero: ['eu-west-3'],
      negative: ['eu-north-1'],
      year: ['us-east-1'],
      mixed: ['us-west-1', 'us-west-2'],
    };
    for (const [name, regions] of Object.entries(wishes)) {
      namespaces.set(
        name,
        await stage.createNamespace(name, { 'ecr-pull-secrets/registries': regions.map(host).join(',') }),
      );
    }
    const good = ['minute', 'seconds', 'year', 'mixed'];
    await Promise.all(good.map((name) => untilSecret(stage, namespaces.get(name) ?? '')));
    const until = Date.now() + watchSeconds * 1_000;
    await Promise.all(good.map((name) => watch(name, until)));
    written = writes(await audit.since(mark, { user: stage.installation.user }));
  },
  (watchSeconds + 60) * 1_000,
);

afterAll(() => stage.close());

const callsTo = (region: Region): number => stage.aws.count({ service: 'ecr', region });

describe('a token that lives', () => {
  test('60 s is replaced in place before it expires, again and again', () => {
    const { uids, bad, passwords } = seen.get('minute') ?? {
      uids: new Set(),
      bad: ['not watched'],
      passwords: new Set(),
    };
    expect(bad).toEqual([]);
    expect(uids.size).toBe(1);
    // Due after 30 to 33 s.
    expect(passwords.size).toBeGreaterThanOrEqual(3);
    expect(callsTo('eu-west-1')).toBeLessThanOrEqual(watchSeconds / 30 + 2);
    expect(writesTo('minute')).toBeLessThanOrEqual(watchSeconds / 30 + 2);
  });

  test('5 s is replaced in place before it expires, without a hot loop', () => {
    const { uids, bad, passwords } = seen.get('seconds') ?? {
      uids: new Set(),
      bad: ['not watched'],
      passwords: new Set(),
    };
    expect(bad).toEqual([]);
    expect(uids.size).toBe(1);
    expect(passwords.size).toBeGreaterThan(watchSeconds / 5);
    expect(callsTo('eu-west-2')).toBeLessThanOrEqual(watchSeconds);
  });

  test.each([
    ['0 s', 'zero', 'eu-west-3'],
    ['-60 s', 'negative', 'eu-north-1'],
  ] as const)('%s is never written, is said, and is asked for ever more rarely', async (_, name, region) => {
    const namespace = namespaces.get(name) ?? '';
    expect(await readSecret(stage, namespace)).toBeUndefined();
    expect(callsTo(region)).toBeGreaterThanOrEqual(4);
    expect(callsTo(region)).toBeLessThanOrEqual(12);
    expect(await eventsOf(stage, namespace)).toEqual([
      expect.stringMatching(/^TokenUnavailable: .*already expired: check the clock/),
    ]);
  });

  test('a year is fetched once and written once', () => {
    expect(seen.get('year')?.bad).toEqual([]);
    expect(callsTo('us-east-1')).toBe(1);
    expect(writesTo('year')).toBe(1);
  });

  test('12 h beside one of 1 h in the same Secret: no needless call, no needless write', () => {
    expect(seen.get('mixed')?.bad).toEqual([]);
    expect([callsTo('us-west-1'), callsTo('us-west-2')]).toEqual([1, 1]);
    expect(writesTo('mixed')).toBe(1);
  });
});

test('all of that did not make the controller run hot, nor stop', async () => {
  const own = new Set(namespaces.values());
  const steps = controller
    .logs()
    .filter(({ msg, namespace }) => msg === 'reconciled' && own.has(String(namespace)));
  expect(steps.length).toBeGreaterThan(watchSeconds / 3);
  expect(steps.length).toBeLessThan(watchSeconds * 3);
  const namespace = await stage.createNamespace('later', {
    'ecr-pull-secrets/registries': host('us-west-1'),
  });
  await untilSecret(stage, namespace);
  expect(callsTo('us-west-1')).toBe(1);
});
