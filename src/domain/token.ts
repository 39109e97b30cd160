// An ECR token, where it comes from, and how long it lives. One token opens every registry of its service and region
// that its identity may pull from, in every account (ECR User Guide, "Private registry authentication"), so the key
// of a token is (identity, service, region). The token itself is opaque.
import { type Identity, identityHash } from './identity.ts';
import type { RegistryService } from './registry.ts';

/** Where a token comes from. */
export interface TokenSource {
  readonly identity: Identity;
  readonly service: RegistryService;
  readonly region: string;
}

/** When a token was issued and when it expires, both in whole seconds since the epoch. */
export interface TokenTimes {
  readonly issued: number;
  readonly expires: number;
}

/** Text that must not be seen: whatever prints it prints `[redacted]`. */
export class SecretText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself; only for writing it where it belongs. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[redacted]';
  }
}

/** A token as AWS issued it. */
export interface Token extends TokenTimes {
  readonly username: string;
  readonly password: SecretText;
}

/** The key of a token in the cache and on the Secret: `<identity hash>/<service>/<region>`. */
export function tokenKey(source: TokenSource): string {
  return `${identityHash(source.identity)}/${source.service}/${source.region}`;
}

/** The value of the `tokens` annotation: each key with its issue and expiry, sorted by key. */
export function writeTokenTimes(times: ReadonlyMap<string, TokenTimes>): string {
  const sorted = [...times].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(
    Object.fromEntries(sorted.map(([key, { issued, expires }]) => [key, { issued, expires }])),
  );
}

/** Reads what `writeTokenTimes` wrote. Anything else, as after an edit by hand, gives undefined: then nothing is known. */
export function readTokenTimes(text: string | undefined): ReadonlyMap<string, TokenTimes> | undefined {
  if (text === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
    const entries = Object.entries(parsed);
    return entries.every(isEntry) ? new Map(entries) : undefined;
  } catch {
    return undefined;
  }
}

function isEntry(entry: [string, unknown]): entry is [string, TokenTimes] {
  const value = entry[1] as Partial<TokenTimes> | null;
  return isMoment(value?.issued) && isMoment(value?.expires);
}

/** Whole seconds that a date can hold. */
const isMoment = (value: unknown): boolean => Number.isInteger(value) && Math.abs(Number(value)) <= 8.64e12;
