// One watch of our Secrets in all namespaces, as admin: tells when a change of one arrives. Used by latencies.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Agent, request } from 'undici';
import type { Stage } from '../rig/stage.ts';

interface Event {
  readonly type: string;
  readonly object: { readonly metadata: { readonly namespace?: string } };
}

/** The watch. */
export class SecretWatch {
  readonly #waiting = new Map<string, () => void>();
  readonly #agent: Agent;

  private constructor(agent: Agent) {
    this.#agent = agent;
  }

  static async open({ plane, secretName }: Stage): Promise<SecretWatch> {
    const agent = new Agent({
      allowH2: false,
      bodyTimeout: 0,
      connect: { ca: readFileSync(plane.caFile, 'utf8') },
    });
    const watch = new SecretWatch(agent);
    const query = { watch: 'true', fieldSelector: `metadata.name=${secretName}`, timeoutSeconds: '3600' };
    const headers = {
      authorization: `Bearer ${plane.adminToken}`,
      accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
    };
    const { body } = await request(`${plane.url}/api/v1/secrets`, { dispatcher: agent, query, headers });
    body.on('error', () => undefined);
    const lines = createInterface({ input: body });
    lines.on('error', () => undefined).on('line', (line) => watch.#take(JSON.parse(line) as Event));
    return watch;
  }

  /** How long after the beginning of `change` the nth event (not counting deletions) of this namespace arrives, in ms. */
  async time(namespace: string, change: () => Promise<unknown>, nth = 1): Promise<number> {
    let left = nth;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(namespace, () => {
      left -= 1;
      if (left === 0) resolve();
    });
    const startedAt = performance.now();
    await change();
    await promise;
    this.#waiting.delete(namespace);
    return performance.now() - startedAt;
  }

  close(): void {
    void this.#agent.destroy();
  }

  #take({ type, object }: Event): void {
    if (type === 'ADDED' || type === 'MODIFIED') this.#waiting.get(object.metadata.namespace ?? '')?.();
  }
}
