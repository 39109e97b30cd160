// deploy/install.yaml: the chart's objects for those without Helm. Used by `npm run generate`, which writes it, and by a cluster
// test, which fails when it is stale. Rendered from the chart, with one of the examples as its values; nothing is added but the
// namespace.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Progress } from '../rig/control-plane/assets.ts';
import { chartFolder, helm } from '../rig/installation/helm.ts';

/** Where it is, in the repository. */
export const installManifest = 'deploy/install.yaml';

const namespace = 'ecr-pull-secrets';
const values = join(import.meta.dirname, '../deploy/examples/web-identity.yaml');

const beginning = `# Everything for one installation, for those without Helm. Made from charts/ecr-pull-secrets and
# deploy/examples/web-identity.yaml by \`npm run generate\`: edit a copy.
#
#   kubectl apply --server-side --filename install.yaml
#
# To be replaced: 111122223333 (the AWS account; it is in the role's ARN and in the registry host), eu-west-1 (the region, at
# three places) and registry.example.com/ecr-pull-secrets (where your image is; none is published yet). The role must trust the
# ServiceAccount ecr-pull-secrets/ecr-pull-secrets: docs/identities.md.
#
# The configuration is in the ConfigMap, and is read once:
#   kubectl rollout restart deployment/ecr-pull-secrets --namespace ecr-pull-secrets
# secretName, attachTo and identity.serviceAccounts in it must agree with the names in the ClusterRole, instance with the Lease's
# name in the Role.
---
apiVersion: v1
kind: Namespace
metadata:
  name: ${namespace}
  labels:
    # The pod meets the strictest profile.
    pod-security.kubernetes.io/enforce: restricted
`;

/** What is Helm's own, and would be untrue here or after an edit. */
const helmsOwn = [
  /^# Source: .*\n/gm,
  /^ *helm\.sh\/chart: .*\n/gm,
  /^ *app\.kubernetes\.io\/managed-by: Helm\n/gm,
  /^ *annotations:\n *# The program reads its configuration once.*\n *checksum\/config: .*\n/gm,
];

/** Its content, of the oldest Kubernetes that the chart takes. @throws AssetMissing where helm cannot be had */
export async function renderInstallManifest(progress?: Progress): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'ecr-pull-secrets-helm-'));
  try {
    const args = ['--namespace', namespace, '--values', values, '--kube-version', 'v1.30.0'];
    const rendered = await helm(['template', 'ecr-pull-secrets', chartFolder, ...args], {
      home,
      ...(progress && { progress }),
    });
    return beginning + helmsOwn.reduce((text, part) => text.replace(part, ''), rendered);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
