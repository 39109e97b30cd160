// Whether the chart's RBAC is enough: what the API server has refused the program for want of a right, by the audit log. Used
// by every stage at its end. Requests of a test under the same ServiceAccount do not count; they go by another user agent.
import type { Admin } from '../control-plane/admin.ts';
import { type AuditEntry, AuditLog, type Mark } from '../control-plane/audit.ts';
import type { ControlPlane } from '../control-plane/control-plane.ts';

/** The refusals since a moment. */
export class Refusals {
  readonly #log: AuditLog;
  readonly #mark: Mark;
  readonly #expected: (entry: AuditEntry) => boolean;

  private constructor(log: AuditLog, mark: Mark, expected: (entry: AuditEntry) => boolean) {
    this.#log = log;
    this.#mark = mark;
    this.#expected = expected;
  }

  /** Begins now. @param expected the refusals that do not count */
  static async since(
    plane: Pick<ControlPlane, 'auditLogFile'>,
    admin: Admin,
    expected: (entry: AuditEntry) => boolean,
  ): Promise<Refusals> {
    const log = new AuditLog(plane, admin);
    return new Refusals(log, await log.mark(), expected);
  }

  /** @throws Error that names the requests of this user that were refused */
  async expectNone(user: string): Promise<void> {
    const entries = await this.#log.since(this.#mark, { user });
    const refused = entries
      .filter(({ forbidden, userAgent }) => forbidden && userAgent.startsWith('ecr-pull-secrets/'))
      .filter((entry) => !this.#expected(entry))
      .map(({ verb, uri }) => `${verb} ${uri}`);
    if (refused.length === 0) return;
    const which = [...new Set(refused)].slice(0, 20).join('\n  ');
    throw new Error(
      `the chart's RBAC did not allow ${refused.length} requests of the controller:\n  ${which}`,
    );
  }
}
