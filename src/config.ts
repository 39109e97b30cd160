// Reads the configuration: the file's text and the few AWS settings of the environment → Settings, or every problem with
// its path. Called once by the commands; a wrong configuration ends the program with exit code 2.
import * as v from 'valibot';
import { parseDocument } from 'yaml';
import { type ConfigFile, configSchema } from './config-schema.ts';
import { type DefaultIdentity, sharedSessionName } from './domain/identity.ts';
import type { Profile, Settings } from './domain/settings.ts';

/** The part of the environment that decides who we are for AWS; the rest of it is the SDK's own business. */
export interface AwsEnvironment {
  readonly AWS_ROLE_ARN?: string | undefined;
  readonly AWS_PROFILE?: string | undefined;
  readonly AWS_ACCESS_KEY_ID?: string | undefined;
}

/** The settings, or what is wrong: one line for each problem, beginning with the path of the setting. */
export type ConfigResult = { readonly settings: Settings } | { readonly problems: readonly string[] };

/** Reads a configuration file's text; an empty one means every default. */
export function readConfig(text: string, environment: AwsEnvironment): ConfigResult {
  const document = parseDocument(text);
  const [fault] = document.errors;
  if (fault !== undefined)
    return { problems: [`not readable as YAML: ${fault.message.split('\n')[0] ?? ''}`] };
  const result = v.safeParse(configSchema, document.toJS() ?? {});
  if (!result.success) return { problems: result.issues.map(describeIssue) };
  const settings = settingsOf(result.output, environment);
  const problems = partitionProblems(settings);
  return problems.length > 0 ? { problems } : { settings };
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? 'the file';
  if (issue.type === 'strict_object' && issue.expected === 'never')
    return `${path}: is no setting; check the spelling`;
  if (issue.type === 'strict_object' && issue.expected?.startsWith('"') === true)
    return `${path}: is missing`;
  if (issue.type === 'strict_object' || issue.type === 'record')
    return `${path}: must be a mapping of names to values`;
  return `${path}: ${issue.message}`;
}

function settingsOf(file: ConfigFile, environment: AwsEnvironment): Settings {
  const { aws, refresh, profiles, ...same } = file;
  const defaultIdentity: DefaultIdentity = {
    kind: 'default',
    roleArn: environment.AWS_ROLE_ARN ?? '',
    profile: environment.AWS_PROFILE ?? '',
    accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
    sessionName: sharedSessionName(file.clusterName),
  };
  return {
    ...same,
    defaultIdentity,
    refresh: { ...refresh, maxAge: refresh.maxAge === null ? null : refresh.maxAge / 1_000 },
    aws: { concurrency: aws.concurrency, timeoutMs: aws.timeout },
    profiles: Object.fromEntries(
      Object.entries(profiles).map(([name, profile]) => [name, profileOf(profile, defaultIdentity)]),
    ),
  };
}

function profileOf(
  { registries, namespaces, roleArn }: ConfigFile['profiles'][string],
  base: DefaultIdentity,
): Profile {
  const identity =
    roleArn === undefined ? base : { kind: 'role' as const, base, roleArn, sessionName: base.sessionName };
  return { registries, namespaces, identity };
}

/** A role of one partition never gets a token of another: found here, it costs no call. */
function partitionProblems({ profiles }: Settings): readonly string[] {
  return Object.entries(profiles).flatMap(([name, { identity, registries }]) => {
    const partition = identity.roleArn.split(':')[1];
    return registries
      .filter((registry) => identity.kind === 'role' && registry.partition !== partition)
      .map(
        ({ host }) =>
          `profiles.${name}.roleArn: is of partition ${partition}, ${host} of another; they cannot go together`,
      );
  });
}
