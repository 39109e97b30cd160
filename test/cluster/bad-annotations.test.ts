// What people write wrongly on a namespace: each mistake is told in that namespace, with key, value and cure; the last good
// Secret stays, and nobody else is affected.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Stage, openStage, partnerRole } from '../../rig/stage.ts';
import { eventsOf, eventually, readSecret, untilSecret } from './observe.ts';

const good = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const prefix = 'ecr-pull-secrets/';
let stage: Stage;

beforeAll(async () => {
  const profile = { registries: [good], namespaces: ['bad-*'] };
  const profiles = {
    mine: profile,
    same: { ...profile, roleArn: partnerRole('pull') },
    others: { ...profile, namespaces: ['elsewhere'] },
  };
  stage = await openStage({
    plane: inject('plane'),
    name: 'bad',
    config: { profiles, limits: { registriesPerNamespace: 3 } },
  });
  await stage.startController();
});
afterAll(() => stage.close());

type Annotations = Readonly<Record<string, string>>;

const registries = (value: string): Annotations => ({ registries: value });
const own = 'identity-service-account';

/** What is written → what is told. Without a word of configuration there is no default registry. */
const refused: readonly (readonly [what: string, annotations: Annotations, told: RegExp])[] = [
  ['registries: empty', registries(''), /NoRegistries: .*ecr-pull-secrets\/registries/],
  ['registries: white space', registries(' \n\t '), /NoRegistries: /],
  [
    'registries: *',
    registries('*'),
    /AnnotationInvalid: .*registries: "\*" is not an ECR registry; expected/,
  ],
  [
    'registries: another registry',
    registries('docker.io'),
    /AnnotationInvalid: .*"docker\.io" is not an ECR registry/,
  ],
  [
    'registries: a host that only looks like one',
    registries(`${good}.evil.example`),
    /AnnotationInvalid: .*evil\.example" is not/,
  ],
  [
    'registries: an account of 11 digits',
    registries(good.slice(1)),
    /AnnotationInvalid: .*12 digits, this one has 11/,
  ],
  [
    'registries: an unknown region',
    registries('111122223333.dkr.ecr.mars-1.amazonaws.com'),
    /AnnotationInvalid: .*"mars-1" is not an AWS region/,
  ],
  ['registries: 10 kB of text', registries('x'.repeat(10_000)), /AnnotationInvalid: .*"x{80}…" is not/],
  [
    'registries: too many',
    registries([1, 2, 3, 4].map((n) => good.replace('3333', `333${n}`)).join()),
    /NoRegistries: more than 3/,
  ],
  ['enabled without any registry', { enabled: 'true' }, /NoRegistries: /],
  ['profile: unknown', { profile: 'theirs' }, /ProfileRefused: .*"theirs".*ask the cluster's administrator/],
  ['profile: not for this namespace', { profile: 'others' }, /ProfileRefused: .*"others".*may not use/],
  ['profile: empty', { profile: '' }, /NoRegistries: /],
  ['profile and registries', { profile: 'mine', registries: good }, /ProfileRefused: .*choose one/],
  ['profile and an identity of its own', { profile: 'mine', [own]: 'x' }, /ProfileRefused: .*choose one/],
  ['one host in two profiles', { profile: 'mine, same' }, /ProfileRefused: .*in two of the profiles/],
  [
    'an identity of its own, which is off',
    { registries: good, [own]: 'x' },
    /IdentityRefused: .*remove the annotations/,
  ],
  ['role-arn alone', { registries: good, 'role-arn': 'arn:aws:iam::1:role/x' }, /IdentityRefused: /],
  [
    'attach-to: a ServiceAccount we may not touch',
    { registries: good, 'attach-to': 'builder' },
    /ServiceAccountRefused: .*"builder".*\(default\)/,
  ],
];

const withPrefix = (annotations: Annotations): Annotations =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [prefix + key, value]));

describe('refused, told with the cure, and the last good Secret stays', () => {
  test.each(refused)('%s', async (what, annotations, told) => {
    const index = refused.findIndex(([name]) => name === what);
    const fresh = await stage.createNamespace(`fresh${index}`, withPrefix(annotations));
    const served = await stage.createNamespace(`served${index}`, { [`${prefix}registries`]: good });
    const before = await untilSecret(stage, served);
    await stage.admin.annotate(served, { [`${prefix}registries`]: null, ...withPrefix(annotations) });
    for (const namespace of [fresh, served]) {
      await eventually(async () => {
        const events = await eventsOf(stage, namespace);
        expect(events).toContainEqual(expect.stringMatching(told));
        expect(events.every((event) => Buffer.byteLength(event) <= 1_100)).toBe(true);
      });
    }
    expect(await readSecret(stage, fresh)).toBeUndefined();
    expect((await readSecret(stage, served))?.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  });
});

const served: readonly (readonly [what: string, annotations: Annotations, told: RegExp])[] = [
  ['one bad host beside a good one', registries(`${good}, docker.io`), /AnnotationInvalid: .*"docker\.io"/],
  [
    'an unknown key under our prefix',
    { registries: good, registry: 'x' },
    /AnnotationUnknown: .*ecr-pull-secrets\/registry is not known.*known are/,
  ],
  ['a key that every object has', { registries: good, constructor: 'x' }, /AnnotationUnknown: /],
];

describe('told, and served all the same', () => {
  test.each(served)('%s', async (what, annotations, told) => {
    const index = served.findIndex(([name]) => name === what);
    const namespace = await stage.createNamespace(`told${index}`, withPrefix(annotations));
    await untilSecret(stage, namespace);
    await eventually(async () =>
      expect(await eventsOf(stage, namespace)).toEqual([expect.stringMatching(told)]),
    );
  });
});

describe('an enabled that cannot be read', () => {
  const flags = ['yes', '', '1', 'tru', 'x'.repeat(10_000)];
  test.each(flags.map((value, index) => [value.slice(0, 10), value, index] as const))(
    '"%s" neither opts in nor out',
    async (_, value, index) => {
      const name = `flag${index}`;
      const fresh = await stage.createNamespace(`${name}-fresh`, { [`${prefix}enabled`]: value });
      const namespace = await stage.createNamespace(`${name}-served`, { [`${prefix}registries`]: good });
      const before = await untilSecret(stage, namespace);
      await stage.admin.annotate(namespace, { [`${prefix}enabled`]: value });
      for (const one of [fresh, namespace]) {
        await eventually(async () =>
          expect(await eventsOf(stage, one)).toContainEqual(
            expect.stringMatching(/^AnnotationInvalid: .*write "true" or "false"/),
          ),
        );
      }
      expect(await readSecret(stage, fresh)).toBeUndefined();
      expect((await readSecret(stage, namespace))?.metadata.uid).toBe(before.metadata.uid);
    },
  );
});

test('other keys alone are told and have no effect', async () => {
  const namespace = await stage.createNamespace('alone', { [`${prefix}attach-to`]: 'default' });
  await eventually(async () =>
    expect(await eventsOf(stage, namespace)).toEqual([expect.stringMatching(/have no effect alone: add/)]),
  );
  expect(await readSecret(stage, namespace)).toBeUndefined();
});

test('all of that affected nobody else', async () => {
  const namespace = await stage.createNamespace('innocent', { [`${prefix}registries`]: good });
  await untilSecret(stage, namespace);
  expect(await eventsOf(stage, namespace)).toEqual([]);
});
