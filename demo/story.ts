// What the demo shows, act by act: a namespace is served, many at once are, short-lived tokens are replaced in time. Each
// act checks what it shows. Used by main; the stage is set when it begins.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControllerProcess } from '../rig/controller-process.ts';
import type { Registry } from '../rig/registry/registry.ts';
import type { Stage } from '../rig/stage.ts';
import type { Screen } from './screen.ts';
import { type Snapshot, Tenant } from './tenant.ts';

/** What the acts need. */
export interface Scene {
  readonly stage: Stage;
  readonly registry: Registry;
  readonly controller: ControllerProcess;
  readonly screen: Screen;
}

export const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const virginia = '444455556666.dkr.ecr.us-east-1.amazonaws.com';

/** The region whose tokens live a short time in the demo, and how long, in s. */
export const shortLived = { region: 'eu-west-1', seconds: 20 } as const;

const crowd = 100;

async function showPulls(scene: Scene, tenant: Tenant, snapshot: Snapshot): Promise<void> {
  for (const pull of await tenant.pullAll(snapshot, scene.registry)) {
    const what = pull.ok ? `${pull.digest.slice(0, 19)}…` : `${pull.status} ${pull.message}`;
    scene.screen.check(pull.ok, `${tenant.namespace}: pulled ${pull.host}/team/app:1 (${what})`);
  }
}

/** One namespace after another opts in. @returns the team whose token lives shortly */
export async function firstTenants(scene: Scene): Promise<Tenant> {
  const { stage, screen } = scene;
  screen.heading('Namespaces opt in by an annotation');
  const wishes: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['team-a', { 'ecr-pull-secrets/enabled': 'true' }],
    ['team-b', { 'ecr-pull-secrets/registries': `${virginia}, ${ireland}` }],
    ['team-c', { 'ecr-pull-secrets/profile': 'partner' }],
  ];
  const tenants: Tenant[] = [];
  for (const [name, annotations] of wishes) {
    const tenant = await Tenant.arrive(stage, name);
    tenants.push(tenant);
    const shown = Object.entries(annotations).map(([key, value]) => `${key}="${value}"`);
    screen.note(`${tenant.namespace} is annotated: ${shown.join(' ')}`);
    const { snapshot, ms } = await tenant.optIn(annotations);
    screen.check(true, `${tenant.namespace}: Secret ${stage.secretName} after ${ms.toFixed(0)} ms`);
    await showPulls(scene, tenant, snapshot);
    const attached = (await tenant.pullSecrets()).includes(stage.secretName);
    screen.check(attached, `${tenant.namespace}: its ServiceAccount default names the Secret`);
  }
  const [first] = tenants;
  if (first === undefined) throw new Error('the demo has no tenants');
  return first;
}

/** Many at once: what that costs. */
export async function manyAtOnce({ stage, screen, controller }: Scene): Promise<void> {
  screen.heading(`${crowd} more at the same time`);
  const names = Array.from({ length: crowd }, (_, index) => `crowd-${index}`);
  const tenants = await Promise.all(names.map((name) => Tenant.arrive(stage, name)));
  const calls = stage.aws.count({ region: 'us-east-1' });
  const startedAt = performance.now();
  await Promise.all(tenants.map((tenant) => tenant.optIn({ 'ecr-pull-secrets/registries': virginia })));
  const ms = performance.now() - startedAt;
  const more = stage.aws.count({ region: 'us-east-1' }) - calls;
  screen.check(true, `all ${crowd} have their Secret after ${ms.toFixed(0)} ms`);
  screen.check(more === 0, `calls to AWS for that: ${more} (they share a token that was there)`);
  const bugs = await controller.metric('ecr_pull_secrets_bugs_total');
  screen.check(bugs === 0, `unexpected errors in the controller: ${bugs}`);
}

/** A short-lived token is replaced: in place, in time; then the old one is refused. */
export async function oneReplacement(scene: Scene, tenant: Tenant): Promise<void> {
  const { screen, registry } = scene;
  const old = await tenant.until((snapshot) => snapshot !== undefined);
  const fresh = await tenant.until((snapshot) => snapshot?.document !== old.document);
  const early = (old.expiresAt - Date.now()) / 1_000;
  const inPlace = fresh.uid === old.uid;
  screen.check(
    early > 0 && inPlace,
    `${tenant.namespace}: token replaced in place, ${early.toFixed(1)} s before the old one expires`,
  );
  await showPulls(scene, tenant, fresh);
  await sleep(Math.max(0, old.expiresAt + 1_000 - Date.now()));
  const pulls = await tenant.pullAll(old, registry);
  const refused = pulls.every(({ ok }) => !ok);
  const why = pulls
    .map((pull) => (pull.ok ? 'it was accepted' : `${pull.status} ${pull.message}`))
    .join('; ');
  screen.check(refused, `${tenant.namespace}: the old one has expired, the registry refuses it (${why})`);
}

/** What all of it cost. */
export async function account({ stage, screen, controller }: Scene): Promise<void> {
  screen.heading('What that cost');
  const count = (action: string) => stage.aws.count({ action });
  screen.note(
    `STS: ${count('AssumeRoleWithWebIdentity')} × AssumeRoleWithWebIdentity, ${count('AssumeRole')} × AssumeRole`,
  );
  screen.note(`ECR: ${count('GetAuthorizationToken')} × GetAuthorizationToken`);
  const writes = (kind: string) => controller.metric('ecr_pull_secrets_writes_total', { kind });
  const [created, updated, attached] = await Promise.all(['create', 'update', 'attach'].map(writes));
  screen.note(
    `Kubernetes: ${created ?? 0} Secrets made, ${updated ?? 0} rewritten, ${attached ?? 0} ServiceAccounts attached to`,
  );
}
