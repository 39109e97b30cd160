// What the plan promises for any states of tokens: never shrink, never write without need, never look again at once. Rows
// for single cases are in plan.test.ts.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Observed, diagnose } from '../../src/domain/checks.ts';
import { type DockerAuth, readDockerConfig } from '../../src/domain/docker-config.ts';
import { sourceOf, sourcesOf } from '../../src/domain/intent.ts';
import { type HeldAuths, type TokenState, needsHeldAuths, plan } from '../../src/domain/plan.ts';
import { SecretText, tokenKey } from '../../src/domain/token.ts';
import { aSecret, aSettings, aToken, anIntent, hostIn, midnight, twelveHours } from '../support/views.ts';

const hosts = ['eu-west-1', 'eu-west-3', 'us-east-1', 'us-east-2'].flatMap((region) => [
  hostIn(region, '111122223333'),
  hostIn(region, '999999999999'),
]);
const now = (midnight + twelveHours) * 1_000;

const someHosts = fc.uniqueArray(fc.constantFrom(...hosts), { minLength: 1 });
const token = fc.integer({ min: -60, max: twelveHours }).map((life) => {
  const issued = now / 1_000 - 30;
  return aToken({ password: 'new', issued, expires: issued + life });
});
const delay = fc.integer({ min: -1_000, max: 900_000 });
const state: fc.Arbitrary<TokenState> = fc.oneof(
  token.map((fresh) => ({ kind: 'fresh' as const, token: fresh })),
  fc.option(token).map((old) => ({ kind: 'pending' as const, ...(old === null ? {} : { token: old }) })),
  fc.tuple(fc.option(token), delay).map(([old, after]) => ({
    kind: 'failed' as const,
    retryAt: now + after,
    why: 'denied',
    ...(old === null ? {} : { token: old }),
  })),
);

/** A namespace that wants some hosts and whose Secret was made from others, and what the cache knows of each token. */
const situations = fc
  .record({
    wanted: someHosts,
    made: someHosts,
    exists: fc.boolean(),
    states: fc.array(state, { minLength: hosts.length, maxLength: hosts.length }),
  })
  .map(({ wanted, made, exists, states }) => {
    const intent = anIntent({ hosts: wanted });
    const settings = aSettings();
    const secret = exists ? aSecret({}, { settings, intent: anIntent({ hosts: made }) }) : undefined;
    const nothing = { knownAsOurs: false, contentChanged: false, serviceAccounts: [], former: [] };
    const observed: Observed = { ...nothing, intent, settings, secret, now };
    const keys = [...sourcesOf(intent.wanted).keys()];
    const known = new Map(keys.map((key, index) => [key, states[index] ?? { kind: 'pending' as const }]));
    const entries = made.map(
      (host) => [host, { username: 'AWS', password: new SecretText('held') }] as const,
    );
    const inCluster: HeldAuths = new Map(exists ? entries : []);
    return { observed, known, inCluster };
  });

type Situation = typeof situations extends fc.Arbitrary<infer Value> ? Value : never;

/** Plans as the controller does: what the Secret holds is read only where the plan says that it needs it. */
function planFor({ observed, known, inCluster }: Situation) {
  const held = needsHeldAuths(observed, known) ? inCluster : new Map<string, DockerAuth>();
  const planned = plan(observed, diagnose(observed), known, held);
  const write = planned.actions.find(({ kind }) => kind === 'write-secret');
  return { ...planned, desired: write?.kind === 'write-secret' ? write.desired : undefined };
}

const forAll = (check: (situation: Situation) => void): void => {
  fc.assert(fc.property(situations, check), { numRuns: 500 });
};

test('a written Secret has every wanted host that it had before', () => {
  let writes = 0;
  forAll((situation) => {
    const { desired } = planFor(situation);
    if (desired === undefined) return;
    writes += 1;
    const has = [...readDockerConfig(desired.document).keys()];
    const wanted = new Set(situation.observed.intent.wanted.map(({ registry }) => registry.host));
    const had = [...situation.inCluster.keys()].filter((host) => wanted.has(host));
    expect(has).toEqual(expect.arrayContaining(had));
    expect([...wanted]).toEqual(expect.arrayContaining(has));
    expect(has).toEqual(desired.hosts);
  });
  expect(writes).toBeGreaterThan(50);
});

test('a written Secret has at least one new token, and each token where it belongs', () => {
  forAll(({ observed, known, inCluster }) => {
    const { desired } = planFor({ observed, known, inCluster });
    if (desired === undefined) return;
    const auths = readDockerConfig(desired.document);
    const passwords = [...auths.values()].map(({ password }) => password.reveal());
    expect(passwords).toContain('new');
    const withToken = observed.intent.wanted.filter(
      (entry) => known.get(tokenKey(sourceOf(entry)))?.token !== undefined,
    );
    for (const { registry } of withToken) expect(auths.get(registry.host)?.password.reveal()).toBe('new');
  });
});

test('nothing is written while a host without any token is waited for, or where there is no token at all', () => {
  forAll((situation) => {
    const all = [...situation.known.values()];
    const waits = all.some(({ kind, token: there }) => kind === 'pending' && there === undefined);
    const nothing = all.every(({ token: there }) => there === undefined);
    const desired = waits || nothing ? planFor(situation).desired : undefined;
    expect(desired).toBeUndefined();
  });
});

test('what was written is not written again', () => {
  forAll((situation) => {
    const { desired } = planFor(situation);
    if (desired === undefined) return;
    const { observed } = situation;
    const { intent, settings } = observed;
    const secret = aSecret({}, { intent, settings, times: desired.times });
    const inCluster = readDockerConfig(desired.document);
    expect(planFor({ ...situation, observed: { ...observed, secret }, inCluster }).desired).toBeUndefined();
  });
});

test('every pending token is awaited and every failed one is a problem', () => {
  forAll((situation) => {
    const { awaiting, problems } = planFor(situation);
    const keysOf = (kind: TokenState['kind']) =>
      [...situation.known].filter(([, one]) => one.kind === kind).map(([key]) => key);
    expect(awaiting).toEqual(keysOf('pending'));
    expect(problems).toHaveLength(keysOf('failed').length);
  });
});

test('the next look is a second from now at the earliest, and there is one unless something is awaited', () => {
  forAll((situation) => {
    const { recheckAt, awaiting } = planFor(situation);
    expect(recheckAt).toBeGreaterThanOrEqual(now + 1_000);
    expect(awaiting.length > 0 || recheckAt < Infinity).toBe(true);
  });
});
