// What `npm run image` prints: figures, and claims that were seen to hold or not. Used by scripts/image.
let failed = 0;

/** A claim and whether it was seen to hold. */
export function claim(what: string, holds: boolean, seen = ''): void {
  if (!holds) failed += 1;
  console.log(`${holds ? '✓' : '✗'} ${what}${seen === '' ? '' : `: ${seen}`}`);
}

/** A figure, for information. */
export function figure(what: string, value: string): void {
  console.log(`  ${what}: ${value}`);
}

/** Whether every claim held. */
export const allHeld = (): boolean => failed === 0;

/** For people, in MiB. */
export const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** The middle one and the range, for people. @param digits after the point */
export function spread(samples: readonly number[], unit: string, digits = 0): string {
  const sorted = samples.toSorted((a, b) => a - b);
  const text = (value: number | undefined) => (value ?? Number.NaN).toFixed(digits);
  const middle = text(sorted[Math.floor(sorted.length / 2)]);
  return `${middle} ${unit} (${text(sorted[0])} to ${text(sorted.at(-1))}, ${samples.length} runs)`;
}
