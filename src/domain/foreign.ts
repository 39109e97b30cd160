// Why a Secret of our name is not ours, and how its owner hands it over. Pure; called by controller/reconcile where a
// diagnosis says `foreign`. Such a Secret is never written.
import { type Observed } from './checks.ts';
import { managedByLabel, managedByValue } from './desired-secret.ts';
import type { Problem } from './errors.ts';

/** The problem to report for the Secret that stands in our place. */
export function describeForeign({ secret, settings, intent }: Observed): Problem {
  const other = secret?.annotations['instance'];
  const why =
    secret?.managedBy === managedByValue && other !== undefined && other !== settings.instance
      ? `it belongs to the installation ${JSON.stringify(other.slice(0, 80))}`
      : `it was not made by this controller (label ${managedByLabel}, instance annotation and field manager ${settings.instance} must all be there)`;
  return {
    reason: 'SecretForeign',
    subject: settings.secretName,
    note:
      `Secret ${intent.namespace}/${settings.secretName} is left untouched: ${why}. ` +
      'To hand it over, delete it; to keep it, set another secretName in the configuration.',
  };
}
