// One figure out of the text that /metrics answers. Used by rig/controller-process only; it knows as much of the
// Prometheus text format as prom-client writes.

/**
 * The value of a series; of several that have these labels, their sum.
 * @returns undefined when there is none
 */
export function readMetric(
  exposition: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const values = exposition.split('\n').flatMap((line) => {
    const series = seriesPattern.exec(line);
    if (series?.[1] !== name) return [];
    const found = new Map(
      Array.from((series[2] ?? '').matchAll(labelPattern), ([, key, value]) => [key, value]),
    );
    const agrees = Object.entries(labels).every(([key, value]) => found.get(key) === escape(value));
    return agrees ? Number(series[3]) : [];
  });
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}

/** Name, labels, value. */
const seriesPattern = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;

const labelPattern = /(\w+)="((?:[^"\\]|\\.)*)"/g;

const escape = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
