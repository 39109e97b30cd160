// The trivial client of bench/raw, run as a process of its own: applies one Secret in each namespace, and prints the rate.
import { readFileSync } from 'node:fs';
import { json } from 'node:stream/consumers';
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'undici';

const input = (await json(process.stdin)) as {
  readonly url: string;
  readonly caFile: string;
  readonly token: string;
  readonly namespaces: readonly string[];
  readonly secretName: string;
  readonly inFlight: number;
};
const { url, caFile, token, namespaces, secretName: name, inFlight } = input;
const dispatcher = new Agent({ allowH2: false, connect: { ca: readFileSync(caFile, 'utf8') } });
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/apply-patch+yaml' };
// As large as ours for one host: password and auth.
const document = JSON.stringify({
  auths: {
    host: { password: randomBytes(1_950).toString('base64'), auth: randomBytes(1_960).toString('base64') },
  },
});
const data = { '.dockerconfigjson': Buffer.from(document).toString('base64') };

async function apply(namespace: string): Promise<void> {
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    type: 'kubernetes.io/dockerconfigjson',
    data,
  };
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}?fieldManager=raw&force=true`;
  const answer = await request(url + path, {
    method: 'PATCH',
    dispatcher,
    headers,
    body: JSON.stringify(body),
  });
  await answer.body.dump();
  if (answer.statusCode >= 300) throw new Error(`apply: ${answer.statusCode}`);
}

let next = 0;
const startedAt = performance.now();
await Promise.all(
  Array.from({ length: inFlight }, async () => {
    for (let index = next; index < namespaces.length; index = next) {
      next += 1;
      await apply(namespaces[index] ?? '');
    }
  }),
);
process.stdout.write(String((namespaces.length / (performance.now() - startedAt)) * 1_000));
await dispatcher.close();
