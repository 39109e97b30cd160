// A real control plane on loopback for demo and tests: etcd, kube-apiserver and kube-controller-manager, from nothing to
// ready in a few seconds. There are no nodes, so no pod ever runs. Used by vitest's global setup and the demo; what it
// tells of itself is plain data, so that it can be handed to test files as JSON.
import { createServer } from 'node:net';
import { Admin } from './admin.ts';
import { asset, AssetMissing, type AssetName, type Progress } from './assets.ts';
import { type ControlPlaneFiles, writeControlPlaneFiles } from './control-plane-files.ts';
import { NamespaceKeeper } from './namespace-keeper.ts';
import { ProcessGroup } from './processes.ts';
import type { Kubernetes } from './recipes.ts';

/** A running control plane. */
export interface ControlPlane {
  /** `https://127.0.0.1:<port>`. */
  readonly url: string;
  readonly caFile: string;
  /** Of user `admin`, who may do everything. */
  readonly adminToken: string;
  /** Path of a kubeconfig. */
  readonly adminKubeconfig: string;
  /** Of ServiceAccount tokens. */
  readonly issuer: string;
  /** Such as `v1.37.2`. */
  readonly version: string;
  /** Temporary; holds a log file of each process. */
  readonly directory: string;
  /** Empty when no audit log was asked for. */
  readonly auditLogFile: string;
  /** By the binary's name; kube-controller-manager is absent where its stand-in serves. */
  readonly pids: Readonly<Record<string, number>>;
}

/** What a control plane is started with. */
export interface ControlPlaneOptions {
  readonly progress?: Progress;
  /** Default true. */
  readonly auditLog?: boolean;
  /** Default `newest`. */
  readonly kubernetes?: Kubernetes;
}

/** A control plane, and how to be rid of it. */
export interface StartedControlPlane {
  readonly plane: ControlPlane;
  /** Ends every process and removes the directory. */
  stop(): Promise<void>;
}

interface Binaries {
  readonly etcd: string;
  readonly apiServer: string;
  /** Absent: the stand-in serves. */
  readonly manager: string | undefined;
}

const attempts = 3;

/** Starts a control plane; nothing of it outlives this process, however that ends. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<StartedControlPlane> {
  const { progress = () => undefined, auditLog = true, kubernetes = 'newest' } = options;
  const binaries = await findBinaries(kubernetes, progress);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(binaries, auditLog);
    } catch (error) {
      // Between asking for a free port and using it, somebody else may get it.
      const lostPort = String(error).includes('address already in use');
      if (!lostPort || attempt === attempts) throw error;
    }
  }
}

async function findBinaries(kubernetes: Kubernetes, progress: Progress): Promise<Binaries> {
  const find = (name: AssetName): Promise<string> => asset(name, { progress, kubernetes });
  const etcd = await find('etcd');
  const apiServer = await find('kube-apiserver');
  try {
    return { etcd, apiServer, manager: await find('kube-controller-manager') };
  } catch (error) {
    if (!(error instanceof AssetMissing)) throw error;
    progress('• no kube-controller-manager here: a small stand-in looks after the namespaces');
    return { etcd, apiServer, manager: undefined };
  }
}

async function startOnce(binaries: Binaries, auditLog: boolean): Promise<StartedControlPlane> {
  const group = await ProcessGroup.open();
  let keeper: NamespaceKeeper | undefined;
  const stop = async (): Promise<void> => {
    await keeper?.stop();
    await group.stop();
  };
  try {
    const [etcdPort, apiServerPort] = await freePorts();
    const { directory } = group;
    const files = await writeControlPlaneFiles({ directory, etcdPort, apiServerPort, auditLog });
    const pids = await startServers(group, binaries, files);
    if (binaries.manager === undefined)
      keeper = new NamespaceKeeper({ ...files, adminToken: files.managerToken });
    const version = await becomeUsable(group, files);
    const { url, caFile, adminToken, adminKubeconfig, issuer } = files;
    const auditLogFile = auditLog ? files.auditLogFile : '';
    const access = { url, caFile, adminToken, adminKubeconfig, issuer };
    return { plane: { ...access, version, directory, auditLogFile, pids }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startServers(
  group: ProcessGroup,
  { etcd, apiServer, manager }: Binaries,
  files: ControlPlaneFiles,
): Promise<Readonly<Record<string, number>>> {
  const pids: Record<string, number> = {};
  const start = (name: AssetName, file: string, args: readonly string[]): void => {
    pids[name] = group.start({ name, file, args }).pid;
  };
  start('etcd', etcd, files.etcdArgs);
  start('kube-apiserver', apiServer, files.apiServerArgs);
  await group.waitUntil('kube-apiserver is ready', () => isReady(files));
  if (manager !== undefined) start('kube-controller-manager', manager, files.managerArgs);
  return pids;
}

async function isReady(files: ControlPlaneFiles): Promise<boolean> {
  let admin: Admin | undefined;
  try {
    // A new client each time, since the certificate may be half written.
    admin = new Admin(files);
    return (await admin.request({ method: 'GET', path: '/readyz' })).status === 200;
  } catch {
    return false;
  } finally {
    await admin?.close();
  }
}

/** Waits for the first thing that the controllers do. @returns the API server's version */
async function becomeUsable(group: ProcessGroup, files: ControlPlaneFiles): Promise<string> {
  const admin = new Admin(files);
  try {
    const path = '/api/v1/namespaces/default/serviceaccounts/default';
    const exists = async (): Promise<boolean> => (await admin.get(path)) !== undefined;
    await group.waitUntil('ServiceAccount default/default exists', exists);
    const version = await admin.get<{ readonly gitVersion: string }>('/version');
    return version?.gitVersion ?? 'unknown';
  } finally {
    await admin.close();
  }
}

/** Two ports of loopback that nobody uses; both are held until both are known, so that they differ. */
async function freePorts(): Promise<readonly [number, number]> {
  const first = await holdPort();
  const second = await holdPort();
  await Promise.all([first.release(), second.release()]);
  return [first.port, second.port];
}

async function holdPort(): Promise<{ readonly port: number; release(): Promise<void> }> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const release = (): Promise<void> => new Promise((done) => void server.close(() => done()));
  return { port: address.port, release };
}
