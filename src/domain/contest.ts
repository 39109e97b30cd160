// What is said when somebody keeps undoing our writes, and how to find them. Pure; called by controller/serve.
import type { Problem } from './errors.ts';
import type { Intent } from './intent.ts';
import type { Settings } from './settings.ts';

/** The problem to report for what was repaired too often: the Secret, or its entries in ServiceAccounts. */
export function describeContest(
  kind: 'secret' | 'attach',
  { namespace }: Intent,
  { secretName }: Settings,
): Problem {
  const [what, object] =
    kind === 'secret'
      ? [`changing or deleting Secret ${secretName}`, `secret ${secretName}`]
      : [`taking ${secretName} out of the imagePullSecrets of a ServiceAccount`, 'serviceaccounts'];
  return {
    reason: 'Contested',
    subject: secretName,
    note:
      `somebody keeps ${what}: it is repaired only every two minutes now. ` +
      `To find the writer: kubectl get ${object} -n ${namespace} -o yaml --show-managed-fields`,
  };
}
