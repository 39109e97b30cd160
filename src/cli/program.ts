// The command line: which commands and flags there are. Called by main. No logic: each command is a file of its own.
import { Command, CommanderError, Option } from 'commander';
import { type LogLevel, logLevels } from '../telemetry/logger.ts';
import { redact } from '../telemetry/redact.ts';
import { type OnceFlags, once } from './once.ts';
import { defaultConfigFile } from './open-ports.ts';
import { type RunFlags, run } from './run.ts';
import { type Terminal, CommandError, exitCodes } from './terminal.ts';
import { printVersion } from './version.ts';

/** Runs the command that the arguments name. @param args without node and script @returns the exit code */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = exitCodes.good;
  const take = async (code: Promise<number>) => {
    exitCode = await code;
  };
  try {
    await describeProgram(terminal, take).parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has said what is wrong; --help is no error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.good : exitCodes.wrong;
    if (!(error instanceof CommandError)) throw error;
    terminal.err(redact(`error: ${error.message}\n`));
    return error.exitCode;
  }
}

function describeProgram(terminal: Terminal, take: (code: Promise<number>) => Promise<void>): Command {
  const program = new Command('ecr-pull-secrets')
    .description('Keeps imagePullSecrets for Amazon ECR fresh in every chosen namespace.')
    .exitOverride()
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.err,
      // The same everywhere: the documentation shows it.
      getOutHelpWidth: () => 80,
      getErrHelpWidth: () => 80,
    });
  withClusterFlags(program.command('run'), 'info')
    .description('the controller: works until it is told to stop')
    .option('--listen <host:port>', 'where /healthz, /readyz and /metrics are served', ':8080')
    .action((flags: RunFlags) => take(run(flags, terminal)));
  withClusterFlags(program.command('once'), 'warn')
    .description('one pass, then exit: for a CronJob, for CI, for trying out')
    .option('--dry-run', 'the API server checks every write and keeps none', false)
    .option('--namespace <name>', 'only this namespace')
    .addOption(
      new Option('--output <form>', 'how the account is written').choices(['text', 'json']).default('text'),
    )
    .action((flags: OnceFlags) => take(once(flags, terminal)));
  program
    .command('version')
    .description('print the version')
    .action(() => take(Promise.resolve(printVersion(terminal))));
  return program;
}

function withClusterFlags(command: Command, level: LogLevel): Command {
  return command
    .option('--config <file>', 'the configuration file', defaultConfigFile)
    .option(
      '--kubeconfig <file>',
      'how to reach the API server; in a pod its ServiceAccount, else KUBECONFIG',
    )
    .option('--context <name>', 'the context of the kubeconfig; else its current one')
    .addOption(new Option('--log-level <level>', 'what is logged').choices(logLevels).default(level));
}
