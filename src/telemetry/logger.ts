// The Log port: one JSON object a line, by pino. Made by the commands, handed to everything by app. Every line passes
// `redact`, whatever it was made from.
import { pino } from 'pino';
import type { Log } from '../controller/ports.ts';
import { redact } from './redact.ts';

/** From the most to the least talkative. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof logLevels)[number];

interface LoggerProps {
  /** Lines below this level are not written. */
  readonly level: LogLevel;
  /** Gets each line, with its line break. */
  readonly write: (line: string) => void;
}

/** Makes the log. Fields: `level`, `time` (RFC 3339), `msg`, and those of the line; an Error becomes its type, message and stack. */
export function createLogger({ level, write }: LoggerProps): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: describeErrors },
      // pino's own form of `err` shows every property.
      serializers: { err: (value: unknown) => value },
    },
    { write: (line: string) => write(redact(line)) },
  );
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
  };
}

const describeErrors = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, describeError(value)]));

/** Name, message and stack only: other properties of an Error may hold a request or a response. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return { type: error.name, message: error.message, stack: error.stack };
}
