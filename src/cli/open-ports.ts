// Opens what a command needs from outside: configuration, way to the API server, AWS. Used by the commands that talk to
// a cluster. Everything wrong here is wrong usage, with what to change.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Ports, systemClock } from '../app.ts';
import { AwsTokenFetcher } from '../aws/fetchers.ts';
import { readConfig } from '../config/config.ts';
import type { Log, Metrics } from '../controller/ports.ts';
import type { Settings } from '../domain/settings.ts';
import { HttpApi } from '../kubernetes/api.ts';
import { type Connection, InClusterConnection, podCredentials } from '../kubernetes/connection.ts';
import { connectByKubeconfig } from '../kubernetes/kubeconfig.ts';
import { TokenRequests } from '../kubernetes/service-account-tokens.ts';
import { type Terminal, CommandError } from './terminal.ts';

/** Where the chart mounts the configuration. */
export const defaultConfigFile = '/etc/ecr-pull-secrets/config.yaml';

/** The flags of every command that talks to a cluster. */
export interface ClusterFlags {
  readonly config: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** Reads the configuration file. @throws CommandError with every problem */
export async function loadSettings(file: string, { environment }: Terminal): Promise<Settings> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(
      'wrong',
      `cannot read the configuration file ${file} (${error.code ?? 'unknown'}): name one by --config`,
    );
  });
  const result = readConfig(text, environment);
  if ('settings' in result) return result.settings;
  throw new CommandError(
    'wrong',
    ['wrong configuration:', ...result.problems.map((problem) => `  ${place(problem, file)}${problem}`)].join(
      '\n',
    ),
  );
}

/** What is wrong with the environment is not in the file. */
const place = (problem: string, file: string): string => (/^(AWS|HTTPS?)_/i.test(problem) ? '' : `${file}: `);

/** A way to the API server: --kubeconfig or --context, else in a pod its ServiceAccount, else KUBECONFIG or ~/.kube/config. */
export async function connect(flags: ClusterFlags, { environment }: Terminal): Promise<Connection> {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const inCluster = host !== undefined && existsSync(join(podCredentials, 'token'));
  if (inCluster && flags.kubeconfig === undefined && flags.context === undefined) {
    const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
    const namespace = (await readFile(join(podCredentials, 'namespace'), 'utf8')).trim();
    const directory = podCredentials;
    return new InClusterConnection({ host, port, directory, namespace, clock: systemClock });
  }
  const files = kubeconfigFiles(flags, environment);
  try {
    return await connectByKubeconfig({ files, context: flags.context, clock: systemClock });
  } catch (error) {
    // The first line only: a parser shows the lines around its error, and they may hold a token.
    const [why = ''] = error instanceof Error ? error.message.split('\n', 1) : [];
    throw new CommandError('wrong', `cannot use the kubeconfig ${files.join(', ')}: ${why}`);
  }
}

function kubeconfigFiles(
  { kubeconfig }: ClusterFlags,
  environment: Terminal['environment'],
): readonly string[] {
  if (kubeconfig !== undefined) return [kubeconfig];
  const listed = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  const files = listed.length > 0 ? listed : [join(environment['HOME'] ?? '', '.kube', 'config')];
  const found = files.filter((file) => existsSync(file));
  if (found.length > 0) return found;
  throw new CommandError(
    'wrong',
    `no way to a cluster: not in a pod, and no kubeconfig at ${files.join(', ')}; name one by --kubeconfig`,
  );
}

/** The real ports. */
export function openPorts(
  terminal: Terminal,
  parts: { settings: Settings; connection: Connection; log: Log; metrics: Metrics },
): Ports {
  const { settings, connection, log, metrics } = parts;
  const { environment } = terminal;
  const userAgent = `ecr-pull-secrets/${terminal.version}`;
  const api = new HttpApi({ connection, clock: systemClock, userAgent });
  const serviceAccountTokens = new TokenRequests(api);
  return {
    clock: systemClock,
    api,
    fetcher: new AwsTokenFetcher({
      settings,
      userAgent,
      clock: systemClock,
      environment,
      serviceAccountTokens,
    }),
    log,
    metrics,
  };
}
