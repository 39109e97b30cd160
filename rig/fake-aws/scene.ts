// A small world in the fake AWS that most tests want: one OIDC issuer, a role that trusts the controller's ServiceAccount,
// a role of another account that trusts that role, a user with a static key, and the controller's token file. Used by the
// adapter tests. Whatever a test wants differently it changes through `aws`.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FakeAws, startFakeAws } from './fake-aws.ts';
import type { FakeRole } from './role-store.ts';
import { sdkEnvironment } from './sdk-environment.ts';
import { makeServiceAccountIssuer, type ServiceAccountIssuer } from './service-account-issuer.ts';

/** The issuer that the fake AWS knows. */
export const issuerUrl = 'https://issuer.example.com/cluster';

/** The controller's ServiceAccount. */
export const controller = { namespace: 'ecr-pull-secrets', serviceAccount: 'ecr-pull-secrets' } as const;

/** The role that the controller gets by its web identity; with a path, which AWS drops from session ARNs. */
export const controllerRole: FakeRole = {
  arn: 'arn:aws:iam::111122223333:role/cluster/controller',
  trust: [
    {
      subjects: [`system:serviceaccount:${controller.namespace}:${controller.serviceAccount}`],
      audience: 'sts.amazonaws.com',
      issuer: issuerUrl,
    },
  ],
};

/** A role of another account, for chaining. */
export const partnerRole: FakeRole = {
  arn: 'arn:aws:iam::444455556666:role/partner-pull',
  trust: [{ principals: [controllerRole.arn] }],
};

/** A user with a static key; the secret is what AWS's documentation uses as example. */
export const staticKey = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  userArn: 'arn:aws:iam::111122223333:user/refresher',
} as const;

/** The running world. */
export interface Scene extends AsyncDisposable {
  readonly aws: FakeAws;
  readonly issuer: ServiceAccountIssuer;
  readonly tokenFile: string;
  /** Replaces the content of the token file, as the kubelet does when it renews it. */
  writeToken(text: string): Promise<void>;
  /** The environment of a controller with this web identity; undefined: the variable must be unset. */
  readonly webIdentity: Readonly<Record<string, string | undefined>>;
  /** The same with the static key instead. */
  readonly staticKeys: Readonly<Record<string, string | undefined>>;
}

/** Starts it, with a valid token in the file. @param clock ms since the epoch, of the fake AWS */
export async function startScene(clock: () => number = Date.now): Promise<Scene> {
  const issuer = await makeServiceAccountIssuer(issuerUrl, clock);
  const aws = await startFakeAws({
    issuers: [issuer.provider],
    roles: [controllerRole, partnerRole],
    accessKeys: [staticKey],
    clock,
  });
  const folder = await mkdtemp(join(tmpdir(), 'fake-aws-'));
  const tokenFile = join(folder, 'token');
  const writeToken = (text: string) => writeFile(tokenFile, text);
  await writeToken(await issuer.sign(controller));
  return {
    aws,
    issuer,
    tokenFile,
    writeToken,
    webIdentity: sdkEnvironment(aws.url, {
      AWS_ROLE_ARN: controllerRole.arn,
      AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
    }),
    staticKeys: sdkEnvironment(aws.url, {
      AWS_ACCESS_KEY_ID: staticKey.accessKeyId,
      AWS_SECRET_ACCESS_KEY: staticKey.secretAccessKey,
    }),
    [Symbol.asyncDispose]: async () => {
      await aws.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
