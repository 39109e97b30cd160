// A TLS face for a server of this folder, under host names of AWS: what proves FIPS and dual-stack endpoints end to end, by
// way of proxy. Used by tests. Its certificate is made at start, is its own CA, and is believed by nobody who is not told.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { createServer, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { listenOnLoopback } from './loopback.ts';

/** A running face. */
export interface TlsFace {
  /** For the tunnels of a proxy. */
  readonly port: number;
  /** The certificate of its CA as a file, for NODE_EXTRA_CA_CERTS. */
  readonly caFile: string;
  /** The same as PEM, for the `ca` of an agent. */
  readonly ca: string;
  /** The host names that clients asked for (SNI), in order of their connections. */
  readonly serverNames: readonly string[];
  /** Makes this whole process believe it, for code that makes its own agents. @returns how to undo it */
  trust(): () => void;
  close(): Promise<void>;
}

/**
 * Starts one; it needs the command `openssl`.
 * @param to the plain server, such as `url` of the fake AWS
 * @param hosts the names that its certificate is for; `*.` stands for one label
 */
export async function startTlsFace(to: string, hosts: readonly string[]): Promise<TlsFace> {
  const folder = await mkdtemp(join(tmpdir(), 'tls-face-'));
  const { key, cert, certFile } = await makeCertificate(folder, hosts);
  const serverNames: string[] = [];
  const sockets = new Set<TLSSocket>();
  const server = createServer({ key, cert }, (socket) => {
    if (typeof socket.servername === 'string') serverNames.push(socket.servername);
    sockets.add(socket);
    const plain = connect(Number(new URL(to).port), '127.0.0.1');
    pipeline(socket, plain, socket, () => sockets.delete(socket));
  });
  // A client that does not believe the certificate is no failure of the face.
  server.on('tlsClientError', () => undefined);
  return {
    port: await listenOnLoopback(server),
    caFile: certFile,
    ca: cert,
    get serverNames() {
      return [...serverNames];
    },
    trust: () => {
      const before = getCACertificates('default');
      setDefaultCACertificates([...before, cert]);
      return () => setDefaultCACertificates(before);
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Certificate {
  readonly key: string;
  readonly cert: string;
  readonly certFile: string;
}

async function makeCertificate(folder: string, hosts: readonly string[]): Promise<Certificate> {
  const [keyFile = '', certFile = '', config = ''] = ['key', 'crt', 'cnf'].map((end) =>
    join(folder, `face.${end}`),
  );
  const names = hosts.map((host) => `DNS:${host}`).join(',');
  // A configuration file, which every openssl understands.
  const lines = [
    '[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\nCN=rig\n[ext]',
    `basicConstraints=critical,CA:TRUE\nsubjectAltName=${names}\n`,
  ];
  await writeFile(config, lines.join('\n'));
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-config', config, '-keyout', keyFile, '-out', certFile];
  await promisify(execFile)('openssl', ['req', '-x509', ...curve, ...files]);
  return { key: await readFile(keyFile, 'utf8'), cert: await readFile(certFile, 'utf8'), certFile };
}
