// The two ECRs of the fake AWS: GetAuthorizationToken in the JSON 1.1 protocol, and how they render errors. Called by
// fake-aws once the caller is known. The region is the one the request was signed for.
import type { Answer } from './answer.ts';
import { AwsError, ecrDenied, unsupportedCommand } from './aws-error.ts';
import type { EcrService } from './aws-request.ts';
import type { EffectiveBehaviour } from './behaviour.ts';
import type { Caller } from './credential-store.ts';
import { suffixOf } from './partition.ts';
import { policyInTheWay } from './policy.ts';
import type { RoleStore } from './role-store.ts';
import type { TokenStore } from './token-store.ts';

/** The life of a token that AWS documents. */
const twelveHours = 12 * 3600;

const contentType = 'application/x-amz-json-1.1';

/** What both work with. */
export interface EcrParts {
  readonly roles: RoleStore;
  readonly tokens: TokenStore;
}

/** One request. */
export interface EcrCall {
  readonly service: EcrService;
  readonly action: string;
  readonly caller: Caller;
  readonly region: string;
  /** Ms since the epoch. */
  readonly now: number;
  readonly behaviour: EffectiveBehaviour;
}

/** What the two differ in. */
interface Variant {
  /** The permissions that a token takes, all of them. */
  readonly permissions: readonly string[];
  /** The only region that has it; absent: every one. */
  readonly onlyIn?: string;
  /** `authorizationData` without anything in it. */
  readonly empty: unknown;
  /** `authorizationData` with these fields of a token in it. */
  wrap(token: object, call: EcrCall): unknown;
}

const variants: Readonly<Record<EcrService, Variant>> = {
  ecr: {
    permissions: ['ecr:GetAuthorizationToken'],
    empty: [],
    wrap: (token, { caller, region }) => [{ ...token, proxyEndpoint: proxyEndpoint(caller.account, region) }],
  },
  'ecr-public': {
    permissions: ['ecr-public:GetAuthorizationToken', 'sts:GetServiceBearerToken'],
    onlyIn: 'us-east-1',
    empty: {},
    wrap: (token) => token,
  },
};

/** Answers a request to either ECR. @throws AwsError */
export function answerEcr(call: EcrCall, { roles, tokens }: EcrParts): Answer {
  const { service, action, region } = call;
  if (action !== 'GetAuthorizationToken') {
    throw new AwsError(400, 'UnknownOperationException', `The fake AWS does not know ${service}:${action}`);
  }
  const { onlyIn = region } = variants[service];
  if (region !== onlyIn) throw unsupportedCommand(action, onlyIn);
  checkPermissions(call, roles);
  return { status: 200, contentType, body: JSON.stringify(authorization(call, tokens)) };
}

/** Renders a failure as both ECRs do. */
export function renderEcrError({ status, code, message }: AwsError): Answer {
  return { status, contentType, body: JSON.stringify({ __type: code, message }) };
}

/** The refusal of an action, whatever the cause. */
export function deniedEcr({ service, action, caller }: EcrCall): AwsError {
  return ecrDenied(caller.arn, `${service}:${action}`, 'identity-based');
}

function checkPermissions({ service, caller }: EcrCall, roles: RoleStore): void {
  for (const action of variants[service].permissions) {
    const kind = policyInTheWay(caller, { action }, roles);
    if (kind !== undefined) throw ecrDenied(caller.arn, action, kind);
  }
}

function authorization(call: EcrCall, tokens: TokenStore): object {
  const { service, caller, region, now, behaviour } = call;
  const { answer, lifeSeconds = twelveHours } = behaviour;
  if (answer === 'no-authorization-data') return {};
  if (answer === 'empty-authorization-data') return { authorizationData: variants[service].empty };
  const { token, password } = tokens.issue({ service, caller, region, issuedAt: now, lifeSeconds });
  const whole = Buffer.from(`AWS:${password}`).toString('base64');
  const fields = {
    ...(answer === 'no-token' ? {} : { authorizationToken: answer === 'garbage-token' ? '%%%' : whole }),
    // A fraction of a second, as AWS sends it.
    ...(answer === 'no-expiry' ? {} : { expiresAt: token.expiresAt / 1000 }),
  };
  return { authorizationData: variants[service].wrap(fields, call) };
}

function proxyEndpoint(account: string, region: string): string {
  return `https://${account}.dkr.ecr.${region}.${suffixOf(region)}`;
}
