// AwsTokenFetcher with the roles that profiles name, in the ways of domain/profile-identity: by chaining, and by the
// controller's own web identity in another account. What reaches STS is what the profile says and nothing else.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  controllerRole,
  issuerUrl,
  partnerRole,
  type Scene,
  startScene,
  staticKey,
} from '../../rig/fake-aws/scene.ts';
import type { PrincipalTrust } from '../../rig/fake-aws/role-store.ts';
import { profileIdentity, type ProfileRole } from '../../src/domain/profile-identity.ts';
import {
  byKey,
  byPartner,
  byWebIdentity,
  failureOf,
  makeFetcher,
  privateSource,
  useEnvironment,
} from '../support/aws-fetching.ts';

let scene: Scene;
/** How far the fetcher's clock is ahead, in ms; the signatures of the SDK keep the real time. */
let ahead: number;

beforeEach(async () => {
  ahead = 0;
  scene = await startScene();
  useEnvironment(scene.webIdentity);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await scene[Symbol.asyncDispose]();
});

const aheadFetcher = () => makeFetcher({ now: () => Date.now() + ahead });
const sharedName = 'ecr-pull-secrets-lab';

/** The identity of a profile in a namespace of the cluster `lab`. */
const identityOf = (role: Partial<ProfileRole>, namespace = 'team-a') =>
  profileIdentity(
    { roleArn: partnerRole.arn, via: 'chain', externalId: '', tags: {}, perNamespace: false, ...role },
    { namespace, clusterName: 'lab', base: byWebIdentity },
  );

/** Of the sessions that were asked for by chaining, what they show in the other account's CloudTrail. */
const sessions = () =>
  scene.aws.calls
    .filter(({ action }) => action === 'AssumeRole')
    .map(({ sessionName, tags, code }) => ({ sessionName, tags, code }));

describe('a role by chaining', () => {
  const trust = (statement: Partial<PrincipalTrust>, arn = partnerRole.arn) =>
    scene.aws.putRole({ arn, trust: [{ principals: [controllerRole.arn], ...statement }] });

  test.each<[what: string, role: Partial<ProfileRole>, sent: object]>([
    ['nothing else is set', {}, { tags: {}, sessionName: sharedName }],
    ['an external id is set', { externalId: 'customer-7' }, { tags: {}, externalId: 'customer-7' }],
    [
      'tags are set',
      { tags: { team: 'a', 'cost center': 'r&d = 5' } },
      { tags: { team: 'a', 'cost center': 'r&d = 5' }, sessionName: sharedName },
    ],
    [
      'each namespace has its own session',
      { perNamespace: true, tags: { team: 'a' } },
      {
        tags: { team: 'a', 'ecr-pull-secrets-namespace': 'team-a', 'ecr-pull-secrets-cluster': 'lab' },
        sessionName: 'ecr-pull-secrets-lab-team-a',
      },
    ],
    [
      'all of it is set',
      { perNamespace: true, externalId: 'customer-7' },
      {
        tags: { 'ecr-pull-secrets-namespace': 'team-a', 'ecr-pull-secrets-cluster': 'lab' },
        externalId: 'customer-7',
      },
    ],
  ])('where %s sends just that', async (_what, role, sent) => {
    trust({ tagSession: true, ...(role.externalId && { externalId: role.externalId }) });
    await makeFetcher().fetch(privateSource(identityOf(role), 'us-east-1'));
    expect(scene.aws.calls).toMatchObject([
      // The controller's own session stays its own: no tag, no external id.
      { action: 'AssumeRoleWithWebIdentity', roleArn: controllerRole.arn, tags: {} },
      {
        action: 'AssumeRole',
        roleArn: partnerRole.arn,
        region: 'eu-west-1',
        durationSeconds: 900,
        transitiveTagKeys: [],
        policyArns: [],
        accessKey: 'session',
        code: 'ok',
        ...sent,
      },
      { service: 'ecr', roleArn: partnerRole.arn, region: 'us-east-1', code: 'ok' },
    ]);
    expect(scene.aws.calls[1]).not.toHaveProperty('policy');
    expect(scene.aws.calls.map((call) => 'externalId' in call)).toStrictEqual([
      false,
      'externalId' in sent,
      false,
    ]);
  });

  test.each([
    ['none', ''],
    ['another', 'customer-8'],
  ])('whose trust policy asks for an external id is refused with %s', async (_what, externalId) => {
    trust({ externalId: 'customer-7' });
    const { reason, advice } = await failureOf(
      makeFetcher().fetch(privateSource(identityOf({ externalId }))),
    );
    expect(reason).toBe('denied');
    expect(advice).toContain('sts:ExternalId');
    expect(scene.aws.count({ action: 'AssumeRole', code: 'AccessDenied' })).toBe(1);
    expect(scene.aws.count({ service: 'ecr' })).toBe(0);
  });

  test('is shared by the namespaces of a profile, and by none where each has its own', async () => {
    trust({ tagSession: true });
    const fetcher = makeFetcher();
    const fetchFor = async (role: Partial<ProfileRole>) =>
      await Promise.all(
        ['team-a', 'team-b'].map((namespace) => fetcher.fetch(privateSource(identityOf(role, namespace)))),
      );
    await fetchFor({});
    expect(sessions()).toStrictEqual([{ sessionName: sharedName, tags: {}, code: 'ok' }]);
    await fetchFor({ perNamespace: true });
    expect(
      sessions()
        .map(({ sessionName = '' }) => sessionName)
        .toSorted(),
    ).toStrictEqual([sharedName, `${sharedName}-team-a`, `${sharedName}-team-b`]);
    const tokens = scene.aws.tokens.map(({ callerArn }) => callerArn.split('/').at(-1) ?? '').toSorted();
    expect(tokens).toStrictEqual([sharedName, sharedName, `${sharedName}-team-a`, `${sharedName}-team-b`]);
    expect(scene.aws.count({ action: 'AssumeRoleWithWebIdentity' })).toBe(1);
  });

  test('can be one for each namespace, by its name in the ARN', async () => {
    const arn = (name: string) => `arn:aws:iam::444455556666:role/${name}/pull`;
    trust({}, arn('team-a'));
    const fetchFor = (name: string) =>
      makeFetcher().fetch(privateSource(identityOf({ roleArn: arn('{namespace}') }, name)));
    await fetchFor('team-a');
    expect((await failureOf(fetchFor('team-b'))).reason).toBe('denied');
    expect(scene.aws.tokens.map(({ roleArn }) => roleArn)).toStrictEqual([arn('team-a')]);
  });

  test('can be based on keys as well', async () => {
    useEnvironment(scene.staticKeys);
    scene.aws.putRole({ ...partnerRole, trust: [{ principals: [staticKey.userArn] }] });
    await makeFetcher().fetch(privateSource({ ...byPartner, base: byKey }));
    expect(scene.aws.calls).toMatchObject([
      { action: 'AssumeRole', accessKey: 'static', sessionName: byPartner.sessionName },
      { service: 'ecr', accessKey: 'session', roleArn: partnerRole.arn },
    ]);
  });

  test('is asked for again by itself when its session is over, as is the identity under it', async () => {
    const fetcher = aheadFetcher();
    await fetcher.fetch(privateSource(byPartner));
    ahead = 11 * 60_000;
    await fetcher.fetch(privateSource(byPartner));
    expect(scene.aws.calls.map(({ action }) => action)).toStrictEqual([
      'AssumeRoleWithWebIdentity',
      'AssumeRole',
      'GetAuthorizationToken',
      'AssumeRoleWithWebIdentity',
      'AssumeRole',
      'GetAuthorizationToken',
    ]);
  });
});

