// The `.dockerconfigjson` document: one entry for each registry host. Knows the format only; which hosts and whose
// tokens is decided by plan. Every consumer of such Secrets must be able to read it, so: hosts without a scheme,
// sorted; `username`, `password` and `auth` in each entry; no `email`.
import { SecretText } from './token.ts';

/** The credentials of one host. */
export interface DockerAuth {
  readonly username: string;
  readonly password: SecretText;
}

/** Writes the document. The same entries give the same bytes, in whatever order they come. */
export function writeDockerConfig(auths: ReadonlyMap<string, DockerAuth>): SecretText {
  const sorted = [...auths].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const entries = sorted.map(([host, { username, password }]) => {
    const text = password.reveal();
    const auth = Buffer.from(`${username}:${text}`).toString('base64');
    return [host, { username, password: text, auth }] as const;
  });
  return new SecretText(JSON.stringify({ auths: Object.fromEntries(entries) }));
}

/** Reads a document that we wrote. Entries without user name or password, and a document that is none, are left out. */
export function readDockerConfig(document: SecretText): ReadonlyMap<string, DockerAuth> {
  const auths = new Map<string, DockerAuth>();
  for (const [host, entry] of Object.entries(parse(document)?.auths ?? {})) {
    if (typeof entry?.username !== 'string' || typeof entry.password !== 'string') continue;
    auths.set(host, { username: entry.username, password: new SecretText(entry.password) });
  }
  return auths;
}

interface Document {
  readonly auths?: Record<string, { username?: unknown; password?: unknown } | null> | null;
}

function parse(document: SecretText): Document | null {
  try {
    return JSON.parse(document.reveal()) as Document | null;
  } catch {
    return null;
  }
}
