// The chart's files against the program's configuration: they must not drift apart, whoever wrote them. What helm makes of them is
// seen by the cluster tests; this file needs neither helm nor cluster.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../../src/config/schema.ts';

const chart = join(import.meta.dirname, '../../charts/ecr-pull-secrets');
const read = (file: string): string => readFileSync(join(chart, file), 'utf8');

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

describe('the chart', () => {
  const values = parse(read('values.yaml')) as Readonly<Record<string, unknown>>;
  const schema = JSON.parse(read('values.schema.json')) as SchemaNode;

  it('admits exactly the settings that the program knows', () => {
    const settings = v.parse(configSchema, {});
    const admitted = schema.properties?.['config']?.properties ?? {};
    expect(Object.keys(admitted).toSorted()).toEqual(Object.keys(settings).toSorted());
  });

  it.each(['namespaces', 'keys', 'identity', 'refresh', 'aws', 'limits', 'leaderElection'] as const)(
    'admits exactly the settings of %s',
    (group) => {
      const settings = v.parse(configSchema, {})[group];
      const admitted = schema.properties?.['config']?.properties?.[group]?.properties ?? {};
      expect(Object.keys(admitted).toSorted()).toEqual(Object.keys(settings).toSorted());
    },
  );

  it("has the program's own defaults", () => {
    expect(v.parse(configSchema, values['config'])).toEqual(v.parse(configSchema, {}));
  });

  it('has a schema for each value and a value for each property of the schema', () => {
    // `global` is Helm's own.
    expect(['global', ...Object.keys(values)].toSorted()).toEqual(
      Object.keys(schema.properties ?? {}).toSorted(),
    );
  });

  it('is of the version of the program', () => {
    const { version } = JSON.parse(readFileSync(join(chart, '../../package.json'), 'utf8')) as {
      version: string;
    };
    expect(parse(read('Chart.yaml'))).toMatchObject({ version, appVersion: version });
  });
});
