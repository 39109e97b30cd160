// A fake AWS for demo and tests: STS, ECR and ECR Public on one loopback port, in the wire formats of the AWS SDK v3,
// with AWS's literal errors. Point `AWS_ENDPOINT_URL` at its `url`. It plays the services that the controller calls; it
// must never be reached from outside this machine.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './answer.ts';
import { authenticate } from './authenticate.ts';
import { AwsError, serviceError } from './aws-error.ts';
import { type AwsRequest, readAwsRequest } from './aws-request.ts';
import { type Behaviour, BehaviourRules, type EffectiveBehaviour, type SlowBody } from './behaviour.ts';
import { CallLog, type CallMatch, type CallRecord, type OpenCall, type RuleMatch } from './call-log.ts';
import { type AccessKey, type Caller, CredentialStore, type Session } from './credential-store.ts';
import { answerEcr, deniedEcr, renderEcrError } from './ecr.ts';
import { closeServer, listenOnLoopback } from './loopback.ts';
import { type FakeRole, RoleStore } from './role-store.ts';
import { send } from './send.ts';
import { answerSts, deniedSts, isSigned, renderStsError } from './sts.ts';
import { type IssuedToken, TokenStore, type TokenVerdict } from './token-store.ts';
import { type FakeIssuer, type HiddenKeys, WebIdentityVerifier } from './web-identity.ts';

/** What exists in the fake AWS when it starts. */
export interface FakeAwsOptions {
  readonly issuers?: readonly FakeIssuer[];
  readonly roles?: readonly FakeRole[];
  readonly accessKeys?: readonly AccessKey[];
  /** Ms since the epoch; also judges the date of signatures. Default Date.now. */
  readonly clock?: () => number;
}

/** A running fake AWS. */
export interface FakeAws {
  /** `http://127.0.0.1:<port>`, for AWS_ENDPOINT_URL. */
  readonly url: string;
  /** Every call so far; a record changes until its call has ended. */
  readonly calls: readonly CallRecord[];
  /** The most calls that were under way at once. */
  readonly peakConcurrency: number;
  /** Every ECR token issued so far. */
  readonly tokens: readonly IssuedToken[];
  /** How many calls agree with the match. */
  count(match?: CallMatch): number;
  /** Makes matching calls meet something; of each setting the newest matching rule counts. @returns how to undo it */
  behave(match: RuleMatch, behaviour: Behaviour): () => void;
  /** Adds a role, or replaces the one of its ARN; it counts after `delayMs`, as changes of IAM take a while. */
  putRole(role: FakeRole, delayMs?: number): void;
  /**
   * Keeps AWS from getting the key set of an issuer, and forgets the one it has: no token of it is good until then.
   * @returns how to undo it
   */
  hideKeys(issuer: string, how?: HiddenKeys): () => void;
  /**
   * A session that no call to STS asked for: an agent on the machine got it. The role need not exist.
   * @param tags its session tags, all of them transitive
   */
  issueSession(
    roleArn: string,
    sessionName: string,
    seconds: number,
    tags?: Readonly<Record<string, string>>,
  ): Session;
  /** What a registry makes of a password. @param now ms since the epoch, default the clock's */
  verdict(password: string, now?: number): TokenVerdict;
  /** Cuts every connection and ends. */
  close(): Promise<void>;
}

