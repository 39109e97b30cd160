// What of the session tags STS would refuse at each call is refused at start: keys that differ in case only, our own in another
// case, and the name of the cluster where it is sent as a tag. Other rules for tags are tested in config-identities.test.ts.
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { usualHost } from '../support/views.ts';

const roleArn = 'arn:aws:iam::111122223333:role/puller';

function problemsOf(fields: string, clusterName = ''): readonly string[] {
  const text = `clusterName: ${JSON.stringify(clusterName)}
profiles: {p: {registries: [${usualHost}], namespaces: ['*'], roleArn: '${roleArn}', ${fields}}}`;
  const result = readConfig(text, { AWS_REGION: 'eu-west-1', AWS_WEB_IDENTITY_TOKEN_FILE: '/token' });
  return 'problems' in result ? result.problems : [];
}

describe('tag keys, which STS compares without regard to case,', () => {
  test('may not differ in case only', () => {
    expect(problemsOf('tags: {Team: a, team: b}')).toEqual([
      'profiles.p.tags: must not have two keys that differ in case only: to STS they are the same',
    ]);
    expect(problemsOf('tags: {Team: a, tea: b}')).toEqual([]);
  });

  test.each(['ECR-pull-secrets-namespace', 'ecr-pull-secrets-CLUSTER'])('may not be ours: %s', (key) => {
    expect(problemsOf(`tags: {${key}: x}`)).toEqual([
      `profiles.p.tags.${key}: is set by the controller itself, with perNamespace`,
    ]);
  });
});

describe('the name of the cluster', () => {
  test.each(['prod!', 'a\nb', 'x'.repeat(257), 'a(b)'])(
    'must be a legal tag where it is sent as one: %j',
    (name) => {
      expect(problemsOf('perNamespace: true', name)).toEqual([
        expect.stringMatching(/^clusterName: must be a legal tag value of STS .*perNamespace/),
      ]);
    },
  );

  test.each(['', 'prod', 'Prod EU / 1', 'ü_.:/=+-@', 'x'.repeat(256)])('may be %j', (name) => {
    expect(problemsOf('perNamespace: true', name)).toEqual([]);
  });

  test.each(['perNamespace: false', 'perNamespace: true, via: webIdentity'])(
    'may be any where it is not: %s',
    (fields) => {
      expect(problemsOf(fields, 'prod!')).toEqual([]);
    },
  );
});
