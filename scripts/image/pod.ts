// What the chart's Deployment asks of a node for our container, with the files that a kubelet would mount. Used by
// scripts/image/measure. It adds nothing that the chart does not say, but the addresses of the rig's servers.
import { readFile } from 'node:fs/promises';
import type { Manifest } from '../../rig/installation/render-chart.ts';
import type { Stage } from '../../rig/stage.ts';

/** What a container runs with. */
export interface PodSpec {
  /** After the image's entry point. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Contents of the mounted files, by their path in the container. */
  readonly files: Readonly<Record<string, string>>;
  /** In MiB; none where it is not said. */
  readonly memoryLimit?: number;
}

interface ContainerManifest {
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface PodManifest {
  readonly containers: readonly ContainerManifest[];
  readonly securityContext: Readonly<Record<string, unknown>>;
}

/** Of the chart as the stage has installed it. @throws Error when the chart asks for less than what is tried here */
export async function podOf({ installation, plane, aws }: Stage): Promise<PodSpec> {
  await installation.refreshTokens();
  const container = containerOf(installation.manifests);
  const sources: Readonly<Record<string, readonly [name: string, file: string]>> = {
    config: ['config.yaml', installation.configFile],
    'aws-iam-token': ['token', installation.webIdentityTokenFile],
  };
  const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';
  const files: Record<string, string> = {
    [`${serviceAccount}/ca.crt`]: await readFile(plane.caFile, 'utf8'),
    [`${serviceAccount}/token`]: await readFile(installation.tokenFile, 'utf8'),
    [`${serviceAccount}/namespace`]: installation.namespace,
  };
  for (const { name, mountPath } of container.volumeMounts) {
    const source = sources[name];
    if (source === undefined) throw new Error(`the chart mounts a volume ${name} that is not known here`);
    files[`${mountPath}/${source[0]}`] = await readFile(source[1], 'utf8');
  }
  const server = new URL(plane.url);
  return {
    args: container.args,
    env: {
      ...Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_SERVICE_HOST: server.hostname,
      KUBERNETES_SERVICE_PORT: server.port,
      AWS_ENDPOINT_URL: aws.url,
    },
    files,
    memoryLimit: Number.parseInt(container.resources.limits.memory, 10),
  };
}

function containerOf(manifests: readonly Manifest[]): ContainerManifest {
  const deployment = manifests.find(({ kind }) => kind === 'Deployment');
  const pod = deployment?.spec?.template?.spec as PodManifest | undefined;
  const container = pod?.containers[0];
  if (pod === undefined || container === undefined) throw new Error('the chart rendered no Deployment');
  const asked = { ...pod.securityContext, ...container.securityContext };
  const tried = {
    runAsUser: 65532,
    runAsGroup: 65532,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
  };
  for (const [name, value] of Object.entries(tried)) {
    if (asked[name] !== value) throw new Error(`the chart asks for another ${name} than what is tried here`);
  }
  return container;
}
