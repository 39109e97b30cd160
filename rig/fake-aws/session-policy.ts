// The session policies of an AssumeRole call: the inline document and the managed ones that it names, checked as STS does
// and made one policy. Used by sts. Grants nothing: what a session may do is the intersection with its role's policy.
import { AwsError, constraintError, malformedPolicy, validationError } from './aws-error.ts';
import { formList } from './aws-request.ts';
import { partitionOfArn } from './partition.ts';
import type { Policy, PolicyStatement } from './policy.ts';

/** The managed policies that exist, by name. Source: AWS Managed Policy Reference. */
const managedPolicies: Readonly<Record<string, readonly string[]>> = {
  AmazonEC2ContainerRegistryPullOnly: [
    'ecr:GetAuthorizationToken',
    'ecr:BatchCheckLayerAvailability',
    'ecr:GetDownloadUrlForLayer',
    'ecr:BatchGetImage',
    'ecr:BatchImportUpstreamImage',
  ],
};

const longestDocument = 2048;
const mostPolicies = 10;

/** What the session policies of a call allow, taken together; undefined when it has none. @throws AwsError */
export function readSessionPolicy(form: URLSearchParams, roleArn: string): Policy | undefined {
  const document = form.get('Policy');
  const arns = formList(form, 'PolicyArns', '.arn');
  if (document === null && arns.length === 0) return undefined;
  if (arns.length > mostPolicies) {
    throw constraintError(
      `[${arns.join(', ')}]`,
      'policyArns',
      `Member must have length less than or equal to ${mostPolicies}`,
    );
  }
  return [
    ...arns.map((arn) => managedStatement(arn, partitionOfArn(roleArn))),
    ...(document === null ? [] : readDocument(document)),
  ];
}

/** The texts are those of IAM's AttachRolePolicy; no record was found of what STS says. */
function managedStatement(arn: string, partition: string): PolicyStatement {
  if (partitionOfArn(arn) !== partition) throw validationError('Invalid ARN partition');
  const [, name = ''] = arn.split(':aws:policy/');
  const actions = managedPolicies[name];
  if (actions === undefined) throw malformedPolicy(`Policy ${arn} does not exist or is not attachable.`);
  return { actions, resources: ['*'] };
}

function readDocument(text: string): Policy {
  if (text.length > longestDocument) {
    throw constraintError(text, 'policy', `Member must have length less than or equal to ${longestDocument}`);
  }
  const statements = fieldOf(parse(text), 'Statement');
  if (statements === undefined) throw malformedPolicy('Syntax errors in policy.');
  return [statements].flat().map(readStatement);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformedPolicy('The policy is not in the valid JSON format.');
  }
}

function readStatement(statement: unknown): PolicyStatement {
  const effect = fieldOf(statement, 'Effect');
  if (effect !== 'Allow' && effect !== 'Deny') throw malformedPolicy('Syntax errors in policy.');
  const unknown = ['NotAction', 'NotResource', 'Condition'].some((name) => fieldOf(statement, name));
  if (effect === 'Deny' || unknown) {
    throw new AwsError(501, 'NotPlayed', 'The fake AWS knows Allow with Action and Resource only');
  }
  return { actions: readTexts(statement, 'Action'), resources: readTexts(statement, 'Resource') };
}

function readTexts(statement: unknown, name: 'Action' | 'Resource'): readonly string[] {
  const texts = [fieldOf(statement, name) ?? []].flat();
  if (texts.length === 0) {
    throw malformedPolicy(`Policy statement must contain ${name.toLowerCase()}s.`);
  }
  if (!texts.every((text) => typeof text === 'string')) throw malformedPolicy('Syntax errors in policy.');
  return texts;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
