// What the fake AWS was asked, call by call, and what it answered: the state of the world that tests assert. Filled by
// fake-aws. Holds no secret key, session token or JWT.
import type { AwsRequest, AwsService } from './aws-request.ts';
import { formList, headerOf } from './aws-request.ts';
import { readSignature } from './sigv4.ts';

/** One call. `endedAt`, `status` and `code` are absent while it is under way. */
export interface CallRecord {
  readonly service: AwsService;
  readonly action: string;
  /** The Host header: the endpoint that the client meant, also where a proxy or an override led elsewhere. */
  readonly host: string;
  /** Of the credential scope; absent for unsigned calls (AssumeRoleWithWebIdentity). */
  readonly region?: string;
  /** STS: the role that is asked for; ECR: the role of the caller, absent for a static or unknown key. */
  readonly roleArn?: string;
  /** STS: the session name asked for; ECR: of the caller's session. */
  readonly sessionName?: string;
  readonly sourceIdentity?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly transitiveTagKeys: readonly string[];
  readonly externalId?: string;
  /** The inline session policy, as sent. */
  readonly policy?: string;
  /** The managed session policies. */
  readonly policyArns: readonly string[];
  readonly durationSeconds?: number;
  /** By the prefix of the access key id: AKIA or ASIA. */
  readonly accessKey: 'none' | 'static' | 'session';
  readonly userAgent: string;
  /** Ms since the epoch. */
  readonly startedAt: number;
  /** Ms since the epoch. */
  readonly endedAt?: number;
  readonly status?: number;
  /** `ok`, AWS's error code, `dropped` (by us), or `client-left` (before all of the answer was written). */
  readonly code?: string;
}

/** Which calls: those that agree in every field given. */
export interface CallMatch {
  readonly service?: AwsService;
  readonly action?: string;
  readonly region?: string;
  readonly roleArn?: string;
  readonly code?: string;
}

/** Which calls a rule concerns: how they will end is not known yet. */
export type RuleMatch = Omit<CallMatch, 'code'>;

/** The fields of a call that a rule can look at before it is answered. */
export type MatchedCall = Pick<CallRecord, 'service' | 'action' | 'region' | 'roleArn'>;

/** Whether a call agrees with every field of the match. */
export function matches(match: CallMatch, call: MatchedCall): boolean {
  return Object.entries(match).every(([name, value]) => Reflect.get(call, name) === value);
}

/** A call under way. */
export interface OpenCall {
  /** As of now; live, it shows the end as soon as there is one. */
  readonly record: CallRecord;
  /** Says who made it, once that is known. */
  signedBy(caller: { readonly roleArn?: string; readonly sessionName?: string }): void;
  /** Says how it ended; only the first time counts. */
  end(code: string, status?: number): void;
}

/** All calls, and how many were under way at once. */
export class CallLog {
  readonly #calls: CallRecord[] = [];
  readonly #clock: () => number;
  #open = 0;
  #peak = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** In the order of their beginning. */
  get calls(): readonly CallRecord[] {
    return [...this.#calls];
  }

  /** The most calls that were ever under way at the same time. */
  get peak(): number {
    return this.#peak;
  }

  /** How many calls agree with the match; all when there is none. */
  count(match: CallMatch = {}): number {
    return this.#calls.filter((call) => matches(match, call)).length;
  }

  /** Opens the record of a call. */
  begin(request: AwsRequest): OpenCall {
    const record: { -readonly [Name in keyof CallRecord]: CallRecord[Name] } = {
      ...describe(request),
      startedAt: this.#clock(),
    };
    this.#calls.push(record);
    this.#open += 1;
    this.#peak = Math.max(this.#peak, this.#open);
    return {
      record,
      signedBy: ({ roleArn, sessionName }) => {
        if (record.service === 'sts') return;
        Object.assign(record, withoutAbsent({ roleArn, sessionName }));
      },
      end: (code, status) => {
        if (record.endedAt !== undefined) return;
        this.#open -= 1;
        Object.assign(record, withoutAbsent({ code, status, endedAt: this.#clock() }));
      },
    };
  }
}

function describe({ service, action, form, headers }: AwsRequest): Omit<CallRecord, 'startedAt'> {
  const signature = readSignature(headerOf(headers, 'authorization') ?? '');
  const tagValues = formList(form, 'Tags', '.Value');
  const duration = form.get('DurationSeconds');
  return {
    service,
    action,
    host: headers.host ?? '',
    tags: Object.fromEntries(
      formList(form, 'Tags', '.Key').map((key, index) => [key, tagValues[index] ?? '']),
    ),
    transitiveTagKeys: formList(form, 'TransitiveTagKeys'),
    policyArns: formList(form, 'PolicyArns', '.arn'),
    accessKey: accessKeyKind(signature?.accessKeyId),
    userAgent: headerOf(headers, 'user-agent') ?? '',
    ...withoutAbsent({
      region: signature?.region,
      roleArn: form.get('RoleArn'),
      sessionName: form.get('RoleSessionName'),
      sourceIdentity: form.get('SourceIdentity'),
      externalId: form.get('ExternalId'),
      policy: form.get('Policy'),
      durationSeconds: duration === null ? null : Number(duration),
    }),
  };
}

function accessKeyKind(accessKeyId: string | undefined): CallRecord['accessKey'] {
  if (accessKeyId === undefined) return 'none';
  return accessKeyId.startsWith('ASIA') ? 'session' : 'static';
}

type Present<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], null | undefined> };

function withoutAbsent<Fields extends object>(fields: Fields): Present<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries) as Present<Fields>;
}
