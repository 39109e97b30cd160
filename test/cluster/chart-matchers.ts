// Words for what the chart's tests expect of a rendered object: a pod, a container, a variable. Used by the rows of chart-values.
import { expect } from 'vitest';
import type { ChartValues } from '../../rig/installation/render-chart.ts';

/** With these values, the one object of that kind has these parts. */
export type ValueRow = readonly [values: ChartValues, kind: string, expected: object];

/** By the value's path. Several rows: what it does in several objects. */
export type ValueRows = Readonly<Record<string, readonly ValueRow[]>>;

export const having = (part: object): unknown => expect.objectContaining(part);
export const among = (...parts: readonly unknown[]): unknown => expect.arrayContaining([...parts]);
export const pod = (spec: object): object => ({ spec: { template: { spec } } });
export const container = (part: object): object => pod({ containers: [part] });
export const env = (name: string, value: string): object => container({ env: among({ name, value }) });
