// What is taken out of log lines and output because it looks like a credential, and what must stay readable. The last
// line of defence; that nothing puts a token there in the first place is tested where tokens are handled.
import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redact } from '../../src/telemetry/redact.ts';

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const signature = randomBytes(256).toString('base64url');
const jwt = `${base64url({ alg: 'RS256', kid: 'k1' })}.${base64url({ iss: 'https://issuer.example' })}.${signature}`;
/** As ECR issues it: base64 of a JSON envelope. */
const ecrToken = Buffer.from(
  JSON.stringify({ payload: randomBytes(1_200).toString('base64'), version: '2', type: 'DATA_KEY' }),
).toString('base64');
const sessionToken = `IQoJb3JpZ2luX2VjE${randomBytes(300).toString('base64')}`;

describe('is taken out', () => {
  test.each([
    ['a JWT alone', jwt, jwt],
    ['a JWT within a sentence', `token ${jwt} was refused`, jwt],
    ['a JWT in a URL', `https://sts.example/?WebIdentityToken=${jwt}&Version=1`, jwt],
    ['a short JWT', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.', 'eyJzdWIiOiJhIn0'],
    ['a Bearer header', 'Authorization: Bearer abcdef1234567890', 'abcdef1234567890'],
    ['a Basic header', 'Authorization: Basic QVdTOnBhc3M9PQ==', 'QVdTOnBhc3M9PQ=='],
    ['a bearer header in lower case', 'authorization: bearer abcdef1234567890', 'abcdef1234567890'],
    ['an ECR token', `got ${ecrToken}.`, ecrToken.slice(0, 40)],
    [
      'an ECR token with its user name in base64',
      Buffer.from(`AWS:${ecrToken}`).toString('base64'),
      'QVdTOm',
    ],
    ['a session token', `AWS_SESSION_TOKEN=${sessionToken}`, sessionToken.slice(0, 40)],
    ['two tokens in one line', `${ecrToken} and ${sessionToken}`, sessionToken.slice(0, 40)],
    ['a password field', '{"username":"AWS","password":"short"}', 'short'],
    ['an auth field', '{"auth" : "QVdTOnA="}', 'QVdTOnA='],
    ['a field in another case', '{"AuthorizationToken":"QVdTOnA=","SecretAccessKey":"wJalrX"}', 'wJalrX'],
    ['a session token field', '{"sessionToken":"IQoJ"}', 'IQoJ'],
    ['an authorization field', '{"Authorization":"AWS4-HMAC-SHA256 Credential"}', 'HMAC'],
    ['a password with a quotation mark inside', String.raw`{"password":"ab\"hidden"}`, 'hidden'],
    ['a password with a backslash at its end', String.raw`{"password":"hidden\\","a":"b"}`, 'hidden'],
    ['a password in JSON within JSON', JSON.stringify({ body: '{"password":"hidden"}' }), 'hidden'],
    [
      'an auth in JSON within JSON within JSON',
      JSON.stringify(JSON.stringify({ b: '{"auth":"hidden"}' })),
      'hidden',
    ],
  ])('%s', (_, text, credential) => {
    expect(redact(text)).toContain('[redacted]');
    expect(redact(text)).not.toContain(credential);
  });

  test('nothing but the credential: what is around it stays, and JSON stays JSON', () => {
    expect(redact(`before ${jwt} after`)).toBe('before [redacted] after');
    expect(redact('GET /a Authorization: Bearer abcdef123456')).toBe(
      'GET /a Authorization: Bearer [redacted]',
    );
    const line = JSON.stringify({ user: 'AWS', password: 'a"b\\', auth: '', next: ecrToken, last: 1 });
    expect(JSON.parse(redact(line))).toEqual({
      user: 'AWS',
      password: '[redacted]',
      auth: '[redacted]',
      next: '[redacted]',
      last: 1,
    });
  });

  test('every ECR token, whatever its bytes, wherever it stands', () => {
    const bytes = fc.uint8Array({ minLength: 90, maxLength: 400 });
    const befores = fc.constantFrom('', ' ', '"', ':', 'AWS:', 'https://AWS:', ',', '\n', '(');
    const afters = fc.constantFrom('', ' ', '"', ':', '@host', ',', '\n', ')', '.');
    fc.assert(
      fc.property(bytes, befores, afters, (token, before, after) => {
        const text = Buffer.from(token).toString('base64');
        const shown = redact(`${before}${text}${after}`);
        expect(shown).toBe(`${before}[redacted]${after}`);
      }),
    );
  });
});

describe('stays as it is', () => {
  test.each([
    ['a sentence', 'no token for the default AWS credentials: allow ecr:GetAuthorizationToken'],
    ['nothing', ''],
    ['a date', '{"time":"2026-01-01T12:00:00.000Z","msg":"token fetched"}'],
    ['an ARN', 'arn:aws:iam::111122223333:role/teams/a/puller'],
    ['the ARN of a session', 'arn:aws:sts::111122223333:assumed-role/puller/ecr-pull-secrets-prod-eu'],
    ['a host', '111122223333.dkr.ecr.eu-west-1.amazonaws.com'],
    ['an image with a digest', `111122223333.dkr.ecr.eu-west-1.amazonaws.com/a/b@sha256:${'0a'.repeat(32)}`],
    ['a digest', '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
    [
      'a path of the API server',
      '/api/v1/namespaces/team-a/secrets/ecr-pull-secret?fieldManager=ecr-pull-secrets',
    ],
    ['a UID', '6b3ea7fc-6c8b-467f-8e7f-e33c37ac7585'],
    [
      'the record of tokens',
      '{"6b3ea7fc6c8b467f/private/eu-west-1":{"issued":1767225600,"expires":1767268800}}',
    ],
    ['the name of a method', 'use the password of the Secret, or Basic auth, or a Bearer'],
    ['a field of another name', '{"passwordless":"yes","authority":"x","author":"y"}'],
    [
      'a stack',
      'Error: x\n    at run (file:///app/main.js:10:20)\n    at async main (file:///app/main.js:1:2)',
    ],
    ['what was taken out already', '{"password":"[redacted]"} Bearer [redacted] [redacted]'],
  ])('%s', (_, text) => {
    expect(redact(text)).toBe(text);
  });

  test('whatever was redacted once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(jwt, ecrToken, ' ', '"password":"', '"', 'Bearer ', 'x')),
        (parts) => {
          const once = redact(parts.join(''));
          expect(redact(once)).toBe(once);
        },
      ),
    );
  });
});
