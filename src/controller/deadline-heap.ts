// The earliest of many deadlines, one for each key: a binary heap with lazy removal. Used by the work queue, whose
// single timer waits for the earliest one. It knows nothing of time.

interface Entry {
  readonly at: number;
  readonly key: string;
}

/** Deadlines by key; a later `set` for a key replaces the earlier one. */
export class DeadlineHeap {
  readonly #heap: Entry[] = [];
  readonly #current = new Map<string, number>();

  get size(): number {
    return this.#current.size;
  }

  set(key: string, at: number): void {
    if (this.#current.get(key) === at) return;
    this.#current.set(key, at);
    this.#push({ at, key });
    // Replaced entries stay in the heap until they surface; a rebuild keeps them from outnumbering the live ones.
    if (this.#heap.length > 2 * this.#current.size + 64) this.#rebuild();
  }

  delete(key: string): void {
    this.#current.delete(key);
  }

  /** The earliest deadline; undefined when there is none. */
  peek(): number | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#current.get(top.key) === top.at) return top.at;
      this.#pop();
    }
    return undefined;
  }

  /** Removes and returns the keys whose deadline is `now` or earlier, earliest first. */
  takeDue(now: number): string[] {
    const due: string[] = [];
    for (let at = this.peek(); at !== undefined && at <= now; at = this.peek()) {
      const key = this.#pop()?.key;
      if (key === undefined) break;
      this.#current.delete(key);
      due.push(key);
    }
    return due;
  }

  #rebuild(): void {
    this.#heap.length = 0;
    for (const [key, at] of this.#current) this.#push({ at, key });
  }

  #push(entry: Entry): void {
    let index = this.#heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#heap[parent];
      if (above === undefined || above.at <= entry.at) break;
      this.#heap[index] = above;
      index = parent;
    }
    this.#heap[index] = entry;
  }

  #pop(): Entry | undefined {
    const top = this.#heap[0];
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return top;
    let index = 0;
    for (;;) {
      const child = this.#smallerChild(index);
      const below = this.#heap[child];
      if (below === undefined || below.at >= last.at) break;
      this.#heap[index] = below;
      index = child;
    }
    this.#heap[index] = last;
    return top;
  }

  #smallerChild(index: number): number {
    const left = 2 * index + 1;
    const right = left + 1;
    return (this.#heap[right]?.at ?? Infinity) < (this.#heap[left]?.at ?? Infinity) ? right : left;
  }
}
