// The parameters that both AssumeRole actions have in common, checked as STS does before it looks at anything else. Used by
// sts. Decides nothing about roles.
import { constraintError, validationError } from './aws-error.ts';

/** What is asked for, well-formed. */
export interface AssumeParameters {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly seconds: number;
}

/** Reads them. @throws AwsError in the words of AWS */
export function readAssumeParameters(form: URLSearchParams): AssumeParameters {
  const roleArn = form.get('RoleArn') ?? '';
  const sessionName = form.get('RoleSessionName') ?? '';
  const seconds = Number(form.get('DurationSeconds') ?? 3600);
  if (!/^arn:[\w-]+:iam::\d{12}:role\/.+$/.test(roleArn)) {
    // The unsigned action says it in its own way.
    throw validationError(
      form.get('Action') === 'AssumeRole' ? `${roleArn} is invalid` : 'Request ARN is invalid',
    );
  }
  checkSessionName(sessionName);
  checkSeconds(seconds);
  return { roleArn, sessionName, seconds };
}

function checkSessionName(name: string): void {
  const fails = (rule: string) => constraintError(name, 'roleSessionName', `Member must ${rule}`);
  if (!/^[\w+=,.@-]*$/.test(name)) throw fails(String.raw`satisfy regular expression pattern: [\w+=,.@-]*`);
  if (name.length < 2) throw fails('have length greater than or equal to 2');
  if (name.length > 64) throw fails('have length less than or equal to 64');
}

function checkSeconds(seconds: number): void {
  const fails = (rule: string) => constraintError(seconds, 'durationSeconds', `Member must ${rule}`);
  if (seconds < 900) throw fails('have value greater than or equal to 900');
  if (seconds > 43_200) throw fails('have value less than or equal to 43200');
}
