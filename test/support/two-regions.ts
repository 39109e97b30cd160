// One namespace with two registries in two regions, at the moment when its Secret is due: the situation in which most
// plans are tested. Values only; what is planned comes from the code under test.
import { type Observed, diagnose } from '../../src/domain/checks.ts';
import { readDockerConfig } from '../../src/domain/docker-config.ts';
import { sourcesOf } from '../../src/domain/intent.ts';
import { type HeldAuths, type Plan, type TokenState, plan } from '../../src/domain/plan.ts';
import { SecretText, type TokenTimes } from '../../src/domain/token.ts';
import { aSecret, aSettings, aToken, anIntent, hostIn, midnight, twelveHours } from './views.ts';

export const inIreland = hostIn('eu-west-1');
export const inOhio = hostIn('us-east-2');
export const intent = anIntent({ hosts: [inIreland, inOhio] });
/** The keys of the two tokens. */
export const [irish = '', ohioan = ''] = sourcesOf(intent.wanted).keys();
/** Nothing is spread, so that moments are round. */
export const settings = aSettings({ refresh: { atFraction: 0.5, spread: 0, maxAge: null } });
/** Half of the life of a token of midnight is over. */
export const now = (midnight + twelveHours / 2) * 1_000;
export const nowSeconds = now / 1_000;
export const minute = 60_000;

/** The moment when the Secret that was written at midnight is due. */
export function observe(overrides: Partial<Observed> = {}): Observed {
  return {
    intent,
    settings,
    secret: aSecret({}, { intent, settings }),
    knownAsOurs: false,
    contentChanged: false,
    serviceAccounts: [],
    former: [],
    now,
    ...overrides,
  };
}

/** A token that was issued just now. */
export const newToken = (password: string, life = twelveHours) =>
  aToken({ password, issued: nowSeconds, expires: nowSeconds + life });
/** What the cache knows: a token that was issued just now. */
export const fresh = (password: string, life?: number): TokenState => ({
  kind: 'fresh',
  token: newToken(password, life),
});
/** The last call failed; the next one is `after` ms from now. */
export const failed = (after: number, rest: Partial<TokenState> = {}): TokenState =>
  ({ kind: 'failed', retryAt: now + after, why: 'allow ecr:GetAuthorizationToken', ...rest }) as TokenState;
/** The part of a state that holds the token of midnight, which has not expired. */
export const old = { token: aToken({ password: 'old' }) };

/** What the cache knows of both regions. */
export const states = (ireland: TokenState, ohio: TokenState) =>
  new Map([
    [irish, ireland],
    [ohioan, ohio],
  ]);

/** What the Secret in the cluster holds. */
export const heldBoth: HeldAuths = new Map([
  [inIreland, { username: 'AWS', password: new SecretText('held-ireland') }],
  [inOhio, { username: 'AWS', password: new SecretText('held-ohio') }],
]);
const heldNothing: HeldAuths = new Map();

/** Diagnoses and plans. */
export function planFor(
  observed: Observed,
  known: ReadonlyMap<string, TokenState>,
  held = heldNothing,
): Plan {
  return plan(observed, diagnose(observed), known, held);
}

/** The password of each host in the Secret that would be written; undefined where nothing is written. */
export function written({ actions }: Plan): Readonly<Record<string, string>> | undefined {
  const write = actions.find(({ kind }) => kind === 'write-secret');
  if (write?.kind !== 'write-secret') return undefined;
  const auths = [...readDockerConfig(write.desired.document)];
  return Object.fromEntries(auths.map(([host, { password }]) => [host, password.reveal()]));
}

/** The record of tokens in the Secret that would be written. */
export function recorded({ actions }: Plan): ReadonlyMap<string, TokenTimes> | undefined {
  const write = actions.find(({ kind }) => kind === 'write-secret');
  return write?.kind === 'write-secret' ? write.desired.times : undefined;
}
