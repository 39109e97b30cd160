// The page that Prometheus reads: every row of the table is on it, and what is reported arrives as the right sample.
import { describe, expect, test } from 'vitest';
import type { Metrics } from '../../src/controller/ports.ts';
import { createMetrics, metricPrefix, metricRows } from '../../src/telemetry/metrics.ts';

/** Our samples on the page after `report`, by name and labels; histograms and the process's own left out. */
async function samplesAfter(report: (metrics: Metrics) => void): Promise<Readonly<Record<string, number>>> {
  const page = createMetrics('1.2.3');
  report(page.metrics);
  const lines = (await page.render()).split('\n').filter((line) => line.startsWith(metricPrefix));
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, sample = '', value] = /^(.*) (\S+)$/.exec(line) ?? [];
      return sample.includes('_duration_seconds') ? [] : [[sample.slice(metricPrefix.length), Number(value)]];
    }),
  );
}

const untouched = await samplesAfter(() => {});

describe('the page', () => {
  test.each(Object.entries(metricRows))(
    'has help and kind of %s before anything happened',
    async (name, row) => {
      const page = await createMetrics('1.2.3').render();
      expect(page).toContain(
        `# HELP ${metricPrefix}${name} ${row.help}\n# TYPE ${metricPrefix}${name} ${row.kind}\n`,
      );
    },
  );

  test('has no metric under our prefix that is not in the table', async () => {
    const page = await createMetrics('1.2.3').render();
    const names = [...page.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name);
    const ours = names.filter((name) => name.startsWith(metricPrefix));
    expect(ours.toSorted()).toEqual(
      Object.keys(metricRows)
        .map((name) => metricPrefix + name)
        .toSorted(),
    );
  });

  test('has the metrics of the process', async () => {
    expect(await createMetrics('1.2.3').render()).toContain('process_resident_memory_bytes');
  });

  test('says the version', () => {
    expect(untouched).toEqual({
      'build_info{version="1.2.3"}': 1,
      bugs_total: 0,
      leading: 0,
      leaving_namespaces: 0,
    });
  });

  test('is of the text format of Prometheus', () => {
    expect(createMetrics('1.2.3').contentType).toMatch(/^text\/plain; version=/);
  });

  test('is another one for each program: two do not share what they count', async () => {
    const [one, other] = [createMetrics('1'), createMetrics('2')];
    one.metrics.bug();
    expect(await other.render()).toContain(`${metricPrefix}bugs_total 0`);
  });
});

describe('the table', () => {
  test.each(Object.entries(metricRows))('names %s as Prometheus expects it, and explains it', (name, row) => {
    expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total')).toBe(row.kind === 'counter');
    expect(row.help).toMatch(/^[A-Z].*\.$/);
    expect('buckets' in row).toBe(row.kind === 'histogram');
  });
});

