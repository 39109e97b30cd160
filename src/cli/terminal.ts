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

/** Ends the command: the message says what is wrong and what to change. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(kind: 'failed' | 'wrong', message: string) {
    super(message);
    this.exitCode = exitCodes[kind];
  }
}
