// What to say of a text that is no ECR registry: what it should have been, as exactly as the text allows. Words only; called
// by registry when it has refused a text, with its way of writing a host.

/** The end of every other refusal. */
const expected =
  ' is not an ECR registry; expected <12-digit account>.dkr.ecr.<region>.amazonaws.com (China: .amazonaws.com.cn), or public.ecr.aws';

/**
 * A piece of somebody's text as we repeat it in a message: not long, without a password that was pasted with it (those of ECR
 * have slashes in them), and with what cannot be seen made visible.
 */
export function quoted(text: string): string {
  const shown = text.replace(/^.*@(?!sha256:)/s, '…@');
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 80)}…` : shown).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (unseen) => `\\u${(unseen.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** For an account that does not have 12 digits. */
export function digitsProblem(host: string): string | undefined {
  const account = /^(\d+)\.dkr/.exec(host)?.[1];
  if (account === undefined || account.length === 12) return undefined;
  return `: an AWS account has 12 digits, this one has ${account.length}`;
}

/** How a registry's host is written; undefined where its partition has no such form, or there is no such region. */
export type WriteHost = (
  account: string,
  region: string,
  form: 'standard' | 'fips' | 'dualStack' | 'dualStackFips',
) => string | undefined;

/** The rest of the sentence that begins with the refused text. */
export function nearMiss(host: string, write: WriteHost): string {
  if (/^(www\.)?gallery\.ecr\.aws$|^public\.ecr\.|^ecr-public\./.test(host)) {
    return ' is not an ECR registry; that of ECR Public is public.ecr.aws';
  }
  // Only what is on the whole made like a host of ECR; else the words would suit a host that has nothing to do with it.
  const labels = host.length > 200 || /[^a-z0-9.-]/.test(host) ? [] : host.split('.');
  if (!labels.some((label) => /^(dkr-)?ecr(-fips)?$/.test(label))) return expected;
  const region = labels.find((label) => write('', label, 'standard') !== undefined);
  if (region === undefined) return unknownRegion(labels) ?? expected;
  const account = labels.find((label) => /^\d{12}$/.test(label));
  const suggestion = write(account ?? '<12-digit account>', region, formOf(host));
  return suggestion === undefined || suggestion === host
    ? `${expected}; dual-stack and FIPS hosts are not known there`
    : ` is not an ECR registry; it should have been ${suggestion}`;
}

function unknownRegion(labels: readonly string[]): string | undefined {
  const place = labels.findIndex((label) => /^(dkr-)?ecr(-fips)?$/.test(label));
  const named = labels[place + 1] ?? '';
  return /^[a-z]+-[a-z0-9-]*$/.test(named) ? `: "${named.slice(0, 80)}" is not an AWS region` : undefined;
}

function formOf(host: string): Parameters<WriteHost>[2] {
  const dualStack = /\.on\.(aws|amazonwebservices)/.test(host);
  if (host.includes('-fips')) return dualStack ? 'dualStackFips' : 'fips';
  return dualStack ? 'dualStack' : 'standard';
}