/** Starts a fake AWS on a free loopback port. */
export async function startFakeAws(options: FakeAwsOptions = {}): Promise<FakeAws> {
  const { issuers = [], roles: initialRoles = [], accessKeys = [], clock = Date.now } = options;
  const log = new CallLog(clock);
  const rules = new BehaviourRules(clock);
  const tokens = new TokenStore();
  const roles = new RoleStore(initialRoles, clock);
  const credentials = new CredentialStore(accessKeys);
  const webIdentities = new WebIdentityVerifier({ issuers, clock });
  const parts: Parts = { log, rules, tokens, roles, credentials, webIdentities, clock };
  const server = createServer((request, response) => {
    // Whatever goes wrong in here concerns one connection, never the process of the test.
    serve(request, response, parts).catch(() => response.destroy());
  });
  const port = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}`,
    get calls() {
      return log.calls;
    },
    get peakConcurrency() {
      return log.peak;
    },
    get tokens() {
      return tokens.issued;
    },
    count: (match) => log.count(match),
    behave: (match, behaviour) => rules.add(match, behaviour),
    putRole: (role, delayMs) => roles.put(role, delayMs),
    hideKeys: (issuer, how = 'unreachable') => webIdentities.hideKeys(issuer, how),
    verdict: (password, now = clock()) => tokens.verdict(password, now),
    issueSession: (roleArn, sessionName, seconds, tags = {}) =>
      credentials.issue({
        roleArn,
        sessionName,
        expiresAt: Math.floor(clock() / 1000 + seconds) * 1000,
        transitiveTags: new Map(Object.entries(tags)),
        sessionPolicy: undefined,
      }),
    close: () => closeServer(server),
  };
}

interface Parts {
  readonly log: CallLog;
  readonly rules: BehaviourRules;
  readonly tokens: TokenStore;
  readonly roles: RoleStore;
  readonly credentials: CredentialStore;
  readonly webIdentities: WebIdentityVerifier;
  readonly clock: () => number;
}

async function serve(http: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const left = new AbortController();
  response.once('close', () => left.abort());
  const body = await buffer(http).catch(() => undefined);
  if (body === undefined) return;
  const { method = '', url = '', headers } = http;
  const request = readAwsRequest({ method, url, headers, body });
  if (request === undefined) {
    response.writeHead(404).end('The fake AWS plays STS, ECR and ECR Public only.\n');
    return;
  }
  const call = parts.log.begin(request);
  left.signal.addEventListener('abort', () => call.end('client-left'));
  const outcome = await play({ request, call, parts, left: left.signal });
  if (left.signal.aborted) return;
  if (outcome === 'drop') {
    call.end('dropped');
    response.destroy();
    return;
  }
  const { answer, code, slow } = outcome;
  const delivery = { now: parts.clock(), slow, left: left.signal };
  // A client that reads the answer finds the call ended; one that waits for the rest of a slow one does not.
  if (slow === undefined) call.end(code, answer.status);
  await send(response, answer, delivery);
  call.end(code, answer.status);
}

interface Scene {
  readonly request: AwsRequest;
  readonly call: OpenCall;
  readonly parts: Parts;
  /** Aborts when the client is gone. */
  readonly left: AbortSignal;
}

/** What a call comes to: an answer and its code in the log, or a cut connection. */
type Ending =
  'drop' | { readonly answer: Answer; readonly code: string; readonly slow: SlowBody | undefined };

/** Everything between a request and its answer. */
async function play(scene: Scene): Promise<Ending> {
  const { request, call, parts, left } = scene;
  const render = request.service === 'sts' ? renderStsError : renderEcrError;
  const caller = identify(scene);
  const behaviour = parts.rules.for(call.record);
  await wait(behaviour, left);
  if (behaviour.drop === true) return 'drop';
  const { body: slow } = behaviour;
  try {
    if (caller instanceof AwsError) throw caller;
    const answer = await answerOf(scene, caller, behaviour);
    return { answer: behaviour.answer === 'not-json' ? notJson : answer, code: 'ok', slow };
  } catch (error) {
    const failure = error instanceof AwsError ? error : new AwsError(500, 'InternalFailure', String(error));
    return { answer: render(failure), code: failure.code, slow };
  }
}

const notJson: Answer = { status: 200, contentType: 'text/html', body: '<html><body>Welcome</body></html>' };

function identify({ request, call, parts }: Scene): Caller | AwsError | undefined {
  if (request.service === 'sts' && !isSigned(request.action)) return undefined;
  try {
    const caller = authenticate(request, parts.credentials, parts.clock());
    call.signedBy(caller);
    return caller;
  } catch (error) {
    if (error instanceof AwsError) return error;
    throw error;
  }
}

async function wait({ holds, delayMs }: EffectiveBehaviour, left: AbortSignal): Promise<void> {
  const gone = Promise.withResolvers<void>();
  left.addEventListener('abort', () => gone.resolve(), { once: true });
  await Promise.race([Promise.all(holds), gone.promise]);
  if (delayMs !== undefined && !left.aborted) {
    await sleep(delayMs, undefined, { signal: left }).catch(() => undefined);
  }
}

async function answerOf(
  { request, call, parts }: Scene,
  caller: Caller | undefined,
  behaviour: EffectiveBehaviour,
): Promise<Answer> {
  const { service, action, form } = request;
  const { fail, limit } = behaviour;
  if (limit?.admits() === false) throw serviceError('throttle', service);
  if (typeof fail === 'object') throw new AwsError(fail.status, fail.code, fail.message);
  if (fail !== undefined && fail !== 'deny') throw serviceError(fail, service);
  if (service === 'sts') {
    const stsCall = { action, form, caller };
    if (fail === 'deny') throw deniedSts(stsCall);
    return await answerSts(stsCall, parts);
  }
  if (caller === undefined) throw new Error('an ECR call without caller');
  const region = call.record.region ?? '';
  const ecrCall = { service, action, caller, region, now: parts.clock(), behaviour };
  if (fail === 'deny') throw deniedEcr(ecrCall);
  return answerEcr(ecrCall, parts);
}
