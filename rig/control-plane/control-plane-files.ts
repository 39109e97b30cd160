// The files that etcd, the API server and the controller-manager are given, and their flags. Used by control-plane only;
// it starts nothing.
import { generateKeyPair, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';

/** What the servers are started with. */
export interface ControlPlaneFiles {
  readonly url: string;
  readonly issuer: string;
  readonly caFile: string;
  readonly adminToken: string;
  readonly adminKubeconfig: string;
  /** The controller-manager has a name of its own, so that the audit log tells it from the admin. */
  readonly managerToken: string;
  readonly managerKubeconfig: string;
  readonly auditLogFile: string;
  readonly etcdArgs: readonly string[];
  readonly apiServerArgs: readonly string[];
  readonly managerArgs: readonly string[];
}

/** Where the servers listen on loopback, and what is wanted of them. */
export interface ControlPlaneSettings {
  readonly directory: string;
  readonly etcdPort: number;
  readonly apiServerPort: number;
  readonly auditLog: boolean;
}

const issuer = 'https://kubernetes.default.svc.cluster.local';

/** The only controllers that the product's behaviour depends on. */
const controllers = [
  'namespace-controller',
  'serviceaccount-controller',
  'garbage-collector-controller',
  'root-ca-certificate-publisher-controller',
];

/** Every request once: a watch when it is answered, as it may never end; anything else when it is done. */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  rules: [
    { level: 'None', nonResourceURLs: ['/readyz*', '/livez*', '/healthz*'] },
    { level: 'Metadata', verbs: ['watch'], omitStages: ['RequestReceived', 'ResponseComplete'] },
    { level: 'Metadata', omitStages: ['RequestReceived', 'ResponseStarted'] },
  ],
};

/** Writes the files into the directory. */
export async function writeControlPlaneFiles(settings: ControlPlaneSettings): Promise<ControlPlaneFiles> {
  const { directory, etcdPort, apiServerPort } = settings;
  const inside = (name: string): string => join(directory, name);
  const url = `https://127.0.0.1:${apiServerPort}`;
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const keyFile = inside('service-accounts.key');
  // The API server makes this certificate itself when it starts.
  const caFile = inside('certificates/apiserver.crt');
  const adminToken = randomBytes(24).toString('hex');
  const managerToken = randomBytes(24).toString('hex');
  const tokens = [
    `${adminToken},admin,admin,system:masters`,
    `${managerToken},system:kube-controller-manager,manager,system:masters`,
  ];
  const adminKubeconfig = inside('admin.kubeconfig');
  const managerKubeconfig = inside('manager.kubeconfig');
  const auditLogFile = inside('audit.log');
  await mkdir(inside('certificates'));
  await Promise.all([
    writeServiceAccountKey(keyFile),
    writeFile(inside('tokens.csv'), `${tokens.join('\n')}\n`),
    writeFile(adminKubeconfig, kubeconfig({ url, caFile, user: 'admin', token: adminToken })),
    writeFile(managerKubeconfig, kubeconfig({ url, caFile, user: 'manager', token: managerToken })),
    writeFile(inside('audit-policy.yaml'), stringify(auditPolicy)),
    writeFile(auditLogFile, ''),
  ]);
  return {
    url,
    issuer,
    caFile,
    adminToken,
    adminKubeconfig,
    managerToken,
    managerKubeconfig,
    auditLogFile,
    etcdArgs: [
      `--data-dir=${inside('etcd')}`,
      '--unsafe-no-fsync',
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      // A single member needs no peers, but cannot do without a port for them.
      '--listen-peer-urls=http://127.0.0.1:0',
    ],
    apiServerArgs: [
      `--etcd-servers=${etcdUrl}`,
      `--cert-dir=${inside('certificates')}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${apiServerPort}`,
      `--service-account-issuer=${issuer}`,
      `--service-account-key-file=${keyFile}`,
      `--service-account-signing-key-file=${keyFile}`,
      `--api-audiences=${issuer},sts.amazonaws.com`,
      '--service-cluster-ip-range=10.0.0.0/24',
      '--authorization-mode=RBAC',
      `--token-auth-file=${inside('tokens.csv')}`,
      '--allow-privileged=true',
      // Nobody reaches this API server by a Service.
      '--endpoint-reconciler-type=none',
      ...(settings.auditLog ? auditFlags(inside('audit-policy.yaml'), auditLogFile) : []),
    ],
    managerArgs: [
      `--kubeconfig=${managerKubeconfig}`,
      `--controllers=${controllers.join(',')}`,
      '--leader-elect=false',
      '--secure-port=0',
      `--root-ca-file=${caFile}`,
      // Tests make a thousand namespaces at once and want their ServiceAccounts soon.
      '--kube-api-qps=2000',
      '--kube-api-burst=4000',
    ],
  };
}

function auditFlags(policyFile: string, logFile: string): readonly string[] {
  // In MB: the file is never rotated, since a place in it is a byte offset. With 0, 1.30 would rotate at 100 MB.
  return [`--audit-policy-file=${policyFile}`, `--audit-log-path=${logFile}`, '--audit-log-maxsize=1000000'];
}

/** RSA, since the tokens of EKS and of nearly every other cluster are signed with it. */
async function writeServiceAccountKey(file: string): Promise<void> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
}

function kubeconfig(props: {
  readonly url: string;
  readonly caFile: string;
  readonly user: string;
  readonly token: string;
}): string {
  const { url, caFile, user, token } = props;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'rig', cluster: { server: url, 'certificate-authority': caFile } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'rig', context: { cluster: 'rig', user } }],
    'current-context': 'rig',
  });
}
