// The program begins and ends here: it gives the commands what they need of the process, and turns their answer into the
// exit code. The only file that reads the environment. Read on at cli/program, then app.
import { hostname } from 'node:os';
import packageJson from '../package.json' with { type: 'json' };
import { runProgram } from './cli/program.ts';
import { redact } from './telemetry/redact.ts';

/** Nothing that nobody foresaw may print what it must not. */
function crash(error: unknown): never {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(redact(`unexpected error, please report it: ${text}\n`));
  process.exit(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);

const stopped = new Promise<string>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
});

const exitCode = await runProgram(process.argv.slice(2), {
  environment: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  stopped,
  version: packageJson.version,
  hostname: hostname(),
});
// What is still open (an AWS call that hangs) must not keep the program alive; what was written must arrive.
process.exitCode = exitCode;
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
process.exit();
