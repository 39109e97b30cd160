// The generated parts of the chart's values: `config` in values.yaml and in values.schema.json, from the schema of the
// configuration file, so that a setting is described in one place. Used by chart-files only.
import { stringify } from 'yaml';
import { profile } from '../src/config/profile.ts';
import { configSchema } from '../src/config/schema.ts';
import { type JsonSchema, jsonSchema } from './json-schema.ts';
import { type Setting, type SettingTree, settingTree, settingsOf } from './setting-tree.ts';

const markers = {
  begin: '# Generated from src/config/schema.ts by `npm run generate`: do not edit below.\n',
  end: '# Generated until here.\n',
} as const;

const lineWidth = 110;

/** values.yaml with `config` as the program's schema has it. @param text what the file says now */
export function withConfigValues(text: string): string {
  const [before, rest] = text.split(markers.begin);
  const after = rest?.split(markers.end)[1];
  if (before === undefined || after === undefined)
    throw new Error('values.yaml has no marks around the generated part');
  return `${before}${markers.begin}${configValues()}${markers.end}${after}`;
}

/** values.schema.json with `config` as the program's schema has it. @param text what the file says now */
export function withConfigSchema(text: string): string {
  const schema = JSON.parse(text) as { readonly properties: Readonly<Record<string, JsonSchema>> };
  const config = {
    $comment: 'Generated from src/config/schema.ts by `npm run generate`: do not edit.',
    description: "The program's configuration. Types and keys are checked here, the rest by the program.",
    ...jsonSchema(configSchema),
  };
  return JSON.stringify({ ...schema, properties: { ...schema.properties, config } });
}

function configValues(): string {
  const heading = comment(
    "The program's configuration file, rendered as it stands here, with every setting and its default. The program refuses what it does not know.",
    '# ',
  );
  return `${heading}config:\n${treeValues(settingTree(configSchema), '  ')}`;
}

function treeValues(tree: SettingTree, indent: string): string {
  return tree
    .map((node) =>
      'settings' in node
        ? `${indent}${node.key}:\n${treeValues(node.settings, `${indent}  `)}`
        : settingValue(node, indent),
    )
    .join('');
}

function settingValue({ path, key, fallback, meaning }: Setting, indent: string): string {
  const value = stringify({ [key]: fallback }, { collectionStyle: 'flow', flowCollectionPadding: false });
  // In a block, where `yaml` writes flow.
  const line = `${indent}${value.trim().replace(/^\{([\s\S]*)\}$/, '$1')}\n`;
  return (
    comment(sentence(meaning), `${indent}# `) + line + (path === 'profiles' ? profileSettings(indent) : '')
  );
}

/** The settings of a profile, which has no default that could be shown. */
function profileSettings(indent: string): string {
  const lines = settingsOf(settingTree(profile)).map(({ key, fallback, meaning }) =>
    comment(
      `${key} (${fallback === undefined ? 'no default' : `default ${JSON.stringify(fallback)}`}): ${meaning}`,
      `${indent}#   `,
    ),
  );
  return `${comment('<name>:', `${indent}# `)}${lines.join('')}`;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** A comment of lines that are not too long. @param prefix what each line begins with */
function comment(text: string, prefix: string): string {
  const lines = text.split(' ').reduce<readonly string[]>((done, word) => {
    const last = done.at(-1);
    const longer = `${last} ${word}`;
    return last !== undefined && longer.length <= lineWidth
      ? [...done.slice(0, -1), longer]
      : [...done, `${prefix}${word}`];
  }, []);
  return `${lines.join('\n')}\n`;
}
