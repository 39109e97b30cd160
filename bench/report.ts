// What the bench prints: progress while it runs, one table at the end.

interface Row {
  readonly what: string;
  readonly figure: string;
  readonly aim: string;
}

/** The report. */
export class Report {
  readonly #rows: Row[] = [];
  readonly #startedAt = performance.now();

  /** Says what is going on. */
  note(text: string): void {
    console.log(`${((performance.now() - this.#startedAt) / 1_000).toFixed(0).padStart(4)} s  ${text}`);
  }

  /** Takes a figure for the table. @param aim what it should be; empty: for information */
  add(what: string, figure: string, aim = ''): void {
    this.#rows.push({ what, figure, aim });
    this.note(`${what}: ${figure}${aim === '' ? '' : ` (aim ${aim})`}`);
  }

  /** Prints the table. */
  print(): void {
    const width = Math.max(...this.#rows.map(({ what }) => what.length));
    const column = Math.max(...this.#rows.map(({ figure }) => figure.length));
    console.log('');
    for (const { what, figure, aim } of this.#rows) {
      console.log(`${what.padEnd(width)}  ${figure.padEnd(column)}  ${aim}`.trimEnd());
    }
  }
}

/** The value below which `share` of the samples lie. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
