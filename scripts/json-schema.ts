// A schema of the configuration file → JSON Schema, for the chart's values. Used by chart-values only. It says types, keys and
// choices; what takes a sentence to explain (durations, names, hosts, ARNs) is left to the program, which has the words for it.
import * as v from 'valibot';
import { type SchemaNode, entriesOf, unwrapped } from './setting-tree.ts';

/** As helm reads it (draft 7). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** @throws Error for a kind of schema that has no rule here */
export function jsonSchema(node: SchemaNode): JsonSchema {
  const schema = unwrapped(node);
  const description = schema.pipe?.findLast(({ type }) => type === 'description')?.description;
  return { ...(description === undefined ? {} : { description }), ...shapeOf(schema) };
}

function shapeOf(schema: SchemaNode): JsonSchema {
  const entries = entriesOf(schema);
  if (entries !== undefined) return mapping(entries);
  const base = baseOf(schema);
  const rule = base.type === undefined ? undefined : rules[base.type];
  if (rule === undefined) throw new Error(`there is no JSON Schema for a ${base.type} of valibot here`);
  return rule(base, schema);
}

const rules: Readonly<Record<string, (base: SchemaNode, schema: SchemaNode) => JsonSchema>> = {
  string: (_, schema) => ({ type: 'string', ...(!takes(schema, '') && { minLength: 1 }) }),
  boolean: () => ({ type: 'boolean' }),
  number: (_, schema) => number(schema),
  picklist: ({ options }) => ({ enum: options }),
  array: ({ item = {} }) => ({ type: 'array', items: jsonSchema(item) }),
  record: ({ value = {} }) => ({ type: 'object', additionalProperties: jsonSchema(value) }),
  nullable: ({ wrapped = {} }) => ({ type: [shapeOf(wrapped)['type'], 'null'] }),
};

function mapping(entries: Readonly<Record<string, SchemaNode>>): JsonSchema {
  const required = Object.keys(entries).filter((key) => entries[key]?.type !== 'optional');
  return {
    type: 'object',
    additionalProperties: false,
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, jsonSchema(entry)])),
  };
}

/** What a pipe is about: its last schema (a first one may only give the words for a wrong type). */
function baseOf(schema: SchemaNode): SchemaNode {
  const inner = schema.pipe?.findLast((part) => part !== schema && part.kind === 'schema');
  if (inner === undefined) return schema;
  // A pipe begins with a copy of itself or with its first schema, by valibot's version of it.
  return inner.pipe === undefined ? inner : baseOf(inner);
}

/** The rules of a schema are functions, so it is asked what it takes. */
const takes = (schema: SchemaNode, value: unknown): boolean => v.is(schema as v.GenericSchema, value);

function number(schema: SchemaNode): JsonSchema {
  if (takes(schema, 1.5) || !takes(schema, 2)) return { type: 'number' };
  return { type: 'integer', ...(!takes(schema, 0) && { minimum: 1 }) };
}
