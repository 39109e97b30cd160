// Failures of AWS that depend on accounts and limits which the fake does not keep, with AWS's literal texts: for
// `Behaviour.fail`. Used by tests. Sources: org-formation/org-formation-cli#465, turbot/steampipe-plugin-aws#1510,
// aws/containers-roadmap#2413, aws-actions/configure-aws-credentials#1898.
import type { CustomFailure } from './behaviour.ts';

/** STS is switched off in the region. @param account twelve digits */
export function regionDisabled(account: string): CustomFailure {
  return {
    status: 403,
    code: 'RegionDisabledException',
    message:
      `STS is not activated in this region for account:${account}. Your account administrator can activate STS in ` +
      'this region using the IAM Console.',
  };
}

/** Session policies and tags, inherited ones too, do not fit together. @param percent of the space that there is */
export function packedPolicyTooLarge(percent: number): CustomFailure {
  return {
    status: 400,
    code: 'PackedPolicyTooLarge',
    message: `Packed size of session tags consumes ${percent}% of allotted space.`,
  };
}
