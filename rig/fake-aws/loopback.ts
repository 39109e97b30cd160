// Where the servers of this folder listen: a free port of 127.0.0.1, and nowhere else. Used by each of them. Knows nothing
// of what they serve.
import type { Server } from 'node:net';

/** Starts to listen. @returns the port */
export async function listenOnLoopback(server: Server): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject).listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Cuts every connection and ends. */
export async function closeServer(server: Server & { closeAllConnections(): void }): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
}
