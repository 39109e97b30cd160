// Stand-ins for the two base images, which cannot be pulled everywhere: as much of this machine as the Dockerfile's steps
// need. Used by scripts/image. They are never pushed; the layout of the final one is that of distroless's nodejs24 image.
import { chmod, cp, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { find, run } from './tools.ts';

/** How the stand-ins are called in buildah's store. */
export const standIns = { node: 'localhost/stand-in-node', base: 'localhost/stand-in-base' } as const;

/** For the builder: Node 24 and npm, and the shell that RUN asks for. @returns the Dockerfile that makes an image of `root` */
export async function writeNodeRoot(root: string): Promise<string> {
  const npm = find('npm');
  if (npm === undefined) throw new Error('there is no npm on the PATH');
  await addPrograms(root, {
    [process.execPath]: '/usr/local/bin/node',
    '/bin/sh': '/bin/sh',
    '/usr/bin/env': '/usr/bin/env',
  });
  // <npm>/bin/npm-cli.js
  const cli = await realpath(npm);
  await cp(dirname(dirname(cli)), join(root, 'usr/local/lib/node_modules/npm'), { recursive: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
  await addAccounts(root);
  return dockerfile(['ENV PATH=/usr/local/bin:/usr/bin:/bin']);
}

/** For the final stage: Node 24, its libraries, certificates and accounts, and nothing that could start a shell. */
export async function writeBaseRoot(root: string): Promise<string> {
  await addPrograms(root, { [process.execPath]: '/nodejs/bin/node' });
  await addAccounts(root);
  const authorities = '/etc/ssl/certs/ca-certificates.crt';
  await mkdir(join(root, dirname(authorities)), { recursive: true });
  await cp(authorities, join(root, authorities), { dereference: true });
  return dockerfile([
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt',
    'USER 65532',
    'WORKDIR /home/nonroot',
    'ENTRYPOINT ["/nodejs/bin/node"]',
  ]);
}

const dockerfile = (lines: readonly string[]): string =>
  ['FROM scratch', 'COPY . /', ...lines, ''].join('\n');

/** Copies programs to where they shall be, and every library that they load to where the loader looks. */
async function addPrograms(root: string, programs: Readonly<Record<string, string>>): Promise<void> {
  for (const [from, to] of Object.entries(programs)) {
    await copy(from, join(root, to));
    const libraries = await run('ldd', [from]);
    for (const [, library = ''] of libraries.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)) {
      await copy(library, join(root, library));
    }
  }
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(await realpath(from), to);
}

async function addAccounts(root: string): Promise<void> {
  const text = {
    passwd:
      'root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n' +
      'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n',
    group: 'root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n',
  };
  await mkdir(join(root, 'etc'), { recursive: true });
  for (const [name, content] of Object.entries(text)) await writeFile(join(root, 'etc', name), content);
  await mkdir(join(root, 'root'), { recursive: true, mode: 0o700 });
  await mkdir(join(root, 'tmp'), { recursive: true });
  // As everywhere: what must not be written to in the pod is still writable here.
  await chmod(join(root, 'tmp'), 0o1777);
}
