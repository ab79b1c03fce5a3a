/**
 * How much did a bucket take in the last minute (or day)?
 *
 * For each bucket a ring of slots (a second each, or an hour each) and a running sum:
 *
 *      tick - 60 (oldest that counts)                  tick (now)
 *           v                                             v
 *   | 0 | 0 | 3 | 0 | 1 | 2 | . . .                 | 1 | 4 | 0 |     64 slots, slot = tick & 63
 *
 *   sum = 3 + 0 + 1 + 2 + ... + 1 + 4 (+ what threads are just about to put into a slot)
 *
 * A window of 60 seconds touches 61 slots, the partial ones at both ends included: all 61 count, so
 * that the limit holds in ANY 60 seconds, not only in those that begin on a full second.
 *
 * Invariants, with any number of threads and without a lock:
 * 1. sum >= what the slots of the window hold. Taking adds to the sum first (compare-and-swap
 *    against the limit), then to the slot; giving back takes from the slot first, then from the
 * sum. 2. Whoever swaps a count out of a slot, and nobody else, takes it from the sum: a count
 *    leaves the sum once. A slot's word holds the lap of the ring it belongs to beside the count,
 *    so a thread that was suspended half-way cannot mistake a new second for the old one.
 *    Words are read plainly where a swap follows that fails if they have changed, or where the
 *    answer only says whether a try is worth it: Atomics.load is a call of ten times the price.
 * 3. What a late thread puts into a slot that has left the window goes when the ring comes round:
 *    a sum is never too small, and too large for one lap at most.
 */
import type { TableLayout } from './table-layout.ts';

/** How many ticks ago, 0 = now, and the count of that tick. */
export type WindowEntry = readonly [age: number, count: number];

export interface RingShape {
  /** Power of two, larger than `window`. */
  readonly slots: number;
  /** Slots that count, the partial one of now included. */
  readonly window: number;
}

/** A word of a slot: 4 bits of lap, 28 bits of count (268 million tokens in an hour). */
const COUNT_BITS = 28;
export const MAX_COUNT = 2 ** COUNT_BITS - 1;
/** What a restored window holds at most: far from where an Int32 ends. */
const MAX_SUM = 2 ** 30;
/** A limit that is never reached: counts without limiting. */
export const COUNTED = MAX_SUM;
const LAPS = 16;

export class WindowRing {
  readonly #limits: Int32Array;
  /** The last tick up to which old slots were cleared, by bucket. */
  readonly #heads: Int32Array;
  readonly #sums: Int32Array;
  readonly #slots: Int32Array;
  readonly #size: number;
  readonly #window: number;
  readonly #lapShift: number;

  /** `limits` by bucket; 0 = none, and nothing is counted. */
  constructor(layout: TableLayout, limits: Int32Array, shape: RingShape) {
    this.#limits = limits;
    this.#heads = layout.words(limits.length);
    this.#sums = layout.words(limits.length);
    this.#slots = layout.words(limits.length * shape.slots);
    this.#size = shape.slots;
    this.#window = shape.window;
    this.#lapShift = 31 - Math.clz32(shape.slots);
  }

  static wordsFor(buckets: number, shape: RingShape): number {
    return buckets * (2 + shape.slots);
  }

  limit(bucket: number): number {
    return this.#limits[bucket] as number;
  }

  /** What the window holds at `tick`. */
  used(bucket: number, tick: number): number {
    this.#advance(bucket, tick);
    return this.#sums[bucket] as number;
  }

  /** Whether `count` more would fit. */
  fits(bucket: number, tick: number, count: number): boolean {
    const limit = this.#limits[bucket] as number;
    return limit === 0 || this.used(bucket, tick) + count <= limit;
  }

