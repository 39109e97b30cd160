// `once`: one pass over the namespaces, then an account of it. For a CronJob, for CI, for trying out; with --dry-run the
// API server checks every write and keeps none.
import { type Ports, systemClock, wireController } from '../app.ts';
import { Pass, hasFailed } from '../controller/pass.ts';
import { DryRunApi } from '../kubernetes/dry-run.ts';
import { createLogger, type LogLevel } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { redact } from '../telemetry/redact.ts';
import { absentNamespaces, knownNamespaces } from './listed-namespaces.ts';
import { type ClusterFlags, connect, loadSettings, openPorts } from './open-ports.ts';
import { renderPass } from './render-pass.ts';
import { type Terminal, CommandError, exitCodes } from './terminal.ts';

/** The flags of `once`. */
export interface OnceFlags extends ClusterFlags {
  readonly dryRun: boolean;
  readonly namespace?: string;
  readonly output: 'text' | 'json';
  readonly logLevel: LogLevel;
}

/** The longest that the complete lists may take, in ms; a controller would go on trying, a pass must end. */
const listLimit = 30_000;

/** Makes one pass. @returns the exit code: failed when a namespace did not get what it should have */
export async function once(flags: OnceFlags, terminal: Terminal): Promise<number> {
  const settings = await loadSettings(flags.config, terminal);
  const { namespace } = flags;
  const { only } = settings.namespaces;
  if (namespace !== undefined && only.length > 0 && !only.includes(namespace))
    throw new CommandError(
      'wrong',
      `--namespace ${namespace}: is not among namespaces.only of the configuration`,
    );
  const log = createLogger({ level: flags.logLevel, write: terminal.err });
  const connection = await connect(flags, terminal);
  const { metrics } = createMetrics(terminal.version);
  const opened = openPorts(terminal, { settings, connection, log, metrics });
  const ports: Ports = flags.dryRun ? { ...opened, api: new DryRunApi(opened.api) } : opened;
  const pass = new Pass(() => systemClock.monotonic());
  const controller = wireController(ports, {
    settings,
    namespace,
    reporter: { namespace: connection.namespace, pod: terminal.hostname },
    onOutcome: (key, outcome) => pass.note(key, outcome),
  });
  let absent: readonly string[] = [];
  const over = withinLimit(controller.start()).then(() => {
    const { stores } = controller;
    const names = knownNamespaces(stores);
    if (namespace !== undefined && names.size === 0)
      throw new CommandError('failed', `there is no namespace ${namespace}`);
    absent = namespace === undefined ? absentNamespaces(stores, only) : [];
    if (absent.length > 0)
      terminal.err(`not there, though listed under namespaces.only: ${absent.join(', ')}\n`);
    pass.begin(names);
    return pass.whenOver();
  });
  try {
    const interrupted = await Promise.race([over, terminal.stopped]);
    const results = pass.results();
    terminal.out(redact(renderPass(results, flags)));
    if (interrupted !== undefined) terminal.err(`interrupted by ${interrupted}: the pass is not complete\n`);
    const failed = interrupted !== undefined || absent.length > 0 || results.some(hasFailed);
    return failed ? exitCodes.failed : exitCodes.good;
  } finally {
    await controller.stop();
    await connection.close();
  }
}

async function withinLimit(started: Promise<void>): Promise<void> {
  const late = systemClock.timeoutSignal(listLimit);
  const tooLate = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () =>
      reject(
        new CommandError(
          'failed',
          'the API server gave no complete lists within 30 s: see the warnings above, check address and rights',
        ),
      ),
    );
  });
  await Promise.race([started, tooLate]);
}
