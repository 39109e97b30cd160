// The chart's rights are enough and no more than that, in both scopes: with all of them every deed of the program succeeds and
// nothing is refused; without any single one of them something is refused.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Admin } from '../../rig/control-plane/admin.ts';
import type { ObjectReference } from '../../rig/control-plane/resource-path.ts';
import { type HowToStart, type Stage, openStage } from '../../rig/stage.ts';
import { Refusals } from '../../rig/installation/refusals.ts';
import { Deeds, everyWish } from './deeds.ts';

interface Rule {
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

type Role = ObjectReference & { readonly rules: readonly Rule[] };

/** One right, and the role that is left without it. */
interface Right {
  readonly title: string;
  readonly role: Role;
  readonly without: Role;
}

const ireland = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const puller = 'arn:aws:iam::222233334444:role/rights';

/** What the program may need, as rows: the chart renders them, and a right that is new or gone must be entered here. */
const shared = [
  'get secrets/ours',
  'list secrets/ours',
  'watch secrets/ours',
  'create secrets/ours',
  'patch secrets/ours',
  'delete secrets/ours',
  'get secrets/rights-former',
  'list secrets/rights-former',
  'watch secrets/rights-former',
  'delete secrets/rights-former',
  'get serviceaccounts/default',
  'list serviceaccounts/default',
  'watch serviceaccounts/default',
  'patch serviceaccounts/default',
  'list serviceaccounts/puller',
  'watch serviceaccounts/puller',
  'create serviceaccounts/token/puller',
  'create events',
  'patch events',
];
const ofTheLease = ['get leases/lease', 'create leases/lease', 'update leases/lease'];

const scopes = [
  { scope: 'the whole cluster', name: 'rightsall', rows: ['list namespaces', 'watch namespaces', ...shared] },
  {
    scope: 'two namespaces',
    name: 'rightstwo',
    rows: [
      'get namespaces/team',
      'watch namespaces/team',
      ...shared,
      'create events of our own',
      'patch events of our own',
    ],
  },
];

describe.each(scopes)('with rights in $scope', ({ scope, name, rows }) => {
  const namespaces = [`${name}-team`, `${name}-other`] as const;
  const [namespace] = namespaces;
  let stage: Stage;

  beforeAll(async () => {
    const plane = inject('plane');
    const admin = new Admin(plane);
    for (const each of namespaces) await admin.createNamespace(each);
    const only = scope === 'two namespaces' ? namespaces : [];
    stage = await openStage({
      plane,
      name,
      config: { registries: [ireland], namespaces: { include: namespaces, only }, ...everyWish },
      mayBeRefused: () => true,
    });
    for (const each of namespaces) stage.adopt(each);
    const subjects = [`system:serviceaccount:${namespace}:puller`];
    stage.aws.putRole({ arn: puller, trust: [{ subjects }] });
    const metadata = { name: 'puller', namespace, annotations: { 'eks.amazonaws.com/role-arn': puller } };
    await admin.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    await admin.close();
  });
  afterAll(() => stage.close());

  /** @returns what was refused, as text; empty when all deeds were done without a refusal */
  async function perform(how: HowToStart = {}): Promise<string> {
    const over = new AbortController();
    const deeds = new Deeds(stage, namespaces, over.signal);
    await deeds.prepare();
    const refusals = await Refusals.since(stage.plane, stage.admin, () => false);
    const refused = (): Promise<string> =>
      refusals.expectNone(stage.installation.user).then(
        () => '',
        (error: Error) => error.message,
      );
    // Without a right it may never become ready.
    const controller = await stage.startController({ ...how, waitReady: false });
    const done = deeds.all(controller).then(() => true as const);
    done.catch(() => undefined);
    try {
      for (;;) {
        const text = (await refused()) || saidIn(controller.output());
        if (text !== '') return text;
        if (await Promise.race([done, sleep(100, false)])) return await refused();
      }
    } finally {
      over.abort();
      await controller.stop();
    }
  }

  /** Without the one of the other namespace, which is the same. */
  const roles = (): readonly Role[] =>
    stage.installation.manifests.filter(
      ({ kind, metadata }) => ['ClusterRole', 'Role'].includes(kind) && metadata.namespace !== namespaces[1],
    ) as unknown as readonly Role[];

  const rights = (): readonly Right[] => roles().flatMap((role) => rightsOf(role, stage));

  test('every deed succeeds, and nothing is refused', async () => {
    expect(await perform()).toBe('');
  });

  test('those are all the rights that there are', () => {
    expect(
      rights()
        .map(({ title }) => title)
        .toSorted(),
    ).toEqual([...rows, ...ofTheLease].toSorted());
  });

  test.each([...rows, ...ofTheLease])('without the right to %s something is refused', async (title) => {
    const right = rights().find((candidate) => candidate.title === title);
    if (right === undefined) throw new Error('the chart renders no such right');
    await stage.admin.apply(right.without);
    try {
      expect(await perform()).toMatch(/^the chart's RBAC did not allow|^the API server forbids us/);
    } finally {
      await stage.admin.apply(right.role);
    }
  });
});

/** An apply that may not create is no refusal in the audit log, whose words are left out for Secrets; the program tells it. */
const saidIn = (output: string): string => /the API server forbids us to [^"]*/.exec(output)?.[0] ?? '';

/** Each verb of each rule; the names of this stage are told as plain ones. */
function rightsOf(role: Role, { secretName, instance, installation }: Stage): readonly Right[] {
  const own = role.metadata.namespace === installation.namespace;
  const plain: Readonly<Record<string, string>> = { [secretName]: 'ours', [instance]: 'lease' };
  return role.rules.flatMap((rule, index) =>
    rule.verbs.map((verb) => {
      const [name = ''] = rule.resourceNames ?? [];
      const called = plain[name] ?? name.replace(/^.*-(team)$/, '$1');
      const rules = role.rules.map((other, at) =>
        at === index ? { ...other, verbs: other.verbs.filter((candidate) => candidate !== verb) } : other,
      );
      return {
        title: `${verb} ${rule.resources[0]}${called === '' ? (own ? ' of our own' : '') : `/${called}`}`,
        role,
        without: { ...role, rules: rules.filter(({ verbs }) => verbs.length > 0) },
      };
    }),
  );
}