  /** Takes `count` at `tick`, or nothing. */
  take(bucket: number, tick: number, count: number): boolean {
    const limit = this.#limits[bucket] as number;
    if (limit === 0) return true;
    this.#advance(bucket, tick);
    if (!this.#addToSum(bucket, count, limit)) return false;
    if (this.#put(bucket, tick, count)) return true;
    Atomics.sub(this.#sums, bucket, count);
    return false;
  }

  /** Changes by `delta` what was taken at `tick`; nothing when that slot has left the window. */
  correct(bucket: number, tick: number, nowTick: number, delta: number): void {
    // Laps repeat: an old tick must not be taken for a new one.
    if (delta === 0 || nowTick - tick >= this.#window) return;
    if (this.#limits[bucket] === 0) return;
    if (delta < 0) {
      this.#takeOut(bucket, tick, -delta);
      return;
    }
    Atomics.add(this.#sums, bucket, delta);
    if (!this.#put(bucket, tick, delta)) Atomics.sub(this.#sums, bucket, delta);
  }

  /** The first tick from which `count` more would fit if nothing else came; Infinity: never. */
  freeAtTick(bucket: number, tick: number, count: number): number {
    const limit = this.#limits[bucket] as number;
    if (limit === 0) return tick;
    if (count > limit) return Number.POSITIVE_INFINITY;
    let excess = this.used(bucket, tick) + count - limit;
    for (let old = tick - this.#window + 1; excess > 0 && old <= tick; old++) {
      const word = Atomics.load(this.#slots, this.#slotOf(bucket, old));
      if (word >>> COUNT_BITS === this.#lapOf(old)) excess -= word & MAX_COUNT;
      if (excess <= 0) return old + this.#window;
    }
    return excess <= 0 ? tick : tick + this.#window;
  }

  /** What the window holds, newest first. */
  entries(bucket: number, tick: number): WindowEntry[] {
    this.#advance(bucket, tick);
    const found: WindowEntry[] = [];
    for (let age = 0; age < this.#window; age++) {
      const word = Atomics.load(this.#slots, this.#slotOf(bucket, tick - age));
      const count = word & MAX_COUNT;
      if (count > 0 && word >>> COUNT_BITS === this.#lapOf(tick - age)) found.push([age, count]);
    }
    return found;
  }

  /** Adds entries, newest first, as far as a sum can hold them: what is left out is old, and the
   *  window is full without it. */
  add(bucket: number, tick: number, entries: readonly WindowEntry[]): void {
    const limit = this.#limits[bucket] as number;
    if (limit === 0) return;
    this.#advance(bucket, tick);
    for (const [age, count] of entries) {
      const room = Math.max(limit, MAX_SUM) - (this.#sums[bucket] as number);
      const added = Math.min(count, room);
      if (added <= 0 || age >= this.#window) return;
      Atomics.add(this.#sums, bucket, added);
      if (!this.#put(bucket, tick - age, added)) Atomics.sub(this.#sums, bucket, added);
    }
  }

  /** Clears the slots that have left the window since the bucket was last looked at. */
  #advance(bucket: number, tick: number): void {
    const head = this.#heads[bucket] as number;
    if (head >= tick) return;
    if (Atomics.load(this.#sums, bucket) !== 0) {
      const gone = Math.min(tick - this.#window, head - this.#window + this.#size);
      for (let old = head - this.#window + 1; old <= gone; old++) this.#clear(bucket, old);
    }
    // Losing this swap means that another thread has cleared as much.
    Atomics.compareExchange(this.#heads, bucket, head, tick);
  }

  /** Empties the slot of `old`, unless a newer tick has it already. */
  #clear(bucket: number, old: number): void {
    const at = this.#slotOf(bucket, old);
    const lap = this.#lapOf(old);
    for (;;) {
      const word = Atomics.load(this.#slots, at);
      const count = word & MAX_COUNT;
      if (count === 0 || isNewer(word >>> COUNT_BITS, lap)) return;
      if (Atomics.compareExchange(this.#slots, at, word, word - count) === word) {
        Atomics.sub(this.#sums, bucket, count);
        return;
      }
    }
  }

  #addToSum(bucket: number, count: number, limit: number): boolean {
    if (limit === 0) {
      Atomics.add(this.#sums, bucket, count);
      return true;
    }
    for (;;) {
      const sum = this.#sums[bucket] as number;
      if (sum + count > limit) return false;
      if (Atomics.compareExchange(this.#sums, bucket, sum, sum + count) === sum) return true;
    }
  }

  /** Adds to a slot what the sum has already. False when the slot is full or a newer tick's. */
  #put(bucket: number, tick: number, count: number): boolean {
    const at = this.#slotOf(bucket, tick);
    const lap = this.#lapOf(tick);
    for (;;) {
      const word = this.#slots[at] as number;
      const held = word & MAX_COUNT;
      if (word >>> COUNT_BITS === lap) {
        if (held + count > MAX_COUNT) return false;
        if (Atomics.compareExchange(this.#slots, at, word, word + count) === word) return true;
      } else {
        if (held > 0 && isNewer(word >>> COUNT_BITS, lap)) return false;
        const fresh = (lap << COUNT_BITS) | count;
        if (Atomics.compareExchange(this.#slots, at, word, fresh) !== word) continue;
        if (held > 0) Atomics.sub(this.#sums, bucket, held);
        return true;
      }
    }
  }

  #takeOut(bucket: number, tick: number, count: number): void {
    const at = this.#slotOf(bucket, tick);
    for (;;) {
      const word = this.#slots[at] as number;
      if (word >>> COUNT_BITS !== this.#lapOf(tick)) return;
      const out = Math.min(count, word & MAX_COUNT);
      if (out === 0) return;
      if (Atomics.compareExchange(this.#slots, at, word, word - out) === word) {
        Atomics.sub(this.#sums, bucket, out);
        return;
      }
    }
  }

  #slotOf(bucket: number, tick: number): number {
    return bucket * this.#size + (tick & (this.#size - 1));
  }

  #lapOf(tick: number): number {
    return (tick >>> this.#lapShift) & (LAPS - 1);
  }
}

/** Whether lap `a` is after lap `b`; both count modulo LAPS. */
function isNewer(a: number, b: number): boolean {
  const ahead = (a - b) & (LAPS - 1);
  return ahead > 0 && ahead < LAPS / 2;
}

/** A configured limit as an Int32; 0 = none. */
export function limitOf(value: number | boolean | undefined): number {
  return typeof value === 'number' && value > 0 ? Math.min(Math.floor(value), 2 ** 31 - 1) : 0;
}

/** Tokens as a count that a slot can hold. */
export function countOf(tokens: number): number {
  return tokens > 0 ? Math.min(Math.ceil(tokens), MAX_COUNT) : 0;
}
