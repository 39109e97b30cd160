// Identity → AWS credentials: a session by the SDK's default chain, or a role assumed with it. Called by the fetchers.
// A session is shared by calls that need it at about the same time and dropped before it ends; what lives long is the
// token. One row of `exchanges` for each kind of identity.
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { DefaultIdentity, Identity, RoleIdentity } from '../domain/identity.ts';
import { identityHash } from '../domain/identity.ts';
import { partitionOf } from '../domain/registry.ts';
import { FetchFailure } from '../domain/errors.ts';
import { type ClientProps, clientSettings } from './client-settings.ts';
import { asFetchFailure, principal } from './errors.ts';

/** Credentials as the SDK's clients take them. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

interface Exchange<Kind> {
  readonly identity: Kind;
  /** The STS region. */
  readonly region: string;
  readonly signal: AbortSignal;
  readonly sessions: Sessions;
}

/** STS's shortest session, in s: it is used for one call. */
const sessionSeconds = 900;

/** A session is used until this long before its end, in ms. */
const margin = 5 * 60_000;

interface SessionsProps extends ClientProps {
  readonly now: () => number;
  /** AWS_REGION; undefined when not set. */
  readonly region: string | undefined;
}

interface Held {
  readonly credentials: Promise<AwsCredentials>;
  /** ms since the epoch; Infinity while under way. */
  usableUntil: number;
}

/** The sessions in use. */
export class Sessions {
  readonly props: SessionsProps;
  readonly #held = new Map<string, Held>();

  constructor(props: SessionsProps) {
    this.props = props;
  }

  /**
   * Credentials of the identity for a call in `region`: those held, or new ones, made once for all who ask meanwhile.
   * @throws FetchFailure
   */
  async get(identity: Identity, region: string, signal: AbortSignal): Promise<AwsCredentials> {
    const stsRegion = this.#stsRegion(region);
    const key = `${identityHash(identity)}/${stsRegion}`;
    const held = this.#held.get(key);
    if (held !== undefined && this.props.now() < held.usableUntil) return held.credentials;
    const fresh: Held = {
      credentials: exchange({ identity, region: stsRegion, signal, sessions: this }),
      usableUntil: Infinity,
    };
    this.#held.set(key, fresh);
    try {
      const { expiration } = await fresh.credentials;
      // Without an expiry they are static keys, or from a source that renews them: asked for each time.
      fresh.usableUntil = expiration === undefined ? 0 : expiration.getTime() - margin;
    } catch {
      // A drop may have made room for a newer one meanwhile.
      if (this.#held.get(key) === fresh) this.#held.delete(key);
    }
    return fresh.credentials;
  }

  /** Forgets what is held for the identity: AWS did not accept it. */
  drop(identity: Identity, region: string): void {
    this.#held.delete(`${identityHash(identity)}/${this.#stsRegion(region)}`);
  }

  /** STS in AWS_REGION where that is of the registry's partition, else in the registry's own region. */
  #stsRegion(region: string): string {
    const own = this.props.region;
    return own !== undefined && partitionOf(own) === partitionOf(region) ? own : region;
  }
}

function exchange({ identity, ...rest }: Exchange<Identity>): Promise<AwsCredentials> {
  switch (identity.kind) {
    case 'default':
      return byDefaultChain({ identity, ...rest });
    case 'role':
      return byChaining({ identity, ...rest });
  }
}

async function byDefaultChain({
  identity,
  region,
  signal,
  sessions,
}: Exchange<DefaultIdentity>): Promise<AwsCredentials> {
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  const settings = clientSettings(region, sessions.props);
  // The STS client of the chain is out of reach: with agents of our own its connections end with the exchange.
  const agents = { httpAgent: new HttpAgent(), httpsAgent: new HttpsAgent() };
  const provider = fromNodeProviderChain({
    clientConfig: { ...settings, requestHandler: { ...settings.requestHandler, ...agents } },
    roleSessionName: identity.sessionName,
    durationSeconds: sessionSeconds,
  });
  try {
    return await withDeadline(provider(), signal, `credentials by the default chain in ${region}`);
  } finally {
    agents.httpAgent.destroy();
    agents.httpsAgent.destroy();
  }
}

async function byChaining({
  identity,
  region,
  signal,
  sessions,
}: Exchange<RoleIdentity>): Promise<AwsCredentials> {
  const base = await sessions.get(identity.base, region, signal);
  const { AssumeRoleCommand, STSClient } = await import('@aws-sdk/client-sts');
  const client = new STSClient({ ...clientSettings(region, sessions.props), credentials: base });
  const step = `sts AssumeRole in ${region}`;
  try {
    const command = new AssumeRoleCommand({
      RoleArn: identity.roleArn,
      RoleSessionName: identity.sessionName,
      DurationSeconds: sessionSeconds,
    });
    const { Credentials } = await client.send(command, { abortSignal: signal });
    return checked(Credentials, step);
  } catch (error) {
    throw asFetchFailure(error, step, { AccessDenied: principal });
  } finally {
    client.destroy();
  }
}

interface StsCredentials {
  readonly AccessKeyId?: string | undefined;
  readonly SecretAccessKey?: string | undefined;
  readonly SessionToken?: string | undefined;
  readonly Expiration?: Date | undefined;
}

/** Every field of the answer is optional to the SDK; without all of them it is none. */
function checked(answer: StsCredentials | undefined, step: string): AwsCredentials {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration) {
    throw new FetchFailure(
      'invalid-answer',
      `${step}: no credentials in the answer`,
      'STS answered without credentials: check proxy and endpoint overrides',
    );
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    expiration: Expiration,
  };
}

/** The chain takes no signal, and a credential process or a metadata service may hang. */
async function withDeadline(
  credentials: Promise<AwsCredentials>,
  signal: AbortSignal,
  step: string,
): Promise<AwsCredentials> {
  const late = Promise.withResolvers<never>();
  const onAbort = () => late.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  // It may have aborted while the SDK was loaded: then there is no event any more.
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([credentials, late.promise]);
  } catch (error) {
    throw asFetchFailure(error, step);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
