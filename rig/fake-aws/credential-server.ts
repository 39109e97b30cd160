// A loopback server that hands out AWS credentials to whoever is on the machine: what the EKS Pod Identity agent and the
// instance metadata service have in common. Used by pod-identity-agent and instance-metadata. Keeps no credentials.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { closeServer, listenOnLoopback } from './loopback.ts';

/** An HTTP answer. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What happens instead of an answer: this one, none for ever, or a cut connection. */
export type ServerFailure = Reply | 'hang' | 'drop';

/** One request; `status` is absent while it hangs and when the connection was cut. */
export interface ServerCall {
  readonly method: string;
  readonly path: string;
  readonly status?: number;
}

/** A running server. */
export interface CredentialServer {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Every request so far. */
  readonly calls: readonly ServerCall[];
  /** Makes every request fail. @returns how to undo it; what hangs goes on then */
  fail(failure: ServerFailure): () => void;
  close(): Promise<void>;
}

/** Starts one. @param answer what it says when nothing is to fail; when it throws, the connection is cut */
export async function startCredentialServer(answer: Answering): Promise<CredentialServer> {
  const calls: LiveCall[] = [];
  const failures: Failing[] = [];
  const server = createServer((request, response) => {
    const call: LiveCall = { method: request.method ?? '', path: request.url ?? '' };
    calls.push(call);
    serve({ request, response, call, failures, answer }).catch(() => response.destroy());
  });
  const port = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}`,
    get calls() {
      return calls.map((call) => ({ ...call }));
    },
    fail: (failure) => {
      const failing = { failure, undone: Promise.withResolvers<void>() };
      failures.push(failing);
      return () => {
        failures.splice(0, failures.length, ...failures.filter((other) => other !== failing));
        failing.undone.resolve();
      };
    },
    close: () => closeServer(server),
  };
}

type Answering = (request: IncomingMessage) => Reply | Promise<Reply>;

type LiveCall = { -readonly [Name in keyof ServerCall]: ServerCall[Name] };

interface Failing {
  readonly failure: ServerFailure;
  readonly undone: PromiseWithResolvers<void>;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly call: LiveCall;
  /** The newest last; it may change while a request hangs. */
  readonly failures: readonly Failing[];
  readonly answer: Answering;
}

async function serve({ request, response, call, failures, answer }: Exchange): Promise<void> {
  request.resume();
  const failure = await failureOf(response, failures);
  if (failure === 'drop') {
    response.destroy();
    return;
  }
  const { status, headers, body } = failure ?? (await answer(request));
  call.status = status;
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
}

/** Waits for as long as there is to hang. */
async function failureOf(
  response: ServerResponse,
  failures: readonly Failing[],
): Promise<Exclude<ServerFailure, 'hang'> | undefined> {
  const gone = new Promise<void>((resolve) => void response.once('close', () => resolve()));
  for (;;) {
    const current = failures.at(-1);
    if (current?.failure !== 'hang') return current?.failure;
    await Promise.race([current.undone.promise, gone]);
    if (response.destroyed) return 'drop';
  }
}

/** An answer in plain words, as Go's `http.Error` writes it. */
export function plainReply(status: number, text: string): Reply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${text}\n` };
}

/** An answer in JSON. */
export function jsonReply(value: object): Reply {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}
