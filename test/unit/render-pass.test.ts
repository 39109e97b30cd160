// The account of a pass as `once` prints it: the exact text for people, the exact JSON for programs. What happened is
// given.
import { describe, expect, test } from 'vitest';
import { renderPass } from '../../src/cli/render-pass.ts';
import type { PassResult } from '../../src/controller/pass.ts';

const text = { dryRun: false, output: 'text' } as const;
const json = { dryRun: false, output: 'json' } as const;

const unchanged: PassResult = { namespace: 'quiet', done: [], problems: [] };
const changed: PassResult = {
  namespace: 'a-longer-name',
  done: [
    'add ecr-pull-secret to the imagePullSecrets of ServiceAccount default',
    'create Secret ecr-pull-secret for h',
  ],
  problems: [{ reason: 'AnnotationUnknown', subject: 'ecr-pull-secrets/typo', note: 'typo is not known' }],
};
const refused: PassResult = {
  namespace: 'team-b',
  done: [],
  problems: [{ reason: 'NoRegistries', subject: 'registries', note: 'there is no registry', retryAt: 5 }],
};
const broken: PassResult = {
  namespace: 'team-c',
  done: ['attach'],
  problems: [],
  failure: 'the API server is gone',
};

describe('the table', () => {
  test('has a line for each thing to tell, and leaves out namespaces of which there is nothing', () => {
    expect(renderPass([changed, unchanged, refused, broken], text)).toBe(
      [
        'NAMESPACE      RESULT     DETAIL',
        'a-longer-name  changed    add ecr-pull-secret to the imagePullSecrets of ServiceAccount default',
        '                          create Secret ecr-pull-secret for h',
        '                          AnnotationUnknown: typo is not known',
        'team-b         failed     NoRegistries: there is no registry',
        'team-c         failed     attach',
        '                          the API server is gone',
        '',
        '1 changed, 1 unchanged, 2 failed',
        '',
      ].join('\n'),
    );
  });

  test('is as wide as its heading where names are short', () => {
    expect(
      renderPass([{ ...broken, namespace: 'c' }], text)
        .split('\n')
        .slice(0, 2),
    ).toEqual(['NAMESPACE  RESULT     DETAIL', 'c          failed     attach']);
  });

  test.each([
    ['no namespace', [], '0 changed, 0 unchanged, 0 failed\n'],
    ['namespaces that are as they should be', [unchanged, unchanged], '0 changed, 2 unchanged, 0 failed\n'],
  ])('is left out for %s: only the sum is there', (_, results, output) => {
    expect(renderPass(results, text)).toBe(output);
  });

  test('says of a dry run that nothing was changed', () => {
    const output = renderPass([changed], { ...text, dryRun: true });
    expect(output).toContain('1 would change, 0 unchanged, 0 failed (dry run: nothing was changed)\n');
  });

  test('counts a namespace that has a Warning only as not failed', () => {
    expect(renderPass([{ ...changed, done: [] }], text)).toContain('0 changed, 1 unchanged, 0 failed');
  });
});

describe('the JSON', () => {
  test('has every namespace, what was done, the problems and the sums', () => {
    expect(JSON.parse(renderPass([changed, unchanged, refused, broken], json))).toEqual({
      dryRun: false,
      changed: 1,
      unchanged: 1,
      failed: 2,
      namespaces: [
        { namespace: 'a-longer-name', result: 'changed', actions: changed.done, problems: changed.problems },
        { namespace: 'quiet', result: 'unchanged', actions: [], problems: [] },
        {
          namespace: 'team-b',
          result: 'failed',
          actions: [],
          problems: [{ reason: 'NoRegistries', subject: 'registries', note: 'there is no registry' }],
        },
        {
          namespace: 'team-c',
          result: 'failed',
          actions: ['attach'],
          problems: [],
          failure: 'the API server is gone',
        },
      ],
    });
  });

  test('is there also for no namespace, and says that it was a dry run', () => {
    expect(JSON.parse(renderPass([], { ...json, dryRun: true }))).toEqual({
      dryRun: true,
      changed: 0,
      unchanged: 0,
      failed: 0,
      namespaces: [],
    });
  });

  test('is indented and ends with a line break', () => {
    expect(renderPass([], json)).toMatch(/^\{\n {2}"dryRun": false,\n[\s\S]*\}\n$/);
  });
});
