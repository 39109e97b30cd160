// How the fake AWS misbehaves: rules that tests and demo add and take back while it runs. Used by fake-aws, which asks
// for what applies to a call. Says what shall happen, does none of it.
import type { FailureName } from './aws-error.ts';
import type { MatchedCall, RuleMatch } from './call-log.ts';
import { matches } from './call-log.ts';
import { RateLimit } from './rate-limit.ts';

/** A failure of your own, rendered as the service renders its errors. */
export interface CustomFailure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** What is wrong with an answer that has status 200. All but `not-json` concern the two ECRs only. */
export type BrokenAnswer =
  | 'no-authorization-data'
  | 'empty-authorization-data'
  | 'no-token'
  | 'no-expiry'
  | 'garbage-token'
  | 'not-json';

/** `stall`: half of the body, then nothing more. `drip`: a byte now and then, for more than a minute in all. */
export type SlowBody = 'stall' | 'drip';

/** What a matching call meets, in this order: hang, delay, drop, the rate limit, fail, then the answer. */
export interface Behaviour {
  /** Nothing happens until the rule is taken back; then the call goes on. */
  readonly hang?: boolean;
  /** Ms before anything else happens. */
  readonly delayMs?: number;
  /** The connection is cut without an answer. */
  readonly drop?: boolean;
  /** So many calls pass in a second, and as many at once after a rest; the others are throttled. */
  readonly perSecond?: number;
  readonly fail?: FailureName | CustomFailure;
  readonly answer?: BrokenAnswer;
  /** How slowly the answer comes once its headers were sent. */
  readonly body?: SlowBody;
  /** The life of the ECR token in seconds; 0, negative and a year are possible. Default 12 hours. */
  readonly lifeSeconds?: number;
}

/** What applies to one call. */
export interface EffectiveBehaviour extends Omit<Behaviour, 'hang' | 'perSecond'> {
  /** One promise for each hanging rule; it resolves when the rule is taken back. */
  readonly holds: readonly Promise<void>[];
  /** Counts what it is asked for; absent: no limit. */
  readonly limit: RateLimit | undefined;
}

interface Rule {
  readonly match: RuleMatch;
  readonly behaviour: Behaviour;
  readonly released: PromiseWithResolvers<void>;
  readonly limit: RateLimit | undefined;
}

/** The rules in force. */
export class BehaviourRules {
  readonly #rules = new Set<Rule>();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Adds a rule. @returns how to take it back; doing so twice is harmless */
  add(match: RuleMatch, behaviour: Behaviour): () => void {
    const { perSecond } = behaviour;
    const limit = perSecond === undefined ? undefined : new RateLimit(perSecond, this.#clock);
    const rule = { match, behaviour, released: Promise.withResolvers<void>(), limit };
    this.#rules.add(rule);
    return () => {
      this.#rules.delete(rule);
      rule.released.resolve();
    };
  }

  /** What applies to a call: of each setting, the newest matching rule that has it. */
  for(call: MatchedCall): EffectiveBehaviour {
    const rules = [...this.#rules].filter(({ match }) => matches(match, call));
    const merged: Behaviour = Object.assign({}, ...rules.map(({ behaviour }) => behaviour));
    const holds = rules
      .filter(({ behaviour }) => behaviour.hang === true)
      .map(({ released }) => released.promise);
    return { ...merged, holds, limit: rules.findLast(({ limit }) => limit !== undefined)?.limit };
  }
}
