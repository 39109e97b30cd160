// The door by which one controller reaches the API server: a plain proxy on loopback that knows when each request came and went,
// and holds back those it is told to. Used by the tests of replicas, which by that tell two processes under one ServiceAccount
// apart. It changes nothing of what passes.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { closeServer, listenOnLoopback } from '../../rig/fake-aws/loopback.ts';
import type { ControllerProcess } from '../../rig/controller-process.ts';
import type { Stage } from '../../rig/stage.ts';

/** One request that came to the door. Times are ms since the epoch. */
export interface Passage {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly at: number;
  /** When the API server had answered. */
  answeredAt?: number;
  status?: number;
}

/** Requests that are held back. */
export interface Hold {
  readonly held: readonly Passage[];
  /** Lets them go on to the API server. @returns when it has answered them */
  release(): Promise<void>;
}

/** The requests that change something, but for the lease's own. */
export const isChange = ({ method, path }: Passage): boolean =>
  method !== 'GET' && !path.includes('/leases/');

/** The door. */
export class ApiDoor {
  readonly passages: Passage[] = [];
  readonly #server: Server;
  readonly #url: string;
  readonly #agent: Agent;
  readonly #folder: string;
  #holds: ((passage: Passage) => Promise<void> | undefined)[] = [];

  private constructor(props: { server: Server; url: string; agent: Agent; folder: string }) {
    this.#server = props.server;
    this.#url = props.url;
    this.#agent = props.agent;
    this.#folder = props.folder;
    this.#server.on('request', (incoming, outgoing) => void this.#pass(incoming, outgoing));
  }

  /** Opens one, and starts a controller behind it, whose end is the stage's. */
  static async start(stage: Stage): Promise<readonly [controller: ControllerProcess, door: ApiDoor]> {
    const { plane, installation } = stage;
    const server = createServer();
    const port = await listenOnLoopback(server);
    const folder = await mkdtemp(join(tmpdir(), 'api-door-'));
    const agent = new Agent({ connect: { ca: await readFile(plane.caFile, 'utf8') } });
    const door = new ApiDoor({ server, url: plane.url, agent, folder });
    const file = join(folder, 'kubeconfig.json');
    const config = JSON.parse(await readFile(installation.kubeconfigFile, 'utf8')) as { clusters: unknown };
    // Plain HTTP is refused without it; the door itself checks the API server's certificate.
    const cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
    config.clusters = [{ name: 'ecr-pull-secrets', cluster }];
    await writeFile(file, JSON.stringify(config), { mode: 0o600 });
    try {
      return [await stage.startController({ args: ['--kubeconfig', file] }), door];
    } catch (error) {
      await door.close();
      throw error;
    }
  }

  get changes(): readonly Passage[] {
    return this.passages.filter(isChange);
  }

  /** Holds back what comes from now on and is meant. */
  hold(isMeant: (passage: Passage) => boolean): Hold {
    const held: Passage[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const keep = (passage: Passage) => {
      if (!isMeant(passage)) return undefined;
      held.push(passage);
      return promise;
    };
    this.#holds.push(keep);
    const release = async () => {
      this.#holds = this.#holds.filter((other) => other !== keep);
      resolve();
      while (held.some(({ status }) => status === undefined))
        await new Promise((next) => void setTimeout(next, 10));
    };
    return { held, release };
  }

  async close(): Promise<void> {
    await closeServer(this.#server);
    await this.#agent.destroy();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = '', url = '' } = incoming;
    const passage: Passage = { method, path: url.split('?', 1)[0] ?? '', at: Date.now() };
    this.passages.push(passage);
    try {
      // The whole request is here, whatever becomes of who sent it.
      const body = Buffer.concat(await incoming.toArray());
      for (const keep of this.#holds) await keep(passage);
      await this.#forward(passage, url, { incoming, outgoing, body });
    } catch {
      // Who asked has gone, or the door is being closed.
      passage.status ??= 0;
      outgoing.destroy();
    }
  }

  async #forward(
    passage: Passage,
    url: string,
    { incoming, outgoing, body }: { incoming: IncomingMessage; outgoing: ServerResponse; body: Buffer },
  ): Promise<void> {
    const { authorization, accept, 'content-type': type, 'user-agent': agent } = incoming.headers;
    const headers = { authorization, accept, 'content-type': type, 'user-agent': agent };
    const answer = await request(new URL(url, this.#url), {
      method: passage.method,
      dispatcher: this.#agent,
      headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
      body: body.length === 0 ? null : body,
      bodyTimeout: 0,
    });
    passage.status = answer.statusCode;
    passage.answeredAt = Date.now();
    outgoing.on('close', () => void answer.body.destroy());
    outgoing.writeHead(answer.statusCode, { 'content-type': String(answer.headers['content-type']) });
    outgoing.flushHeaders();
    for await (const piece of answer.body) outgoing.write(piece);
    outgoing.end();
  }
}
