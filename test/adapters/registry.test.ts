// The registry of the rig and the pull that the rig makes: what demo and end-to-end tests rest on. The verdicts come from
// the fake AWS in one test, from a table in the others.
import { createServer } from 'node:http';
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startScene, staticKey } from '../../rig/fake-aws/scene.ts';
import type { Verdict } from '../../rig/registry/admission.ts';
import { digestOf, makeImage } from '../../rig/registry/image.ts';
import { pullImage, type PullRequest } from '../../rig/registry/pull-image.ts';
import { type Registry, startRegistry } from '../../rig/registry/registry.ts';

const host = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';

const verdicts: Readonly<Record<string, Verdict>> = {
  good: { verdict: 'valid' },
  'old:one': { verdict: 'expired' },
  abroad: { verdict: 'valid', token: { region: 'us-east-1' } },
};

let registry: Registry;

beforeEach(async () => {
  registry = await startRegistry({ admits: (password) => verdicts[password] ?? { verdict: 'unknown' } });
});

afterEach(() => registry.close());

const dockerConfig = (password: string, key = host) =>
  JSON.stringify({
    auths: {
      'other.example.com': { username: 'x', password: 'y' },
      [key]: { username: 'AWS', password, auth: Buffer.from(`AWS:${password}`).toString('base64') },
    },
  });

const pull = (change: Partial<PullRequest> = {}) =>
  pullImage({
    registryUrl: registry.url,
    host,
    repository: 'team-a/shop',
    tag: '1.2.3',
    dockerConfigJson: dockerConfig('good'),
    ...change,
  });

test('a good Secret pulls any repository, by tag and by the digest that the tag gave', async () => {
  const byTag = await pull();
  expect(byTag).toMatchObject({ ok: true, digest: makeImage().manifest.digest, bytes: expect.any(Number) });
  const digest = byTag.ok ? byTag.digest : '';
  expect(await pull({ repository: 'b', tag: digest })).toStrictEqual(byTag);
  expect(registry.pulls).toMatchObject([
    { host, repository: 'team-a/shop', status: 200 },
    { host, repository: 'b', status: 200 },
  ]);
  expect(Math.abs(Date.now() - (registry.pulls[0]?.at ?? 0))).toBeLessThan(60_000);
});

test.each([
  ['expired', 'old:one', 403, 'DENIED: Your authorization token has expired. Reauthenticate and try again.'],
  ['unknown', 'forged', 400, 'DENIED: Your Authorization Token is invalid.'],
  ['of another region', 'abroad', 400, 'DENIED: Your Authorization Token is invalid.'],
])('a password that is %s is refused in the words of ECR', async (_what, password, status, message) => {
  expect(await pull({ dockerConfigJson: dockerConfig(password) })).toStrictEqual({
    ok: false,
    status,
    message,
  });
  expect(registry.pulls).toMatchObject([{ host, repository: 'team-a/shop', status }]);
});

test('without an entry for the host it is tried without a login, and refused', async () => {
  for (const key of ['222233334444.dkr.ecr.eu-west-1.amazonaws.com', `https://${host}`]) {
    const result = await pull({ dockerConfigJson: dockerConfig('good', key) });
    expect(result).toStrictEqual({ ok: false, status: 401, message: 'Not Authorized' });
  }
  expect(registry.pulls.map(({ status }) => status)).toStrictEqual([401, 401]);
});

test('the challenge names the host and the service, and no other user than AWS is let in', async () => {
  const challenged = await fetch(`${registry.url}/v2/`);
  expect(challenged.status).toBe(401);
  expect(challenged.headers.get('www-authenticate')).toBe(
    'Basic realm="https://127.0.0.1/",service="ecr.amazonaws.com"',
  );
  const root = { headers: { authorization: `Basic ${Buffer.from('root:good').toString('base64')}` } };
  expect((await fetch(`${registry.url}/v2/`, root)).status).toBe(400);
});

