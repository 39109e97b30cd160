// What the API server was asked, by whom: its audit log, read back. Used by tests that prove which requests the
// controller makes and which it does not. It reads the file that control-plane had the API server write.
import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from './admin.ts';
import type { ControlPlane } from './control-plane.ts';

/** One request; a watch appears when it was answered, everything else when it was done. */
export interface AuditEntry {
  /** Such as `system:serviceaccount:<namespace>:<name>`, or `admin`. */
  readonly user: string;
  /** Of Kubernetes, such as `list`; of HTTP for paths that are no resource. */
  readonly verb: string;
  /** The plural name; empty for paths that are no resource. */
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** The HTTP status. */
  readonly code: number;
  /** Refused for want of a right; other 403s come from quotas, admission and namespaces that end. */
  readonly forbidden: boolean;
  /** What the client calls itself; empty where it says nothing. */
  readonly userAgent: string;
  readonly dryRun: boolean;
  /** Path and query. */
  readonly uri: string;
  /** When the request came, in ms since the epoch. */
  readonly at: number;
}

/** A place in the log. */
export interface Mark {
  readonly offset: number;
}

interface RawEntry {
  readonly user: { readonly username: string };
  readonly verb: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly userAgent?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly responseStatus?: { readonly code?: number; readonly message?: string };
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
}

/** How long a marker may take to show up, in ms. */
const patience = 20_000;
/** Names the requests by which this class finds out that the log is complete. */
const marker = 'audit-marker-';

/** The audit log of a control plane. */
export class AuditLog {
  readonly #file: string;
  readonly #admin: Admin;

  constructor(plane: Pick<ControlPlane, 'auditLogFile'>, admin: Admin) {
    this.#file = plane.auditLogFile;
    this.#admin = admin;
  }

  /** The place after everything that has been answered until now. */
  async mark(): Promise<Mark> {
    const offset = (await sizeOf(this.#file)) - 1;
    return { offset: (await this.#settled(Math.max(0, offset))).end };
  }

  /** The requests after a mark that have been answered until now. */
  async since(mark: Mark, { user }: { readonly user?: string } = {}): Promise<readonly AuditEntry[]> {
    const { text } = await this.#settled(mark.offset);
    return text
      .split('\n')
      .filter((line) => line !== '' && !line.includes(marker))
      .map((line) => toEntry(JSON.parse(line) as RawEntry))
      .filter((entry) => user === undefined || entry.user === user);
  }

  /**
   * Waits until the log has all that was answered: until a later request is in it. Two of them, since an entry is
   * written a moment after the last byte of its answer.
   */
  async #settled(offset: number): Promise<{ readonly text: string; readonly end: number }> {
    await this.#markerWritten(offset);
    return await this.#markerWritten(offset);
  }

  async #markerWritten(offset: number): Promise<{ readonly text: string; readonly end: number }> {
    const name = `${marker}${randomUUID()}`;
    await this.#admin.request({ method: 'GET', path: `/api/v1/namespaces/${name}` });
    const deadline = Date.now() + patience;
    for (;;) {
      const bytes = await readFrom(this.#file, offset);
      const found = bytes.indexOf(name);
      const lineEnd = found === -1 ? -1 : bytes.indexOf('\n', found);
      if (lineEnd !== -1) return { text: bytes.toString('utf8', 0, lineEnd), end: offset + lineEnd + 1 };
      if (Date.now() > deadline) throw new Error(`${this.#file} has no ${name} after ${patience / 1000} s`);
      await sleep(5);
    }
  }
}

/**
 * An apply that would create is allowed as a patch, and refused later on as a create: then only the words tell it, and with
 * 1.30 only that there are none.
 */
const isForbidden = ({
  annotations,
  responseStatus,
}: Pick<RawEntry, 'annotations' | 'responseStatus'>): boolean =>
  annotations?.['authorization.k8s.io/decision'] === 'forbid' ||
  (responseStatus?.code === 403 &&
    /is forbidden: (?:User "[^"]*" cannot |$)/.test(responseStatus.message ?? ''));

async function sizeOf(file: string): Promise<number> {
  const handle = await open(file);
  try {
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}

async function readFrom(file: string, offset: number): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(Math.max(0, size - offset));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function toEntry({ user, verb, requestURI, requestReceivedTimestamp, ...raw }: RawEntry): AuditEntry {
  const { resource = '', subresource, namespace, name } = raw.objectRef ?? {};
  return {
    user: user.username,
    verb,
    resource,
    ...(subresource === undefined ? {} : { subresource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    code: raw.responseStatus?.code ?? 0,
    forbidden: isForbidden(raw),
    userAgent: raw.userAgent ?? '',
    dryRun: new URL(requestURI, 'https://localhost').searchParams.has('dryRun'),
    uri: requestURI,
    at: Date.parse(requestReceivedTimestamp),
  };
}
