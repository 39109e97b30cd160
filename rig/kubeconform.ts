// The real kubeconform, with the schemas of the API server at hand instead of those on the internet: what a pipeline without a
// cluster would say of manifests. Used by the chart's tests.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Admin } from './control-plane/admin.ts';
import { asset } from './control-plane/assets.ts';
import type { Manifest } from './installation/render-chart.ts';

interface Definition {
  readonly properties?: object;
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
  }[];
  readonly [field: string]: unknown;
}

type Definitions = Readonly<Record<string, Definition>>;

/** @returns what is wrong, one line for each object; empty: nothing */
export async function kubeconform(manifests: readonly Manifest[], admin: Admin): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ecr-pull-secrets-kubeconform-'));
  try {
    const kinds = new Set(manifests.map(({ apiVersion, kind }) => `${apiVersion}/${kind}`));
    await writeSchemas(folder, await definitionsOf(admin), kinds);
    const file = join(folder, 'objects.json');
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }));
    const location = join(folder, 'schemas', '{{ .ResourceKind }}{{ .KindSuffix }}.json');
    return await run(await asset('kubeconform'), ['-strict', '-schema-location', location, file]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function definitionsOf(admin: Admin): Promise<Definitions> {
  const { definitions } = (await admin.get('/openapi/v2')) as unknown as { definitions: Definitions };
  // As for -strict: what has fields has no others.
  const strict = Object.entries(definitions).map(([name, definition]) => [
    name,
    definition.properties === undefined ? definition : { ...definition, additionalProperties: false },
  ]);
  return { ...(Object.fromEntries(strict) as Definitions), ...withoutAForm };
}

/** Of these the document says that they are texts; they may be numbers as well. */
const withoutAForm: Definitions = {
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { type: ['string', 'integer'] },
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: ['string', 'number'] },
};

async function writeSchemas(
  folder: string,
  definitions: Definitions,
  kinds: ReadonlySet<string>,
): Promise<void> {
  await mkdir(join(folder, 'schemas'));
  for (const [name, definition] of Object.entries(definitions)) {
    for (const { group, version, kind } of definition['x-kubernetes-group-version-kind'] ?? []) {
      if (!kinds.has(`${group === '' ? '' : `${group}/`}${version}/${kind}`)) continue;
      const [first = ''] = group.split('.');
      const suffix = group === '' ? version : `${first}-${version}`;
      const schema = { $ref: `#/definitions/${name}`, definitions };
      await writeFile(
        join(folder, 'schemas', `${kind.toLowerCase()}-${suffix}.json`),
        JSON.stringify(schema),
      );
    }
  }
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, (error, stdout, stderr) => {
      // 1: something is wrong with the objects.
      if (error !== null && error.code !== 1) reject(new Error(`kubeconform: ${stderr}`));
      else resolve((stdout + stderr).trim());
    });
  });
}
