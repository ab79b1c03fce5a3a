/** Who runs out of time first? A binary heap; who leaves is only marked, and swept out when the
 *  marked are the larger half, so that leaving costs O(1) and memory follows the number that
 *  stay. */

export interface Dated {
  readonly deadlineMs: number;
  /** Left before the deadline. */
  gone: boolean;
}

const MIN_SWEEP = 64;

export class DeadlineHeap<T extends Dated> {
  #heap: T[] = [];
  #goneCount = 0;

  push(item: T): void {
    this.#heap.push(item);
    this.#rise(this.#heap.length - 1);
  }

  markGone(item: T): void {
    item.gone = true;
    this.#goneCount += 1;
    if (this.#goneCount < MIN_SWEEP || this.#goneCount * 2 < this.#heap.length) return;
    this.#heap = this.#heap.filter((each) => !each.gone);
    this.#goneCount = 0;
    for (let at = (this.#heap.length >>> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  /** The one with the earliest deadline, or undefined. */
  first(): T | undefined {
    while (this.#heap[0]?.gone) {
      this.#removeFirst();
      this.#goneCount -= 1;
    }
    return this.#heap[0];
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(start: number): void {
    for (let at = start; at > 0; ) {
      const parent = (at - 1) >>> 1;
      if (this.#deadline(parent) <= this.#deadline(at)) return;
      this.#swap(parent, at);
      at = parent;
    }
  }

  #sink(start: number): void {
    for (let at = start; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (this.#deadline(child) < this.#deadline(least)) least = child;
      }
      if (least === at) return;
      this.#swap(least, at);
      at = least;
    }
  }

  #deadline(at: number): number {
    return this.#heap[at]?.deadlineMs ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const held = this.#heap[a] as T;
    this.#heap[a] = this.#heap[b] as T;
    this.#heap[b] = held;
  }
}
