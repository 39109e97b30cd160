// The reference pages, made from the tables in src/: what can be derived is never written by hand. Used by
// `npm run generate`, which writes them, and by a test, which fails when they are stale.
import { runProgram } from '../src/cli/program.ts';
import { refusals } from '../src/aws/refusals.ts';
import { profile } from '../src/config/profile.ts';
import { configSchema } from '../src/config/schema.ts';
import { annotationPrefix, namespaceAnnotations } from '../src/domain/annotations.ts';
import { secretAnnotations } from '../src/domain/desired-secret.ts';
import { metricPrefix, metricRows } from '../src/telemetry/metrics.ts';
import { type Setting, settingTree, settingsOf } from './setting-tree.ts';

const origin = '<!-- Generated from src/ by `npm run generate`. Do not edit. -->';

/** File below docs/ → its content. */
export async function referencePages(): Promise<Readonly<Record<string, string>>> {
  return {
    'annotations.md': annotationsPage(),
    'aws-errors.md': awsErrorsPage(),
    'commands.md': await commandsPage(),
    'configuration.md': configurationPage(),
    'metrics.md': metricsPage(),
  };
}

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n');
}

const page = (title: string, ...parts: readonly string[]): string =>
  `${[`# ${title}`, origin, ...parts].join('\n\n')}\n`;

function annotationsPage(): string {
  const ofNamespaces = Object.entries(namespaceAnnotations).map(([key, { value, meaning }]) => [
    `\`${annotationPrefix}${key}\``,
    value,
    meaning,
  ]);
  const ofSecrets = Object.entries(secretAnnotations).map(([key, meaning]) => [
    `\`${annotationPrefix}${key}\``,
    meaning,
  ]);
  return page(
    'Annotations',
    '## On a Namespace, written by you',
    table(['annotation', 'value', 'meaning'], ofNamespaces),
    '## On the Secret, written by the controller',
    table(['annotation', 'meaning'], ofSecrets),
  );
}

async function commandsPage(): Promise<string> {
  const help = async (...args: readonly string[]) => {
    let text = '';
    const out = (piece: string) => {
      text += piece;
    };
    await runProgram([...args, '--help'], {
      out,
      err: out,
      environment: {},
      stopped: new Promise(() => undefined),
      version: '',
      hostname: '',
    });
    return `## \`ecr-pull-secrets ${args.join(' ')}\`\n\n\`\`\`\n${text.trimEnd()}\n\`\`\``;
  };
  return page(
    'Commands',
    'Exit codes: 0 good, 1 something failed, 2 wrong usage or configuration.',
    await help('run'),
    await help('once'),
    await help('version'),
  );
}

function metricsPage(): string {
  const rows = Object.entries(metricRows).map(([name, { kind, labels, help }]) => [
    `\`${metricPrefix}${name}\``,
    kind,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ]);
  return page(
    'Metrics',
    'Served at `/metrics`, beside the usual `process_*` and `nodejs_*`. Times are timestamps: `…_expiry_timestamp_seconds - time()` is what is left.',
    table(['metric', 'kind', 'labels', 'meaning'], rows),
  );
}

const settingRows = (settings: readonly Setting[]): readonly (readonly string[])[] =>
  settings.map(({ path, fallback, meaning }) => [
    `\`${path}\``,
    fallback === undefined ? 'none' : `\`${JSON.stringify(fallback)}\``,
    meaning,
  ]);

function configurationPage(): string {
  return page(
    'Configuration',
    'One YAML file (`--config`), read once at start; the chart renders it from `config` in its values and rolls the pod when it changes. ' +
      'It is checked as a whole: every problem is named with its path, unknown keys are errors.',
    table(['setting', 'default', 'meaning'], settingRows(settingsOf(settingTree(configSchema)))),
    '## A profile',
    table(
      ['setting', 'default', 'meaning'],
      settingRows(settingsOf(settingTree(profile, 'profiles.<name>'))),
    ),
    '## The environment',
    'What concerns AWS is set the AWS way, by the environment: `AWS_REGION` (required: where STS is asked), `AWS_ROLE_ARN`, `AWS_WEB_IDENTITY_TOKEN_FILE`, ' +
      '`AWS_PROFILE`, `AWS_ENDPOINT_URL`, `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT` and so on. `HTTPS_PROXY` and `NO_PROXY` count for AWS, not for the API server.',
  );
}

function awsErrorsPage(): string {
  const rows = refusals.map(({ at, codes, message, advice, source }) => [
    at?.join(', ') ?? 'any call',
    codes.map((code) => `\`${code}\``).join(', '),
    message ?? '',
    advice.replace('{claims}', 'issuer …, subject …, audience …'),
    source,
  ]);
  return page(
    'What AWS says, and what to do',
    'The first row that fits is taken. `…Exception` at the end of a code is left out. Where AWS says the same for several causes, the advice names them all.',
    table(['call', 'code', "AWS's words", 'advice', 'source'], rows),
  );
}
