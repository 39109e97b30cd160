// Reading the API server's audit log back, with a file and an API server that are both made up.
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Admin, AdminRequest } from '../../rig/control-plane/admin.ts';
import { AuditLog } from '../../rig/control-plane/audit.ts';

const controller = 'system:serviceaccount:ecr-pull-secrets:ecr-pull-secrets';

let directory: string;
let file: string;
let log: AuditLog;
/** Written a moment after the answers to the requests before, as the real one does. */
let pending: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rig-audit-'));
  file = join(directory, 'audit.log');
  writeFileSync(file, '');
  pending = [];
  const admin = {
    request: async ({ path }: AdminRequest) => {
      setTimeout(() => {
        appendFileSync(file, pending.splice(0).join(''));
        appendFileSync(file, line({ user: 'admin', uri: path, code: 404 }).slice(0, 40));
      }, 10);
      setTimeout(() => appendFileSync(file, line({ user: 'admin', uri: path, code: 404 }).slice(40)), 20);
      return { status: 404, body: undefined };
    },
  };
  log = new AuditLog({ auditLogFile: file }, admin as unknown as Admin);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function line(props: {
  readonly user: string;
  readonly uri: string;
  readonly code?: number;
  readonly objectRef?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly userAgent?: string;
  readonly message?: string;
}): string {
  const { user, uri, code = 200, message, ...rest } = props;
  return `${JSON.stringify({
    verb: 'patch',
    user: { username: user },
    requestURI: uri,
    ...rest,
    responseStatus: { code, message },
    requestReceivedTimestamp: '2026-11-24T10:00:00.250000Z',
  })}\n`;
}

it('gives what came after the mark, whole and without its own requests', async () => {
  appendFileSync(file, line({ user: controller, uri: '/before' }));
  const mark = await log.mark();
  const objectRef = { resource: 'secrets', namespace: 'team-a', name: 'ecr-pull-secret' };
  pending.push(line({ user: controller, uri: '/a?dryRun=All&force=false', objectRef }));
  expect(await log.since(mark)).toEqual([
    {
      user: controller,
      verb: 'patch',
      ...objectRef,
      code: 200,
      forbidden: false,
      userAgent: '',
      dryRun: true,
      uri: '/a?dryRun=All&force=false',
      at: Date.parse('2026-11-24T10:00:00.250Z'),
    },
  ]);
});

it('gives the requests of one user', async () => {
  const mark = await log.mark();
  pending.push(line({ user: controller, uri: '/mine' }), line({ user: 'other', uri: '/not-mine' }));
  const entries = await log.since(mark, { user: controller });
  expect(entries.map(({ uri, resource, dryRun }) => ({ uri, resource, dryRun }))).toEqual([
    { uri: '/mine', resource: '', dryRun: false },
  ]);
});

it('tells a refusal for want of a right from others, and who asked', async () => {
  const mark = await log.mark();
  const refused = { 'authorization.k8s.io/decision': 'forbid' };
  pending.push(
    line({ user: controller, uri: '/quota', code: 403, message: 'secrets "a" is forbidden: exceeded quota' }),
    line({
      user: controller,
      uri: '/apply',
      code: 403,
      message: 'secrets "a" is forbidden: User "b" cannot create resource "secrets"',
    }),
    line({ user: controller, uri: '/apply-1.30', code: 403, message: 'secrets "a" is forbidden: ' }),
    line({ user: controller, uri: '/right', code: 403, annotations: refused, userAgent: 'kubectl/1' }),
  );
  const entries = await log.since(mark);
  expect(entries.map(({ uri, forbidden, userAgent }) => ({ uri, forbidden, userAgent }))).toEqual([
    { uri: '/quota', forbidden: false, userAgent: '' },
    { uri: '/apply', forbidden: true, userAgent: '' },
    { uri: '/apply-1.30', forbidden: true, userAgent: '' },
    { uri: '/right', forbidden: true, userAgent: 'kubectl/1' },
  ]);
});
