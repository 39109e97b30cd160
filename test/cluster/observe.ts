// What the cluster tests look at: the Secret as a kubelet would read it, ServiceAccounts, Events, and the requests that the
// controller made. Reads only, as admin.
import { expect, vi } from 'vitest';
import type { KubernetesObject } from '../../rig/control-plane/admin.ts';
import type { AuditEntry } from '../../rig/control-plane/audit.ts';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import type { Stage } from '../../rig/stage.ts';

/** One entry of `auths`. */
export interface Auth {
  readonly username: string;
  readonly password: string;
  readonly auth: string;
}

/** A Secret of ours. */
export interface ReadSecret extends KubernetesObject {
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

/** Our Secret in a namespace (full name), or undefined. */
export async function readSecret(
  { admin, secretName }: Stage,
  namespace: string,
): Promise<ReadSecret | undefined> {
  return admin.get<ReadSecret>(`/api/v1/namespaces/${namespace}/secrets/${secretName}`);
}

/** Its document, as it is. */
export const documentOf = ({ data }: ReadSecret): string =>
  Buffer.from(data['.dockerconfigjson'] ?? '', 'base64').toString();

/** Its entries, by host. */
export function authsOf(secret: ReadSecret): Readonly<Record<string, Auth>> {
  return (JSON.parse(documentOf(secret)) as { auths: Record<string, Auth> }).auths;
}

/** Waits until the Secret is there. */
export async function untilSecret(stage: Stage, namespace: string): Promise<ReadSecret> {
  return eventually(async () => {
    const secret = await readSecret(stage, namespace);
    if (secret === undefined) throw new Error(`no Secret in ${namespace} yet`);
    return secret;
  });
}

/** Waits until `look` does not throw. Generous: how fast things are is measured elsewhere. */
export function eventually<T>(look: () => Promise<T>, seconds = 30): Promise<T> {
  return vi.waitFor(look, { timeout: seconds * 1_000, interval: 20 });
}

/** The pull secrets of a ServiceAccount. */
export async function pullSecretsOf(
  stage: Stage,
  namespace: string,
  name = 'default',
): Promise<readonly string[]> {
  const account = await stage.admin.get<
    KubernetesObject & { imagePullSecrets?: readonly { name: string }[] }
  >(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}`);
  return (account?.imagePullSecrets ?? []).map((entry) => entry.name);
}

/** The Events of a namespace: reason and note. */
export async function eventsOf({ admin }: Stage, namespace: string): Promise<readonly string[]> {
  const list = await admin.get<{ items: readonly { reason: string; note?: string }[] }>(
    `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
  );
  return (list?.items ?? []).map(({ reason, note = '' }) => `${reason}: ${note}`);
}

/** Requests that change something, but for the renewing of the lease. */
export const writes = (entries: readonly AuditEntry[]): readonly AuditEntry[] =>
  entries.filter(({ verb, resource }) => !['get', 'list', 'watch'].includes(verb) && resource !== 'leases');

const steps = (controller: ControllerProcess) => controller.logs().filter(({ msg }) => msg === 'reconciled');

/** How the steps for a namespace have ended so far, the last one last. */
export const outcomesIn = (controller: ControllerProcess, namespace: string): readonly unknown[] =>
  steps(controller)
    .filter((line) => line['namespace'] === namespace)
    .map(({ outcome }) => outcome);

/** Waits until the last step of each namespace has ended well: with nothing left to do but to look again in time. */
export async function untilSettled(
  controller: ControllerProcess,
  namespaces: readonly string[],
): Promise<void> {
  await eventually(async () => {
    const last = new Map(steps(controller).map(({ namespace, outcome }) => [namespace, outcome]));
    expect(namespaces.filter((namespace) => last.get(namespace) !== 'recheck')).toEqual([]);
  }, 60);
}

/** What looks like a credential, or was taken for one and redacted: neither may ever be in what the program writes. */
export const leak = /eyJ[\w-]{8,}\.eyJ|[A-Za-z0-9+/]{120,}|\[redacted\]/;
