// Writes an answer of the fake AWS to the wire: whole, or as slowly as a test asks for. Called by fake-aws when a call has
// been decided. Knows nothing of what the answer says.
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './answer.ts';
import type { SlowBody } from './behaviour.ts';

/** How long a dripping answer pauses after each byte, in ms. */
const dripMs = 20;

/** How an answer goes out. */
export interface Delivery {
  /** Ms since the epoch, for the `date` header. */
  readonly now: number;
  /** Absent: at once. */
  readonly slow: SlowBody | undefined;
  /** Aborts when the client is gone, which is the only end of a body that stalls. */
  readonly left: AbortSignal;
}

/** Sends the answer; resolves once all of it has been written, or when the client is gone. */
export async function send(response: ServerResponse, answer: Answer, delivery: Delivery): Promise<void> {
  const { status, contentType, body } = answer;
  response.writeHead(status, {
    // The SDK corrects its clock by this one.
    date: new Date(delivery.now).toUTCString(),
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': randomUUID(),
  });
  if (delivery.slow === 'stall') await stall(response, body, delivery.left);
  else if (delivery.slow === 'drip') await drip(response, body, delivery.left);
  else response.end(body);
}

async function stall(response: ServerResponse, body: string, left: AbortSignal): Promise<void> {
  response.write(body.slice(0, body.length / 2));
  if (left.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  left.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}

async function drip(response: ServerResponse, body: string, left: AbortSignal): Promise<void> {
  for (const character of body) {
    if (left.aborted) return;
    response.write(character);
    await sleep(dripMs, undefined, { signal: left }).catch(() => undefined);
  }
  response.end();
}
