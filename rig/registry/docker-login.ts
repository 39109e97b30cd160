// The login that a kubelet takes out of a `kubernetes.io/dockerconfigjson` Secret for a host. Used by pull-image. Reads
// strictly what a kubelet reads, and repeats none of it in a message.

/** A document that no kubelet could use; the message does not quote it. */
export class UnreadableDockerConfig extends Error {
  override readonly name = 'UnreadableDockerConfig';
}

interface Entry {
  readonly username?: unknown;
  readonly password?: unknown;
  readonly auth?: unknown;
}

/**
 * `user:password` of the entry whose key is the host; undefined when there is none.
 * @throws UnreadableDockerConfig
 */
export function loginFor(dockerConfigJson: string, host: string): string | undefined {
  const { auths } = parse(dockerConfigJson);
  if (typeof auths !== 'object' || auths === null) throw new UnreadableDockerConfig('it has no auths');
  const entry = Object.entries(auths).find(([key]) => key === host)?.[1] as Entry | undefined;
  if (entry === undefined) return undefined;
  // `auth` counts where both are given (kubernetes, pkg/credentialprovider/config.go).
  if (typeof entry.auth === 'string' && entry.auth !== '') return decodeAuth(entry.auth);
  if (typeof entry.username !== 'string' || typeof entry.password !== 'string') {
    throw new UnreadableDockerConfig('the entry of the host has neither auth nor username and password');
  }
  return `${entry.username}:${entry.password}`;
}

function parse(text: string): { readonly auths?: unknown } {
  try {
    return (JSON.parse(text) ?? {}) as { readonly auths?: unknown };
  } catch {
    // The error of JSON.parse quotes the text.
    throw new UnreadableDockerConfig('it is not JSON');
  }
}

function decodeAuth(auth: string): string {
  const login = Buffer.from(auth, 'base64').toString();
  if (Buffer.from(login).toString('base64') !== auth || !login.includes(':')) {
    throw new UnreadableDockerConfig('auth is not base64 of user:password');
  }
  return login;
}
