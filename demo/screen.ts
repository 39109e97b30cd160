// What the demo shows: one line for each thing that happens, with the time since the start, and whether it is as promised.
// Used by the demo only.

const colour = process.stdout.isTTY
  ? (code: number, text: string) => `\u001B[${code}m${text}\u001B[0m`
  : plain;

function plain(_: number, text: string): string {
  return text;
}

/** The screen. */
export class Screen {
  readonly #startedAt = performance.now();
  #failed = 0;
  #held = 0;

  /** How many checks failed. */
  get failed(): number {
    return this.#failed;
  }

  /** How many checks held. */
  get held(): number {
    return this.#held;
  }

  /** Begins a part. */
  heading(text: string): void {
    console.log(`\n${colour(1, text)}`);
  }

  /** Something that takes a while, or is good to know. */
  note(text: string): void {
    console.log(`${this.#time()}   ${text}`);
  }

  /** Something that was promised: it holds, or the demo fails. */
  check(holds: boolean, text: string): void {
    if (holds) this.#held += 1;
    else this.#failed += 1;
    console.log(`${this.#time()} ${holds ? colour(32, '✓') : colour(31, '✗')} ${text}`);
  }

  #time(): string {
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    return colour(2, `${seconds.toFixed(1).padStart(6)} s`);
  }
}
