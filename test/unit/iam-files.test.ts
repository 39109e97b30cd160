// The policies in deploy/iam: what keeps a copied file from granting more than it says. The pages about them are in
// iam-pages.test.ts. Whether AWS accepts them, no test here can tell.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { namespaceTags } from '../../src/domain/profile-identity.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'deploy/iam');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const files = globSync('**/*.json', { cwd: folder }).toSorted();

type OneOrMore = string | readonly string[];

interface Statement {
  readonly Sid?: string;
  readonly Effect?: string;
  readonly Principal?: '*' | Readonly<Record<string, OneOrMore>>;
  readonly Action?: OneOrMore;
  readonly Resource?: OneOrMore;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, OneOrMore>>>>;
}

interface Policy {
  readonly Version?: string;
  readonly Statement: readonly Statement[];
}

const all = (value: OneOrMore | undefined): readonly string[] => [value ?? []].flat();
const textOf = (file: string): string => readFileSync(join(folder, file), 'utf8');
const statementsOf = (file: string): readonly Statement[] => (JSON.parse(textOf(file)) as Policy).Statement;

/** The kinds of files by their names, as the README has them. */
const kinds = {
  identity: /^(pull|caller)-policy(-[a-z-]+)?\.json$/,
  trust: /^trust(-[a-z-]+)?\.json$/,
  repository: /^repository-policy\.json$/,
  registry: /^registry-policy\.json$/,
  bucket: /^bucket-policy\.json$/,
} as const;
type Kind = keyof typeof kinds;
const kindsOf = (file: string): readonly string[] =>
  Object.entries(kinds)
    .filter(([, pattern]) => pattern.test(file.split('/').at(-1) ?? ''))
    .map(([kind]) => kind);
const ofKind = (kind: Kind): readonly string[] => files.filter((file) => kindsOf(file).includes(kind));

const pulling = ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];
const caching = ['ecr:BatchImportUpstreamImage', 'ecr:CreateRepository'];
/** The actions for which AWS knows no resource (Service Authorization Reference). */
const withoutResource = [
  'ecr:GetAuthorizationToken',
  'ecr-public:GetAuthorizationToken',
  'sts:GetServiceBearerToken',
];
const assuming = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'];

/** Everything that a file of a kind may allow. */
const allowed: Readonly<Record<Kind, readonly string[]>> = {
  identity: [...pulling, ...caching, ...withoutResource, ...assuming],
  trust: [...assuming, 'sts:AssumeRoleWithWebIdentity'],
  repository: pulling,
  registry: caching,
  bucket: ['s3:GetObject'],
};

