// Pulls an image as a kubelet and its containerd do: login from the Secret, challenge, manifest, configuration, layers,
// every digest checked. Used by demo and tests, to see whether a Secret opens the registry. Stores nothing, and names no
// password in a message.
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { loginFor, UnreadableDockerConfig } from './docker-login.ts';
import { digestOf, manifestType } from './image.ts';

/** How long one request may take, ms. */
const patienceMs = 30_000;

/** What to pull, and with which Secret. */
export interface PullRequest {
  /** Where the registry listens. */
  readonly registryUrl: string;
  /** The ECR host of the image reference; it goes into the Host header. */
  readonly host: string;
  readonly repository: string;
  /** A tag, or a digest. */
  readonly tag: string;
  /** The content of `.dockerconfigjson`. */
  readonly dockerConfigJson: string;
}

/** What became of it. `status` is 0 where there was no answer, or one that cannot be trusted. */
export type PullResult =
  | { readonly ok: true; readonly digest: string; readonly bytes: number }
  | { readonly ok: false; readonly status: number; readonly message: string };

/** Pulls an image. Never throws. */
export async function pullImage(pull: PullRequest): Promise<PullResult> {
  try {
    const login = loginFor(pull.dockerConfigJson, pull.host);
    return await pullAll(pull, await authorize(pull, login));
  } catch (error) {
    return { ok: false, ...explain(error) };
  }
}

/** A step that did not succeed. */
class PullFailure extends Error {
  override readonly name = 'PullFailure';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function explain(error: unknown): { readonly status: number; readonly message: string } {
  if (error instanceof PullFailure) return { status: error.status, message: error.message };
  if (error instanceof UnreadableDockerConfig)
    return { status: 0, message: `.dockerconfigjson: ${error.message}` };
  const { code } = error as { readonly code?: unknown };
  return { status: 0, message: `no answer: ${typeof code === 'string' ? code : 'unknown error'}` };
}

/** Asks without a login first, as containerd does. @returns the Authorization header; undefined: nothing is asked for */
async function authorize(pull: PullRequest, login: string | undefined): Promise<string | undefined> {
  const { status, headers } = await get(pull, '/v2/', {});
  if (status !== 401) return undefined;
  if (login === undefined) return undefined;
  if (!/^basic /i.test(headers['www-authenticate'] ?? '')) {
    throw new PullFailure(401, 'the registry asks for something else than Basic authentication');
  }
  return `Basic ${Buffer.from(login).toString('base64')}`;
}

async function pullAll(pull: PullRequest, authorization: string | undefined): Promise<PullResult> {
  const headers = authorization === undefined ? {} : { authorization };
  const base = `/v2/${pull.repository}`;
  const manifest = await fetched(pull, `${base}/manifests/${pull.tag}`, { ...headers, accept: manifestType });
  const digest = manifest.headers['docker-content-digest'];
  verify('the manifest', manifest.body, pull.tag.startsWith('sha256:') ? pull.tag : String(digest));
  let bytes = manifest.body.length;
  for (const blob of blobsOf(manifest.body)) {
    const { body } = await fetched(pull, `${base}/blobs/${blob}`, headers);
    verify(`blob ${blob}`, body, blob);
    bytes += body.length;
  }
  return { ok: true, digest: digestOf(manifest.body), bytes };
}

function verify(what: string, content: Buffer, digest: string): void {
  if (digestOf(content) !== digest) throw new PullFailure(0, `${what} does not have its digest`);
}

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

/** The digests of the configuration and the layers. */
function blobsOf(manifest: Buffer): readonly string[] {
  try {
    const { config, layers } = JSON.parse(manifest.toString()) as Manifest;
    return [config, ...layers].map(({ digest }) => digest);
  } catch {
    throw new PullFailure(0, 'the manifest is none of an image');
  }
}

interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

async function fetched(pull: PullRequest, path: string, headers: Record<string, string>): Promise<Response> {
  const response = await get(pull, path, headers);
  if (response.status === 200) return response;
  throw new PullFailure(response.status, messageOf(response.body));
}

/** The registry's own words: `code: message` of the first error, else the beginning of the text. */
function messageOf(body: Buffer): string {
  const text = body.toString();
  try {
    const { errors } = JSON.parse(text) as { errors: readonly { code: string; message: string }[] };
    return errors.map(({ code, message }) => `${code}: ${message}`).join('; ');
  } catch {
    return text.trim().slice(0, 200);
  }
}

/** `fetch` would overwrite the Host header; node:http does not. */
async function get(pull: PullRequest, path: string, headers: Record<string, string>): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const call = request(`${pull.registryUrl}${path}`, {
    headers: { ...headers, host: pull.host },
    // A connection of its own: one kept from an earlier pull may belong to a registry that has ended.
    agent: false,
    signal: AbortSignal.timeout(patienceMs),
  });
  call.once('error', reject);
  call.once('response', (answer) => {
    const headersOfAnswer = answer.headers as Response['headers'];
    const status = answer.statusCode ?? 0;
    buffer(answer).then((body) => resolve({ status, headers: headersOfAnswer, body }), reject);
  });
  call.end();
  return await promise;
}
