/** Which were the last start times? A ring of times that grows to its capacity and no further. */
const FIRST_SIZE = 64;

export class TimeRing {
  readonly #capacity: number;
  #times: Float64Array;
  #next = 0;
  #count = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#times = new Float64Array(Math.min(FIRST_SIZE, capacity));
  }

  push(timeMs: number): void {
    if (this.#count === this.#times.length && this.#count < this.#capacity) this.#grow();
    this.#times[this.#next] = timeMs;
    this.#next = (this.#next + 1) % this.#times.length;
    this.#count = Math.min(this.#count + 1, this.#times.length);
  }

  /** Oldest first. */
  values(): number[] {
    const start = this.#count < this.#times.length ? 0 : this.#next;
    const size = this.#times.length;
    return Array.from({ length: this.#count }, (_, at) => this.#times[(start + at) % size] ?? 0);
  }

  // Only ever called while the ring has not wrapped, so the values stand in order from 0.
  #grow(): void {
    const wider = new Float64Array(Math.min(this.#times.length * 2, this.#capacity));
    wider.set(this.#times);
    this.#next = this.#count;
    this.#times = wider;
  }
}

/** The most of `times` (ascending) that lie in any span of `windowMs`, its end not included. */
export function busiest(times: readonly number[], windowMs: number): number {
  let first = 0;
  let most = 0;
  for (const [at, time] of times.entries()) {
    while (time - (times[first] ?? time) >= windowMs) first += 1;
    most = Math.max(most, at - first + 1);
  }
  return most;
}
