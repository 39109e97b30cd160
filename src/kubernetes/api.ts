// The API client: one request in, decoded JSON out, on one shared pool of connections. Implements the Api port for
// everything in kubernetes/. It knows HTTP and the Status object, not Secrets; it never retries but once after a 401.
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Api, ApiAnswer, ApiCall, Clock, WatchEvent } from '../controller/ports.ts';
import type { Connection } from './connection.ts';
import { ApiError, type ErrorCause, notSent } from './errors.ts';
import { jsonLines } from './json-lines.ts';

/** The longest one request may take, in ms; a watch may take as long until its first header. */
const requestTimeout = 30_000;

interface HttpApiProps {
  readonly connection: Connection;
  readonly clock: Pick<Clock, 'timeoutSignal'>;
  /** As the audit log of the cluster shows us. */
  readonly userAgent: string;
}

/** The Api port over HTTP. */
export class HttpApi implements Api {
  readonly #props: HttpApiProps;

  constructor(props: HttpApiProps) {
    this.#props = props;
  }

  async call(call: ApiCall): Promise<ApiAnswer> {
    const signal = this.#props.clock.timeoutSignal(requestTimeout);
    const answer = await this.#send(call, signal);
    try {
      return { status: answer.statusCode, body: await answer.body.json() };
    } catch (error) {
      throw noAnswer(call, error);
    }
  }

  async *watch(call: ApiCall, signal: AbortSignal): AsyncIterable<WatchEvent> {
    try {
      const answer = await this.#send(call, signal);
      for await (const line of jsonLines(answer.body)) yield line as WatchEvent;
    } catch (error) {
      if (signal.aborted) return;
      throw error instanceof ApiError ? error : noAnswer(call, error);
    }
  }

  async #send(call: ApiCall, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const first = await this.#request(call, signal, false);
    // A token may have been replaced since it was read: once more with a newly read one.
    const answer = first.statusCode === 401 ? await this.#again(call, signal, first) : first;
    if (answer.statusCode >= 300) throw await refusal(call, answer);
    return answer;
  }

  async #again(
    call: ApiCall,
    signal: AbortSignal,
    refused: Dispatcher.ResponseData,
  ): Promise<Dispatcher.ResponseData> {
    await refused.body.dump().catch(() => undefined);
    return this.#request(call, signal, true);
  }

  async #request(call: ApiCall, signal: AbortSignal, renew: boolean): Promise<Dispatcher.ResponseData> {
    const { connection, userAgent } = this.#props;
    try {
      const headers = await connection.headers(renew);
      const dispatcher = guarded(await connection.dispatcher(), call);
      return await dispatcher.request({
        origin: connection.origin,
        path: connection.prefix + call.path + queryOf(call),
        method: call.method,
        headers: {
          ...headers,
          'user-agent': userAgent,
          accept: accept[call.representation ?? 'full'],
          ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
        },
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal,
        headersTimeout: requestTimeout,
        // Between two pieces of a watch any time may pass; the reflector has a watchdog of its own.
        bodyTimeout: 0,
      });
    } catch (error) {
      throw error instanceof ApiError ? error : noAnswer(call, error);
    }
  }
}

/** Asks at the very moment before the first byte is sent: reading credentials and opening a connection take their time. */
function guarded(dispatcher: Dispatcher, call: ApiCall): Dispatcher {
  const { mayStart } = call;
  if (mayStart === undefined) return dispatcher;
  return dispatcher.compose((dispatch) => (options, handler) => {
    const start = handler.onRequestStart?.bind(handler);
    handler.onRequestStart = (controller, context) => {
      start?.(controller, context);
      if (!mayStart()) controller.abort(notSent(call));
    };
    return dispatch(options, handler);
  });
}

/**
 * What `Accept` says: with `metadata` the server leaves out spec, status and data. A list must be asked for as a list and
 * everything else as an object; asked for the wrong one, the server answers 406 (also to a write that it has made) or a
 * watch without events.
 */
const accept = {
  full: 'application/json',
  metadata: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  'metadata-list': 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
} as const;

const queryOf = ({ query }: ApiCall): string =>
  query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;

const nameOf = ({ method, path }: ApiCall): string => `${method} ${path}`;

function noAnswer(call: ApiCall, error: unknown): ApiError {
  const { code, name } = error as { code?: unknown; name?: unknown };
  const reason = typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown';
  return new ApiError(nameOf(call), {
    status: 0,
    reason: unreadable.has(reason) ? `${reason}, ${cure}` : reason,
  });
}

/** Of the file system, so before anything was sent. */
const unreadable: ReadonlySet<string> = new Set(['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR']);
const cure =
  "the credentials for the API server cannot be read: check the pod's ServiceAccount volume, or the files of the kubeconfig";

type Fields = Readonly<Record<string, unknown>>;

/** A proxy in between may answer with anything at all. */
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};

/** A word as Kubernetes' own reasons are; a webhook may write prose there, which may repeat what was sent. */
const wordOf = (value: unknown): string =>
  typeof value === 'string' && /^[A-Za-z]{1,64}$/.test(value) ? value : '';

/** The path of a field, such as `data[.dockerconfigjson]`. */
const pathOf = (value: unknown): string =>
  typeof value === 'string' && /^[\w.[\]/"'-]{1,200}$/.test(value) ? value : '';

/** Who denied a request, as the message of an admission or a quota says it; the only part of a message that is kept. */
const denial =
  /AdmissionPolicy '([a-z0-9.-]{1,253})'|admission webhook "([a-z0-9.-]{1,253})" denied|exceeded quota: ([a-z0-9.-]{1,253})/;

/** Reads what is safe to keep of a refusal; its message is not, since it may repeat what was sent. */
async function refusal(call: ApiCall, answer: Dispatcher.ResponseData): Promise<ApiError> {
  const { reason, details, message } = fieldsOf(await readStatus(answer.body));
  const { causes, retryAfterSeconds } = fieldsOf(details);
  const seconds = Number(answer.headers['retry-after'] ?? retryAfterSeconds);
  const [, policy, webhook, quota] = (typeof message === 'string' && denial.exec(message)) || [];
  return new ApiError(nameOf(call), {
    status: answer.statusCode,
    reason: wordOf(reason) || 'Unknown',
    causes: (Array.isArray(causes) ? causes : [])
      .map(fieldsOf)
      .map((cause): ErrorCause => ({ reason: wordOf(cause['reason']), field: pathOf(cause['field']) })),
    afterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined,
    deniedBy: quota === undefined ? (policy ?? webhook) : `ResourceQuota ${quota}`,
  });
}

async function readStatus(body: Readable & { json(): Promise<unknown> }): Promise<unknown> {
  try {
    return await body.json();
  } catch {
    return undefined;
  }
}