describe('a role by the controller’s web identity', () => {
  const abroad = { ...partnerRole, trust: controllerRole.trust };
  const identity = () => identityOf({ via: 'webIdentity' });

  test('is in another account and takes one unsigned call, without the controller’s own role', async () => {
    scene.aws.putRole(abroad);
    const { password } = await makeFetcher().fetch(privateSource(identity()));
    expect(scene.aws.verdict(password.reveal())).toMatchObject({
      verdict: 'valid',
      token: { account: '444455556666', roleArn: abroad.arn },
    });
    expect(scene.aws.calls).toMatchObject([
      {
        action: 'AssumeRoleWithWebIdentity',
        roleArn: abroad.arn,
        sessionName: sharedName,
        durationSeconds: 900,
        accessKey: 'none',
        policyArns: [],
        code: 'ok',
      },
      { service: 'ecr', roleArn: abroad.arn, code: 'ok' },
    ]);
    expect(scene.aws.calls[0]).not.toHaveProperty('policy');
  });

  test('has the token file read anew when its session is over', async () => {
    scene.aws.putRole(abroad);
    const fetcher = aheadFetcher();
    await fetcher.fetch(privateSource(identity()));
    const other = await scene.issuer.sign({ namespace: 'other', serviceAccount: 'other' });
    await scene.writeToken(other);
    await fetcher.fetch(privateSource(identity(), 'us-east-1'));
    ahead = 11 * 60_000;
    const { advice } = await failureOf(fetcher.fetch(privateSource(identity())));
    expect(advice).toContain(`issuer ${issuerUrl}, subject system:serviceaccount:other:other`);
    expect(scene.aws.calls.map(({ code }) => code)).toStrictEqual(['ok', 'ok', 'ok', 'AccessDenied']);
  });

  test('does not share the session of the controller’s own role, nor the other way round', async () => {
    scene.aws.putRole(abroad);
    const fetcher = makeFetcher();
    const identities = [byWebIdentity, identity(), identityOf({ via: 'webIdentity', perNamespace: true })];
    await Promise.all(identities.map((each) => fetcher.fetch(privateSource(each))));
    expect(scene.aws.count({ action: 'AssumeRoleWithWebIdentity', roleArn: abroad.arn })).toBe(2);
    const tokens = scene.aws.tokens.map(({ callerArn }) => callerArn.split('role/')[1] ?? '').toSorted();
    expect(tokens).toStrictEqual([
      `controller/${byWebIdentity.sessionName}`,
      `partner-pull/${sharedName}`,
      `partner-pull/${sharedName}-team-a`,
    ]);
  });
});
