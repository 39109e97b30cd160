// Amazon ECR of the fake AWS: GetAuthorizationToken in the JSON 1.1 protocol, and how ECR renders errors. Called by
// fake-aws once the caller is known. The region is the one the request was signed for.
import type { Answer } from './answer.ts';
import { AwsError } from './aws-error.ts';
import type { EffectiveBehaviour } from './behaviour.ts';
import type { Caller } from './credential-store.ts';
import type { TokenStore } from './token-store.ts';

/** The life of a token that AWS documents. */
const twelveHours = 12 * 3600;

const contentType = 'application/x-amz-json-1.1';

/** What GetAuthorizationToken needs. */
export interface EcrCall {
  readonly action: string;
  readonly caller: Caller;
  readonly region: string;
  /** Ms since the epoch. */
  readonly now: number;
  readonly behaviour: EffectiveBehaviour;
}

/** Answers an ECR request. @throws AwsError for an action that we do not play */
export function answerEcr(call: EcrCall, tokens: TokenStore): Answer {
  if (call.action !== 'GetAuthorizationToken') {
    throw new AwsError(400, 'UnknownOperationException', `The fake AWS does not know ecr:${call.action}`);
  }
  return { status: 200, contentType, body: JSON.stringify(authorization(call, tokens)) };
}

/** Renders a failure as ECR does. */
export function renderEcrError({ status, code, message }: AwsError): Answer {
  return { status, contentType, body: JSON.stringify({ __type: code, message }) };
}

function authorization({ caller, region, now, behaviour }: EcrCall, tokens: TokenStore): object {
  const { answer, lifeSeconds = twelveHours } = behaviour;
  if (answer === 'no-authorization-data') return {};
  if (answer === 'empty-authorization-data') return { authorizationData: [] };
  const { token, password } = tokens.issue({ caller, region, issuedAt: now, lifeSeconds });
  const whole = Buffer.from(`AWS:${password}`).toString('base64');
  return {
    authorizationData: [
      {
        ...(answer === 'no-token' ? {} : { authorizationToken: answer === 'garbage-token' ? '%%%' : whole }),
        // A fraction of a second, as AWS sends it.
        ...(answer === 'no-expiry' ? {} : { expiresAt: token.expiresAt / 1000 }),
        proxyEndpoint: proxyEndpoint(caller.account, region),
      },
    ],
  };
}

function proxyEndpoint(account: string, region: string): string {
  return `https://${account}.dkr.ecr.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}