describe('the policies in deploy/iam', () => {
  it('are there', () => {
    expect(files.length).toBeGreaterThan(20);
  });

  it.each(files)('%s is of one kind by its name', (file) => {
    expect(kindsOf(file)).toHaveLength(1);
  });

  it.each(files)('%s has the version of policies that knows variables', (file) => {
    expect(JSON.parse(textOf(file))).toMatchObject({ Version: '2012-10-17' });
  });

  it.each(files)('%s only allows, and names what it allows', (file) => {
    const known = new Set(['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition']);
    for (const statement of statementsOf(file)) {
      expect(statement.Effect).toBe('Allow');
      // NotAction, NotResource and NotPrincipal allow what nobody thought of.
      expect(Object.keys(statement).filter((key) => !known.has(key))).toEqual([]);
      expect(all(statement.Action)).not.toEqual([]);
      expect(all(statement.Action).filter((action) => action.includes('*'))).toEqual([]);
    }
  });

  it.each(Object.keys(kinds) as Kind[])('of kind %s allow nothing that is not of this kind', (kind) => {
    const strange = ofKind(kind).flatMap((file) =>
      statementsOf(file)
        .flatMap(({ Action }) => all(Action))
        .filter((action) => !allowed[kind].includes(action))
        .map((action) => `${file}: ${action}`),
    );
    expect(ofKind(kind)).not.toEqual([]);
    expect(strange).toEqual([]);
  });

  it.each(files)('%s has Resource "*" for no action but those without resources', (file) => {
    for (const { Action, Resource } of statementsOf(file)) {
      const needy = all(Action).filter((action) => withoutResource.includes(action));
      expect(needy).toEqual(all(Resource).includes('*') ? all(Action) : []);
    }
  });

  it.each(ofKind('identity'))('%s names nobody, and pulls and caches by repository only', (file) => {
    for (const { Principal, Action, Resource } of statementsOf(file)) {
      expect(Principal).toBeUndefined();
      expect(all(Resource)).not.toEqual([]);
      if (!all(Action).some((action) => [...pulling, ...caching].includes(action))) continue;
      const repository =
        /^arn:aws:ecr:[a-z0-9-]+:\d{12}:repository\/([a-z-]+|\$\{aws:PrincipalTag\/[a-z-]+\})\/\*$/;
      expect(all(Resource).filter((arn) => !repository.test(arn))).toEqual([]);
    }
  });

  it.each(ofKind('identity'))('%s assumes roles by name, or below a path of its own', (file) => {
    for (const { Action, Resource } of statementsOf(file)) {
      if (!all(Action).includes('sts:AssumeRole')) continue;
      const role = /^arn:aws:iam::\d{12}:role\/(ecr-pull(-[a-z-]+)?|ecr-pull\/\*)$/;
      expect(all(Resource).filter((arn) => !role.test(arn))).toEqual([]);
    }
  });

  it.each([...ofKind('trust'), ...ofKind('repository')])('%s says whom, and of what it goes with', (file) => {
    for (const { Principal, Resource } of statementsOf(file)) {
      expect(Resource).toBeUndefined();
      const who = Object.values(Principal === '*' ? { AWS: '*' } : (Principal ?? {})).flatMap(all);
      expect(who).not.toEqual([]);
      expect(who.filter((one) => one.includes('*') || one.endsWith(':root'))).toEqual([]);
    }
  });

  it('only the documents of the issuer are for everybody, and only two objects', () => {
    const open = files.filter((file) => statementsOf(file).some(({ Principal }) => Principal === '*'));
    expect(open).toEqual(['issuer/bucket-policy.json']);
    expect(statementsOf('issuer/bucket-policy.json').map(({ Resource }) => Resource)).toEqual([
      [
        'arn:aws:s3:::example-issuer-bucket/cluster/.well-known/openid-configuration',
        'arn:aws:s3:::example-issuer-bucket/cluster/openid/v1/jwks',
      ],
    ]);
  });

  const web = files.filter((file) => textOf(file).includes('sts:AssumeRoleWithWebIdentity'));

  it('web identity is trusted in three ways', () => {
    expect(web).toEqual([
      'direct-web-identity/trust.json',
      'own-account/trust-web-identity.json',
      'own-service-account/trust.json',
    ]);
  });

  it.each(web)('%s pins audience and subject by StringEquals, of the issuer that it names', (file) => {
    for (const { Principal, Condition } of statementsOf(file)) {
      const federated = Principal === '*' ? [] : all(Principal?.['Federated']);
      expect(federated).toHaveLength(1);
      const issuer = federated[0]?.split(':oidc-provider/')[1] ?? '';
      expect(Object.keys(Condition ?? {})).toEqual(['StringEquals']);
      expect(Condition?.['StringEquals']).toEqual({
        [`${issuer}:aud`]: 'sts.amazonaws.com',
        [`${issuer}:sub`]: expect.stringMatching(/^system:serviceaccount:[a-z-]+:[a-z-]+$/) as string,
      });
    }
  });

  it.each(web)("%s has the chart's audience, and its ServiceAccount or that of a namespace", (file) => {
    const values = parse(read('charts/ecr-pull-secrets/values.yaml')) as {
      aws: { accountTokenAudience: string };
    };
    const [statement] = statementsOf(file);
    const pinned = Object.values(statement?.Condition?.['StringEquals'] ?? {});
    const name = file.startsWith('own-service-account/')
      ? 'team-a:puller'
      : 'ecr-pull-secrets:ecr-pull-secrets';
    expect(pinned).toEqual([values.aws.accountTokenAudience, `system:serviceaccount:${name}`]);
  });

  it('a role that is assumed from outside asks for an external id or a tag, but where its name is the namespace', () => {
    const trusting = ofKind('trust').filter((file) =>
      statementsOf(file).some(({ Principal }) => Principal !== '*' && Principal?.['AWS'] !== undefined),
    );
    const unconditional = trusting.filter((file) =>
      statementsOf(file).some(
        ({ Action, Condition }) => all(Action).includes('sts:AssumeRole') && Condition === undefined,
      ),
    );
    expect(unconditional).toEqual(['per-namespace/trust-role-name.json']);
  });

  it('tags are limited on both sides, those that are only passed on excepted', () => {
    const tagging = files.flatMap((file) =>
      statementsOf(file)
        .filter(({ Action }) => all(Action).includes('sts:TagSession'))
        .map(({ Condition }) => ({ file, limited: Condition !== undefined })),
    );
    expect(tagging.filter(({ limited }) => !limited).map(({ file }) => file)).toEqual([
      'chaining/caller-policy-after-pod-identity.json',
      'chaining/trust-after-pod-identity.json',
    ]);
  });

  it.each(['trust', 'caller-policy', 'pull-policy'])(
    "the tags of %s-tag are the controller's own",
    (name) => {
      const file = `per-namespace/${name}-tag.json`;
      const conditions = statementsOf(file).flatMap(({ Condition }) => Object.values(Condition ?? {}));
      const used = [
        ...[...textOf(file).matchAll(/aws:(?:Request|Principal)Tag\/([\w-]+)/g)].map(([, key]) => key),
        ...conditions.flatMap((condition) => all(condition['aws:TagKeys'])),
      ];
      const own: readonly (string | undefined)[] = Object.values(namespaceTags);
      expect(used.filter((key) => !own.includes(key))).toEqual([]);
      expect(used).toContain(namespaceTags.namespace);
    },
  );

  it('a session without the tag of a namespace is not given, and pulls nothing', () => {
    for (const { Condition } of statementsOf('per-namespace/trust-tag.json')) {
      expect(Condition?.['StringLike']).toHaveProperty([`aws:RequestTag/${namespaceTags.namespace}`]);
    }
    const [, pull] = statementsOf('per-namespace/pull-policy-tag.json');
    expect(all(pull?.Resource)).toEqual([
      `arn:aws:ecr:eu-west-1:111122223333:repository/\${aws:PrincipalTag/${namespaceTags.namespace}}/*`,
    ]);
  });
});
