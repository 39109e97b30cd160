// The table of AWS's refusals as a whole: each row can be reached, none is hidden by one before it, and each says what a person
// can do. Values only. What single errors mean is tested in aws-errors.test.ts, the real SDK in the adapter tests.
import { describe, expect, test } from 'vitest';
import type { AwsAction } from '../../src/aws/aws-call.ts';
import { asFetchFailure } from '../../src/aws/errors.ts';
import type { Refusal } from '../../src/aws/refusal.ts';
import { byStatus, refusals, strangeAnswer } from '../../src/aws/refusals.ts';

/** Every call, also those that only a row names. */
const actions: readonly AwsAction[] = [
  ...new Set<AwsAction>([
    'Credentials',
    'AssumeRole',
    'AssumeRoleWithWebIdentity',
    'EcrGetAuthorizationToken',
    'EcrPublicGetAuthorizationToken',
    ...refusals.flatMap(({ at = [] }) => at),
  ]),
];
const claims = 'issuer https://i.example, subject s, audience a';

/** AWS's words, with something in the places that vary; and where the row has none, words that fit no row. */
const wordsOf = ({ message }: Refusal): string =>
  message?.replaceAll('…', 'something') ?? 'nothing in particular';

/** True when an error of this code, made in this call, means what the row says. */
function reaches(row: Refusal, code: string, action: AwsAction): boolean {
  const error = Object.assign(new Error(wordsOf(row)), { name: code, $metadata: { httpStatusCode: 400 } });
  const { reason, advice, message } = asFetchFailure(error, { action, region: 'eu-west-1', claims });
  return (
    reason === row.reason &&
    advice === row.advice.replace('{claims}', claims) &&
    message.endsWith(`: ${code}`)
  );
}

const rows = refusals.map((row, index) => ({
  title: `${index + 1}: ${row.at?.join(' and ') ?? 'any call'}, ${row.codes.join(' or ')}${row.says ? ` that says ${row.says.source}` : ''}`,
  row,
}));

const ofCalls = rows.filter(({ row }) => row.at !== undefined);
const general = rows.filter(({ row }) => row.at === undefined);

describe('row', () => {
  test.each(ofCalls)('$title is what each of its codes means, in these calls and no others', ({ row }) => {
    for (const code of row.codes) {
      expect(actions.filter((action) => reaches(row, code, action)).toSorted()).toEqual(row.at?.toSorted());
    }
  });

  test.each(general)(
    '$title is what each of its codes means, unless a call has a row of its own',
    ({ row }) => {
      for (const code of row.codes) {
        const own = new Set(
          ofCalls.filter(({ row: { codes } }) => codes.includes(code)).flatMap(({ row: { at } }) => at),
        );
        const others = actions.filter((action) => !own.has(action));
        expect(others.length).toBeGreaterThan(0);
        expect(others.filter((action) => !reaches(row, code, action))).toEqual([]);
      }
    },
  );

  test.each(rows)(
    '$title is met with Exception at the end of its code as well, as ECR writes it',
    ({ row }) => {
      for (const code of row.codes) {
        const met = actions.some((action) => reaches(row, `${code}Exception`, action));
        expect(met).toBe(true);
      }
    },
  );

  test.each(rows.filter(({ row }) => row.says !== undefined))(
    '$title shows the words that it goes by; other words mean something else',
    ({ row }) => {
      expect(row.message).toMatch(row.says ?? /$^/);
      for (const code of row.codes) {
        const others = { ...row, message: 'nothing in particular' };
        expect(actions.filter((action) => reaches(others, code, action))).toEqual([]);
      }
    },
  );

  test.each(rows)('$title gives an advice that fits into an Event and is told to people', ({ row }) => {
    const longest = row.advice.replace('{claims}', claims.padEnd(300, 'x'));
    expect(Buffer.byteLength(longest)).toBeLessThanOrEqual(600);
    expect(row.advice).toMatch(/^[a-zA-Z]/);
    expect(row.advice).not.toMatch(/[.\n]$/);
    expect(row.advice.split('{claims}').length).toBeLessThanOrEqual(2);
    expect(row.source).not.toBe('');
  });

  test.each(rows)('$title has each code once, and without Exception', ({ row }) => {
    expect(new Set(row.codes).size).toBe(row.codes.length);
    for (const code of row.codes) expect(code).toMatch(/^[A-Za-z][A-Za-z_]+$/);
    expect(row.codes.filter((code) => code.endsWith('Exception'))).toEqual([]);
  });
});

describe('the advice', () => {
  test('says the claims of the token wherever the token is what AWS looked at', () => {
    const ofToken = refusals.filter(({ at }) => at?.length === 1 && at[0] === 'AssumeRoleWithWebIdentity');
    const silent = ofToken.filter(({ advice }) => !advice.includes('{claims}')).flatMap(({ codes }) => codes);
    // What has expired needs no comparison.
    expect(silent).toEqual(['ExpiredToken']);
    expect(ofToken.length).toBeGreaterThan(5);
  });

  test('says no claims where there may be no token', () => {
    const others = refusals.filter(({ at }) => !at?.includes('AssumeRoleWithWebIdentity'));
    expect(others.filter(({ advice }) => advice.includes('{claims}'))).toEqual([]);
    const further = [strangeAnswer, ...Object.values(byStatus)];
    expect(further.filter(({ advice }) => advice.includes('{claims}'))).toEqual([]);
  });

  test('says that it is tried again by itself, wherever that alone may help', () => {
    const passing = refusals.filter(({ reason }) => reason === 'throttled');
    expect(passing.length).toBeGreaterThan(0);
    for (const { advice } of [...passing, byStatus.throttled, byStatus.unavailable]) {
      expect(advice).toContain('tried again by itself');
    }
  });
});
