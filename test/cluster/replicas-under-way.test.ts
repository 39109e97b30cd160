// A leader that is frozen with requests on their way: another has taken over and done its work when they arrive. They must change
// nothing: not the bytes, not the uid, not the version.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Stage, openStage } from '../../rig/stage.ts';
import { eventually, pullSecretsOf, readSecret, untilSecret } from './observe.ts';
import { ApiDoor, type Passage, isChange } from './replicas-api-door.ts';

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const enabled = { 'ecr-pull-secrets/enabled': 'true' };

/** What each namespace needs when the leader is frozen; the leader's request for it is held. */
const works = {
  create: 'secrets',
  update: 'secrets',
  attach: 'serviceaccounts',
} as const;
type Work = keyof typeof works;
const kinds = Object.keys(works) as readonly Work[];

interface Left {
  readonly secret: unknown;
  readonly account: unknown;
}

let stage: Stage;
const doors: ApiDoor[] = [];
const left = new Map<Work, Left>();
let late: readonly Passage[] = [];
let thawedAt = 0;

const nameOf = (work: Work): string => stage.namespaceName(work);

const accountPath = (namespace: string) => `/api/v1/namespaces/${namespace}/serviceaccounts/default`;

async function look(work: Work): Promise<Left> {
  const namespace = nameOf(work);
  const account = await stage.admin.get(accountPath(namespace));
  return { secret: await readSecret(stage, namespace), account };
}

async function start() {
  const [controller, door] = await ApiDoor.start(stage);
  doors.push(door);
  return { controller, door };
}

/** Gives the leader something to do in each namespace. */
async function makeWork(): Promise<void> {
  const { admin } = stage;
  await admin.annotate(nameOf('create'), enabled);
  // A drift, which is repaired by a forced apply.
  const path = `/api/v1/namespaces/${nameOf('update')}/secrets/${stage.secretName}`;
  const body = { data: { '.dockerconfigjson': Buffer.from('{"auths":{}}').toString('base64') } };
  await admin.request({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });
  const detached = { imagePullSecrets: [] };
  await admin.request({
    method: 'PATCH',
    path: accountPath(nameOf('attach')),
    body: detached,
    contentType: 'application/merge-patch+json',
  });
}

/** The second has done what the first was about to do. */
async function untilDone(): Promise<void> {
  for (const work of kinds) await untilSecret(stage, nameOf(work));
  await eventually(async () => {
    for (const work of kinds) expect(await pullSecretsOf(stage, nameOf(work))).toContain(stage.secretName);
    const repaired = await readSecret(stage, nameOf('update'));
    expect(Buffer.from(repaired?.data['.dockerconfigjson'] ?? '', 'base64').toString()).toContain(ireland);
  }, 60);
}

beforeAll(async () => {
  stage = await openStage({ plane: inject('plane'), name: 'underway', config: { registries: [ireland] } });
  for (const work of kinds) await stage.createNamespace(work, work === 'create' ? {} : enabled);
  const first = await start();
  await untilSecret(stage, nameOf('update'));
  await untilSecret(stage, nameOf('attach'));
  const second = await start();
  const hold = first.door.hold(
    (passage) => isChange(passage) && kinds.some((work) => isWorkOf(work, passage)),
  );
  await makeWork();
  await eventually(async () => {
    const waiting = kinds.filter((work) => hold.held.some((passage) => isWorkOf(work, passage)));
    await Promise.resolve(expect(waiting).toEqual(kinds));
  });
  process.kill(first.controller.pid, 'SIGSTOP');
  await eventually(async () => {
    expect(await second.controller.metric('ecr_pull_secrets_leading')).toBe(1);
  }, 60);
  await untilDone();
  for (const work of kinds) left.set(work, await look(work));
  late = [...hold.held];
  await hold.release();
  thawedAt = Date.now();
  process.kill(first.controller.pid, 'SIGCONT');
  await sleep(5_000);
}, 180_000);
afterAll(async () => {
  await stage.close();
  for (const door of doors) await door.close();
});

const isWorkOf = (work: Work, { path }: Passage): boolean =>
  path.startsWith(`/api/v1/namespaces/${nameOf(work)}/${works[work]}/`);

describe('a request that was under way when its sender was frozen, and arrives when another leads', () => {
  test.each(kinds)('%s: is refused, and changes nothing', async (work) => {
    expect(late.filter((passage) => isWorkOf(work, passage)).map(({ status }) => status)).toEqual([409]);
    // Compared by a predicate: what is unequal would be printed.
    const now = await look(work);
    expect(JSON.stringify(now) === JSON.stringify(left.get(work))).toBe(true);
    expect(await pullSecretsOf(stage, nameOf(work))).toEqual([stage.secretName]);
  });

  test('and thawed, the sender begins no other', () => {
    expect(doors[0]?.changes.filter(({ at }) => at >= thawedAt)).toEqual([]);
  });
});
