// What a process has used so far, as Linux counts it.
import { readFileSync } from 'node:fs';

/** CPU in s, memory in MiB. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly rss: number;
  readonly peakRss: number;
}

/** Ticks of /proc/<pid>/stat; the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Reads it. */
export function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1_024;
  // After the command in parentheses: state is field 3, utime 14, stime 15.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  return { cpuSeconds, rss: mebibytes('VmRSS'), peakRss: mebibytes('VmHWM') };
}
