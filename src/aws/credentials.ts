// Identity → AWS credentials: one row of `exchanges` for each kind of identity. Called by the fetchers. A session is shared
// by calls that need it at about the same time and dropped before it ends; what lives long is the token.
import type { ServiceAccountTokens } from '../controller/ports.ts';
import { type Identity, identityHash, sessionPolicy } from '../domain/identity.ts';
import { partitionOf } from '../domain/registry.ts';
import type { ClientProps } from './client-settings.ts';
import { byDefaultChain } from './default-chain.ts';
import { asFetchFailure } from './errors.ts';
import { type AwsCredentials, type StsCall, assumeRole, assumeRoleWithWebIdentity } from './sts.ts';
import { readWebIdentity } from './web-identity-file.ts';

/** A session is used until this long before its end, in ms. */
const margin = 5 * 60_000;

interface SessionsProps extends ClientProps {
  readonly now: () => number;
  readonly serviceAccountTokens: ServiceAccountTokens;
}

type Exchange<Kind extends Identity['kind']> = (
  identity: Extract<Identity, { kind: Kind }>,
  call: StsCall,
  sessions: Sessions,
) => Promise<AwsCredentials>;

const exchanges: { readonly [Kind in Identity['kind']]: Exchange<Kind> } = {
  default: byDefaultChain,
  chain: async (identity, call, sessions) => {
    const credentials = await sessions.get(identity.base, call.region, call.signal);
    return assumeRole(identity, { ...call, credentials });
  },
  webIdentity: async (identity, call) => {
    const token = await readWebIdentity(call.environment).catch((error: unknown) => {
      throw asFetchFailure(error, { action: 'AssumeRoleWithWebIdentity', region: call.region });
    });
    return assumeRoleWithWebIdentity({ ...identity, token }, call);
  },
  namespace: async (identity, call, { props }) => {
    const token = await props.serviceAccountTokens.request(identity);
    return assumeRoleWithWebIdentity({ ...identity, token, policy: sessionPolicy(identity) }, call);
  },
};

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
    this.#sweep();
    const { settings, userAgent, environment } = this.props;
    const stsRegion = this.#stsRegion(region);
    const key = `${identityHash(identity)}/${stsRegion}`;
    const held = this.#held.get(key);
    if (held !== undefined) return held.credentials;
    // The kind of the identity and of its row are the same, which TypeScript cannot see.
    const exchange = exchanges[identity.kind] as Exchange<Identity['kind']>;
    const call = { region: stsRegion, signal, settings, userAgent, environment };
    const fresh: Held = { credentials: exchange(identity, call, this), usableUntil: Infinity };
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

  /** Sessions that are over are not kept: there may be one for each namespace. */
  #sweep(): void {
    const now = this.props.now();
    for (const [key, { usableUntil }] of this.#held) if (usableUntil <= now) this.#held.delete(key);
  }

  /** STS in AWS_REGION where that is of the registry's partition, else in the registry's own region. */
  #stsRegion(region: string): string {
    const own = this.props.environment['AWS_REGION'];
    return own !== undefined && partitionOf(own) === partitionOf(region) ? own : region;
  }
}
