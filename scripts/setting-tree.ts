// The settings of the configuration file as a tree, read from its schema: names, defaults, meanings. Used by the reference
// pages and by the chart's generated parts, which say the same of each setting. It knows the form of valibot's schemas, no setting.
import type * as v from 'valibot';

/** One setting. */
export interface Setting {
  readonly path: string;
  readonly key: string;
  /** Its default; undefined: none. */
  readonly fallback: unknown;
  readonly meaning: string;
  readonly schema: SchemaNode;
}

/** A mapping of settings. */
export interface SettingGroup {
  readonly path: string;
  readonly key: string;
  readonly settings: SettingTree;
  readonly schema: SchemaNode;
}

/** In the order of the schema. */
export type SettingTree = readonly (Setting | SettingGroup)[];

/** A schema of valibot, as far as anybody here looks into it. */
export interface SchemaNode {
  readonly kind?: string;
  readonly type?: string;
  readonly default?: unknown;
  readonly wrapped?: SchemaNode;
  readonly entries?: Readonly<Record<string, SchemaNode>>;
  readonly item?: SchemaNode;
  readonly value?: SchemaNode;
  readonly options?: readonly unknown[];
  readonly description?: string;
  readonly pipe?: readonly SchemaNode[];
}

/** The settings of a mapping. @param path of the mapping itself; empty: the file */
export function settingTree(schema: SchemaNode | v.GenericSchema, path = ''): SettingTree {
  return Object.entries(entriesOf(schema as SchemaNode) ?? {}).map(([key, entry]) =>
    settingOf(path === '' ? key : `${path}.${key}`, key, entry),
  );
}

/** All settings of a tree, groups resolved. */
export function settingsOf(tree: SettingTree): readonly Setting[] {
  return tree.flatMap((node) => ('settings' in node ? settingsOf(node.settings) : [node]));
}

/** What may be left out, by its schema when it is there. */
export function unwrapped(node: SchemaNode): SchemaNode {
  return node.type === 'optional' ? (node.wrapped ?? node) : node;
}

/** The fields of a mapping, which may be followed by checks. */
export function entriesOf(node: SchemaNode): SchemaNode['entries'] {
  return (
    node.entries ??
    node.pipe
      ?.filter((part) => part !== node)
      .map(entriesOf)
      .find((entries) => entries !== undefined)
  );
}

function settingOf(path: string, key: string, node: SchemaNode): Setting | SettingGroup {
  const schema = unwrapped(node);
  if (entriesOf(schema) !== undefined) return { path, key, settings: settingTree(schema, path), schema };
  const meaning = schema.pipe?.findLast(({ type }) => type === 'description')?.description;
  if (meaning === undefined) throw new Error(`the setting ${path} has no description`);
  return { path, key, fallback: node.default, meaning, schema };
}
