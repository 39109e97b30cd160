// A registry for demo and tests: the reading half of the OCI distribution protocol over plain HTTP on a loopback port. It
// answers for every ECR host and repository with the same small image, and lets in only who ECR would. Writes nothing.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Refusal, refusalOf, type Verdict } from './admission.ts';
import { type Blob, type Image, makeImage } from './image.ts';

/** One try to pull: a GET of a manifest, which every pull makes once. */
export interface Pull {
  /** Ms since the epoch. */
  readonly at: number;
  /** The ECR host that was asked for. */
  readonly host: string;
  readonly repository: string;
  readonly status: number;
}

/** A running registry. */
export interface Registry {
  /** `http://127.0.0.1:<port>`; the ECR host goes into the Host header. */
  readonly url: string;
  /** In the order of their answers. */
  readonly pulls: readonly Pull[];
  /** Cuts every connection and ends. */
  close(): Promise<void>;
}

/** What a registry needs to know. */
export interface RegistryOptions {
  /** What to make of a password of user `AWS`. */
  readonly admits: (password: string) => Verdict;
  /** Ms since the epoch. Default Date.now. */
  readonly clock?: () => number;
}

/** Starts a registry on a free loopback port. */
export async function startRegistry({ admits, clock = Date.now }: RegistryOptions): Promise<Registry> {
  const image = makeImage();
  const pulls: Pull[] = [];
  const server = createServer((request, response) => {
    const host = hostOf(request);
    const asked = readPath(request.url ?? '');
    const answer = answerOf({ request, host, asked, image, admits });
    if (request.method === 'GET' && asked?.kind === 'manifests') {
      pulls.push({ at: clock(), host, repository: asked.repository, status: answer.status });
    }
    send(request, response, answer);
  });
  return {
    url: await listen(server),
    get pulls() {
      return [...pulls];
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

async function listen(server: Server): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

/** The Host header without a port. */
function hostOf({ headers }: IncomingMessage): string {
  return (headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
}

interface Asked {
  readonly kind: 'manifests' | 'blobs';
  readonly repository: string;
  /** A tag, or a digest. */
  readonly reference: string;
}

/** `/v2/<repository>/<kind>/<reference>`; the name may hold slashes. */
const path = /^\/v2\/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)\/(manifests|blobs)\/([\w.:+-]{1,200})$/;

function readPath(url: string): Asked | undefined {
  const [, repository = '', kind, reference = ''] = path.exec(url.replace(/\?.*$/, '')) ?? [];
  if (kind !== 'manifests' && kind !== 'blobs') return undefined;
  return { kind, repository, reference };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

interface Question {
  readonly request: IncomingMessage;
  readonly host: string;
  readonly asked: Asked | undefined;
  readonly image: Image;
  readonly admits: (password: string) => Verdict;
}

function answerOf({ request, host, asked, image, admits }: Question): Answer | Refusal {
  const refusal = refusalOf(request.headers, host, admits);
  if (refusal !== undefined) return refusal;
  if (request.method !== 'GET' && request.method !== 'HEAD') return failure(405, 'UNSUPPORTED');
  if (asked === undefined)
    return /^\/v2\/?$/.test(request.url ?? '') ? welcome : failure(404, 'NAME_UNKNOWN');
  const { kind, reference } = asked;
  if (kind === 'blobs') {
    const blob = image.blobs.find(({ digest }) => digest === reference);
    return blob === undefined ? failure(404, 'BLOB_UNKNOWN') : contentOf(blob);
  }
  const exists = !reference.includes(':') || reference === image.manifest.digest;
  return exists ? contentOf(image.manifest) : failure(404, 'MANIFEST_UNKNOWN');
}

const welcome: Answer = { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' };

function contentOf({ mediaType, digest, content }: Blob): Answer {
  return {
    status: 200,
    headers: { 'content-type': mediaType, 'docker-content-digest': digest },
    body: content,
  };
}

function failure(status: number, code: string): Answer {
  const body = JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] });
  return { status, headers: { 'content-type': 'application/json' }, body };
}

function send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Answer): void {
  // What is sent to us is of no interest, but must be read for the connection to go on.
  request.resume();
  response.writeHead(status, {
    'docker-distribution-api-version': 'registry/2.0',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
