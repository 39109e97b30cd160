// The web identity token that the kubelet keeps fresh in a file (AWS_WEB_IDENTITY_TOKEN_FILE). Read anew at each exchange,
// since it changes under the process. Used by the exchanges that prove who the controller is.
import { readFile } from 'node:fs/promises';
import { SecretText } from '../domain/token.ts';
import { describeClaims } from './aws-call.ts';
import type { Environment } from './client-settings.ts';

const fileOf = (environment: Environment): string => environment['AWS_WEB_IDENTITY_TOKEN_FILE'] ?? '';

/** The token. @throws the error of the file system */
export const readWebIdentity = async (environment: Environment): Promise<SecretText> =>
  new SecretText((await readFile(fileOf(environment), 'utf8')).trim());

/** What the token in the file says of itself; undefined when there is no such file, or no token in it. */
export async function claimsInFile(environment: Environment): Promise<string | undefined> {
  if (fileOf(environment) === '') return undefined;
  try {
    return describeClaims((await readWebIdentity(environment)).reveal());
  } catch {
    // Why it cannot be read is the error of the exchange itself.
    return undefined;
  }
}