describe('what is reported', () => {
  test.each<[string, (metrics: Metrics) => void, Readonly<Record<string, number>>]>([
    ['a step', (m) => m.reconciled('recheck', 0.002), { 'reconciles_total{outcome="recheck"}': 1 }],
    ['a write', (m) => m.wrote('update', 'due'), { 'writes_total{kind="update",reason="due"}': 1 }],
    [
      'an attachment',
      (m) => m.wrote('attach', 'not-attached'),
      { 'writes_total{kind="attach",reason="not-attached"}': 1 },
    ],
    ['a retry', (m) => m.retried('conflict'), { 'retries_total{reason="conflict"}': 1 }],
    ['a problem', (m) => m.problem('SecretForeign'), { 'problems_total{reason="SecretForeign"}': 1 }],
    [
      'a namespace with two problems',
      (m) => m.problemsOf('team-a', new Set(['SecretForeign', 'TokenUnavailable'])),
      {
        'problem_namespaces{reason="SecretForeign"}': 1,
        'problem_namespaces{reason="TokenUnavailable"}': 1,
      },
    ],
    ['a namespace that leaves', (m) => m.leaving('team-a', true), { leaving_namespaces: 1 }],
    [
      'a removal',
      (m) => m.wrote('delete', 'opted-out'),
      { 'writes_total{kind="delete",reason="opted-out"}': 1 },
    ],
    ['a bug', (m) => m.bug(), { bugs_total: 1 }],
    ['a token', (m) => m.fetched('ok', 0.2), { 'token_fetches_total{result="ok"}': 1 }],
    ['no token', (m) => m.fetched('denied', 0.2), { 'token_fetches_total{result="denied"}': 1 }],
    ['the queue', (m) => m.queueDepth('urgent', 7), { 'queue_depth{lane="urgent"}': 7 }],
    [
      'an expiry',
      (m) => m.secretExpiry('team-a', 1_767_268_800),
      { 'secret_expiry_timestamp_seconds{namespace="team-a"}': 1_767_268_800 },
    ],
    ['a watch', (m) => m.watchStarted('secrets', false), { 'watch_starts_total{resource="secrets"}': 1 }],
    [
      'a watch after a failure',
      (m) => m.watchStarted('secrets', true),
      { 'watch_starts_total{resource="secrets"}': 1, 'watch_restarts_total{resource="secrets"}': 1 },
    ],
    [
      'what was heard, in seconds',
      (m) => m.watchHeard('secrets', 1_767_225_600_500),
      { 'watch_heard_timestamp_seconds{resource="secrets"}': 1_767_225_600.5 },
    ],
  ])('is a sample: %s', async (_, report, samples) => {
    expect(await samplesAfter(report)).toEqual({ ...untouched, ...samples });
  });

  test('is counted, each with its own labels', async () => {
    const samples = await samplesAfter((metrics) => {
      metrics.problem('SecretForeign');
      metrics.problem('SecretForeign');
      metrics.problem('NoRegistries');
    });
    expect(samples).toMatchObject({
      'problems_total{reason="SecretForeign"}': 2,
      'problems_total{reason="NoRegistries"}': 1,
    });
  });

  test('of the queue is the last value, not a sum', async () => {
    const samples = await samplesAfter((metrics) => {
      metrics.queueDepth('urgent', 7);
      metrics.queueDepth('urgent', 2);
    });
    expect(samples).toMatchObject({ 'queue_depth{lane="urgent"}': 2 });
  });

  test('of a Secret that is gone is removed, and of that one only', async () => {
    const samples = await samplesAfter((metrics) => {
      metrics.secretExpiry('team-a', 1);
      metrics.secretExpiry('team-b', 2);
      metrics.secretExpiry('team-a', undefined);
      metrics.secretExpiry('never-there', undefined);
    });
    expect(samples).toEqual({ ...untouched, 'secret_expiry_timestamp_seconds{namespace="team-b"}': 2 });
  });

  test('of problems is how many namespaces have each of them now', async () => {
    const samples = await samplesAfter((metrics) => {
      for (const name of ['team-a', 'team-b', 'team-c'])
        metrics.problemsOf(name, new Set(['TokenUnavailable']));
      metrics.problemsOf('team-a', new Set(['TokenUnavailable', 'Contested']));
      metrics.problemsOf('team-b', new Set());
      metrics.problemsOf('never-had-any', new Set());
      metrics.problemsOf('team-c', new Set(['Contested']));
    });
    expect(samples).toMatchObject({
      'problem_namespaces{reason="TokenUnavailable"}': 1,
      'problem_namespaces{reason="Contested"}': 2,
    });
  });

  test('of problems that are all solved is zero', async () => {
    const samples = await samplesAfter((metrics) => {
      metrics.problemsOf('team-a', new Set(['SecretForeign']));
      metrics.problemsOf('team-a', new Set());
    });
    expect(samples).toMatchObject({ 'problem_namespaces{reason="SecretForeign"}': 0 });
  });

  test('of namespaces that leave is how many do so now', async () => {
    const samples = await samplesAfter((metrics) => {
      for (const name of ['team-a', 'team-b', 'team-b', 'team-c']) metrics.leaving(name, true);
      metrics.leaving('team-a', false);
      metrics.leaving('never-left', false);
    });
    expect(samples).toMatchObject({ leaving_namespaces: 2 });
  });

  test('as a duration falls into its bucket', async () => {
    const page = createMetrics('1.2.3');
    page.metrics.fetched('ok', 0.2);
    page.metrics.reconciled('settled', 0.004);
    const text = await page.render();
    for (const [name, below, from] of [
      ['token_fetch', '0.1', '0.25'],
      ['reconcile', '0.001', '0.005'],
    ]) {
      expect(text).toContain(`${metricPrefix}${name}_duration_seconds_bucket{le="${below}"} 0`);
      expect(text).toContain(`${metricPrefix}${name}_duration_seconds_bucket{le="${from}"} 1`);
      expect(text).toContain(`${metricPrefix}${name}_duration_seconds_count 1`);
    }
  });
});
