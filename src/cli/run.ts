// `run`: the controller, until it is told to stop. Start order: connection, telemetry, controller. Stop order: controller
// (steps, watches, Events), connection, telemetry, so that the last moments can still be observed.
import { randomUUID } from 'node:crypto';
import { wireController } from '../app.ts';
import { createLogger, type LogLevel } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import {
  type TelemetryServer,
  type TelemetryServerProps,
  startTelemetryServer,
} from '../telemetry/server.ts';
import { absentNamespaces } from './listed-namespaces.ts';
import { type ClusterFlags, connect, loadSettings, openPorts } from './open-ports.ts';
import { type Terminal, CommandError, exitCodes } from './terminal.ts';

/** The flags of `run`. */
export interface RunFlags extends ClusterFlags {
  /** `host:port` of the telemetry server. */
  readonly listen: string;
  readonly logLevel: LogLevel;
}

/** Runs the controller. @returns the exit code */
export async function run(flags: RunFlags, terminal: Terminal): Promise<number> {
  const settings = await loadSettings(flags.config, terminal);
  const log = createLogger({ level: flags.logLevel, write: terminal.out });
  const page = createMetrics(terminal.version);
  const connection = await connect(flags, terminal);
  const ports = openPorts(terminal, { settings, connection, log, metrics: page.metrics });
  const controller = wireController(ports, {
    settings,
    reporter: { namespace: connection.namespace, pod: terminal.hostname },
    candidate: `${terminal.hostname}_${randomUUID()}`,
  });
  const server = await listen(flags.listen, { ready: () => controller.ready, page });
  log.info('listening', { url: server.url, version: terminal.version });
  const start = async () => {
    await controller.start();
    if (!controller.ready) return;
    const { stores } = controller;
    log.info('synced', { namespaces: [...stores.namespaces.keys()].length });
    for (const namespace of absentNamespaces(stores, settings.namespaces.only))
      log.warn('a namespace of namespaces.only is not there', { namespace });
  };
  void start();
  log.info('stopping', { signal: await terminal.stopped });
  await controller.stop();
  await connection.close();
  await server.close();
  log.info('stopped');
  return exitCodes.good;
}

async function listen(
  address: string,
  props: Pick<TelemetryServerProps, 'ready' | 'page'>,
): Promise<TelemetryServer> {
  const [, host = '', port = ''] = /^(.*):(\d{1,5})$/.exec(address) ?? [];
  if (port === '' || Number(port) > 65_535) {
    throw new CommandError('wrong', `--listen ${address}: write host:port or :port, such as :8080`);
  }
  // Without a host, Node listens to IPv6 and IPv4 alike, where the machine has both.
  const plainHost = host.replace(/^\[(.*)\]$/, '$1') || undefined;
  try {
    return await startTelemetryServer({ host: plainHost, port: Number(port), ...props });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError('wrong', `--listen ${address}: cannot listen there (${code ?? 'unknown'})`);
  }
}
