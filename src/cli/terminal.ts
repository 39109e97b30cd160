// What a command gets from the process it runs in, so that commands can be tested without one. Made by main only, which
// is the one place that reads the environment. A shape only.

/** The process, as commands see it. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Writes to standard output. */
  readonly out: (text: string) => void;
  /** Writes to standard error. */
  readonly err: (text: string) => void;
  /** Resolves with the signal that asks the program to stop (SIGTERM, SIGINT). */
  readonly stopped: Promise<string>;
  /** The version of the program. */
  readonly version: string;
  /** The name of the pod or machine. */
  readonly hostname: string;
}

/** What every command can end with. */
export const exitCodes = {
  good: 0,
  /** Something failed. */
  failed: 1,
  /** Wrong usage or configuration. */
  wrong: 2,
} as const;

/** Wrong usage or configuration: the message says what to change, the program ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
