// Reads the configuration: the file's text and the few AWS settings of the environment → Settings, or every problem with
// its path. Called once by the commands; a wrong configuration ends the program with exit code 2.
import * as v from 'valibot';
import { type Document, parseDocument } from 'yaml';
import { type AwsEnvironment, defaultIdentity, environmentProblems } from './aws-environment.ts';
import { type ConfigFile, configSchema } from './schema.ts';
import type { LeaseTimes, Profile, Settings } from '../domain/settings.ts';

/** The settings, or what is wrong: one line for each problem, beginning with the path of the setting. */
export type ConfigResult = { readonly settings: Settings } | { readonly problems: readonly string[] };

/** Reads a configuration file's text; an empty one means every default. */
export function readConfig(text: string, environment: AwsEnvironment): ConfigResult {
  const document = parseDocument(text);
  const [fault] = document.errors;
  if (fault !== undefined)
    return {
      problems: [`not readable as YAML: ${fault.message.split('\n')[0] ?? ''}`],
    };
  const content = contentOf(document);
  if ('problems' in content) return content;
  const result = v.safeParse(configSchema, content.value ?? {});
  const problems = [
    ...(result.issues ?? []).map(describeIssue),
    ...environmentProblems(environment, result.success ? result.output : undefined),
  ];
  if (!result.success || problems.length > 0) return { problems };
  return { settings: settingsOf(result.output, environment) };
}

/** An alias that stands for nothing, such as a pattern `*-dev` without quotation marks, is found only now. */
function contentOf(
  document: Document,
): { readonly value: unknown } | { readonly problems: readonly string[] } {
  try {
    return { value: document.toJS() };
  } catch (error) {
    return {
      problems: [`not readable as YAML: ${error instanceof Error ? error.message : 'unknown'}`],
    };
  }
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const path = (v.getDotPath(issue) ?? 'the file').replace(/\p{Cc}/gu, '�');
  if (issue.type === 'strict_object' && issue.expected === 'never')
    return `${path}: is no setting; check the spelling`;
  if (issue.type === 'strict_object' && issue.expected?.startsWith('"') === true)
    return `${path}: is missing`;
  if (issue.type === 'strict_object' || issue.type === 'record')
    return `${path}: must be a mapping of names to values`;
  return `${path}: ${issue.message}`;
}

function settingsOf(file: ConfigFile, environment: AwsEnvironment): Settings {
  const { aws, refresh, profiles, leaderElection, ...same } = file;
  return {
    ...same,
    defaultIdentity: defaultIdentity(environment, file.clusterName),
    refresh: { ...refresh, maxAge: refresh.maxAge === null ? null : refresh.maxAge / 1_000 },
    aws: { concurrency: aws.concurrency, timeoutMs: aws.timeout },
    leaderElection: leaseTimes(leaderElection),
    profiles: Object.fromEntries(
      Object.entries(profiles).map(([name, profile]) => [name, profileOf(profile)]),
    ),
  };
}

function leaseTimes({
  enabled,
  leaseDuration,
  renewDeadline,
  retryPeriod,
}: ConfigFile['leaderElection']): LeaseTimes | undefined {
  const times = {
    leaseDurationMs: leaseDuration,
    renewDeadlineMs: renewDeadline,
    retryPeriodMs: retryPeriod,
  };
  return enabled ? times : undefined;
}

function profileOf({ registries, namespaces, roleArn, ...role }: ConfigFile['profiles'][string]): Profile {
  return { registries, namespaces, role: roleArn === undefined ? undefined : { roleArn, ...role } };
}