test('what is there has its digest, what is not there is not found, and nothing can be written', async () => {
  const headers = { authorization: `Basic ${Buffer.from('AWS:good').toString('base64')}` };
  const absent = `sha256:${'0'.repeat(64)}`;
  const [config] = makeImage().blobs;
  const blob = await fetch(`${registry.url}/v2/a/blobs/${config?.digest}`, { headers });
  expect(digestOf(Buffer.from(await blob.arrayBuffer()))).toBe(config?.digest);
  const head = await fetch(`${registry.url}/v2/a/manifests/latest`, { headers, method: 'HEAD' });
  expect(head.headers.get('docker-content-digest')).toBe(makeImage().manifest.digest);
  expect(await head.text()).toBe('');
  const statuses = [`/v2/a/blobs/${absent}`, `/v2/a/manifests/${absent}`, '/v2/a/tags/list', '/v1/'].map(
    async (path) => (await fetch(registry.url + path, { headers })).status,
  );
  expect(await Promise.all(statuses)).toStrictEqual([404, 404, 404, 404]);
  const put = await fetch(`${registry.url}/v2/a/manifests/x`, { headers, method: 'PUT', body: 'x' });
  expect(put.status).toBe(405);
});

test.each([
  ['no JSON', '{"auths": {"secret-password'],
  ['no auths', '{}'],
  ['null', 'null'],
  ['an auth that is not base64', JSON.stringify({ auths: { [host]: { auth: 'secret-password!' } } })],
  ['an entry without a login', JSON.stringify({ auths: { [host]: { password: 'secret-password' } } })],
])('a Secret with %s fails without being quoted', async (_what, dockerConfigJson) => {
  const result = await pull({ dockerConfigJson });
  expect(result).toMatchObject({
    ok: false,
    status: 0,
    message: expect.stringContaining('.dockerconfigjson'),
  });
  expect(JSON.stringify(result)).not.toContain('secret-password');
});

test('username and password serve where there is no auth', async () => {
  const dockerConfigJson = JSON.stringify({ auths: { [host]: { username: 'AWS', password: 'good' } } });
  expect(await pull({ dockerConfigJson })).toMatchObject({ ok: true });
});

test('bytes that do not have their digest are not accepted, and no registry is no pull', async () => {
  const { manifest } = makeImage();
  const liar = createServer((request, response) => {
    const isManifest = request.url?.includes('/manifests/') === true;
    response.setHeader('docker-content-digest', manifest.digest);
    response.end(isManifest ? manifest.content : 'something else');
  });
  await new Promise<void>((resolve) => void liar.listen(0, '127.0.0.1', resolve));
  const address = liar.address();
  const registryUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  expect(await pull({ registryUrl })).toMatchObject({
    ok: false,
    status: 0,
    message: /^blob sha256:.* does not have its digest$/,
  });
  await new Promise((resolve) => void liar.close(resolve));
  expect(await pull({ registryUrl })).toStrictEqual({
    ok: false,
    status: 0,
    message: 'no answer: ECONNREFUSED',
  });
});

test('a token of the fake AWS opens the registries of its region until it has expired', async () => {
  await using scene = await startScene();
  let now = Date.now();
  const real = await startRegistry({ admits: (password) => scene.aws.verdict(password, now) });
  const client = new ECRClient({ region: 'eu-west-1', endpoint: scene.aws.url, credentials: staticKey });
  const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}));
  const auth = authorizationData?.[0]?.authorizationToken;
  const elsewhere = '444455556666.dkr.ecr.us-east-1.amazonaws.com';
  const dockerConfigJson = JSON.stringify({ auths: { [host]: { auth }, [elsewhere]: { auth } } });
  const tried = { registryUrl: real.url, dockerConfigJson };
  expect(await pull(tried)).toMatchObject({ ok: true });
  expect(await pull({ ...tried, host: elsewhere })).toMatchObject({ ok: false, status: 400 });
  now += 12 * 3_600_000 + 1_000;
  expect(await pull(tried)).toMatchObject({ ok: false, status: 403 });
  await real.close();
});
