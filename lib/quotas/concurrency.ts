/**
 * How many requests of a bucket may be in flight?
 *
 * A configured maximum, and a learned one for providers that only ever say "too many at once"
 * (SURFACE §4.6): it halves on such an answer and grows by one after ten clean ones, until it is
 * as large as what was asked of it before anything was learned, or the configured maximum.
 */
import type { TableLayout } from './table-layout.ts';

const CLEAN_ANSWERS_PER_STEP = 10;
/** Refusals that come together are one piece of news: no second halving within this time. */
const SETTLING_MS = 1_000;
/** A learned limit that has grown to this no longer limits anything. */
const LEARNED_END = 256;

const WORDS = 4;

export class ConcurrencyLimits {
  readonly #maxima: Int32Array;
  readonly #inFlight: Int32Array;
  /** 0 = nothing learned. */
  readonly #learned: Int32Array;
  readonly #clean: Int32Array;
  readonly #loweredAt: Int32Array;

  constructor(layout: TableLayout, maxima: Int32Array) {
    this.#maxima = maxima;
    this.#inFlight = layout.words(maxima.length);
    this.#learned = layout.words(maxima.length);
    this.#clean = layout.words(maxima.length);
    this.#loweredAt = layout.words(maxima.length);
  }

  static wordsFor(buckets: number): number {
    return buckets * WORDS;
  }

  inFlight(bucket: number): number {
    return Atomics.load(this.#inFlight, bucket);
  }

  learned(bucket: number): number {
    return Atomics.load(this.#learned, bucket);
  }

  /** The maximum in force; 0 = none. */
  limit(bucket: number): number {
    const learned = this.#learned[bucket] as number;
    const maximum = this.#maxima[bucket] as number;
    return learned === 0 || (maximum !== 0 && maximum < learned) ? maximum : learned;
  }

  fits(bucket: number): boolean {
    const limit = this.limit(bucket);
    return limit === 0 || (this.#inFlight[bucket] as number) < limit;
  }

  enter(bucket: number): boolean {
    const limit = this.limit(bucket);
    if (limit === 0) {
      Atomics.add(this.#inFlight, bucket, 1);
      return true;
    }
    for (;;) {
      const count = this.#inFlight[bucket] as number;
      if (count >= limit) return false;
      if (Atomics.compareExchange(this.#inFlight, bucket, count, count + 1) === count) return true;
    }
  }

  leave(bucket: number): void {
    Atomics.sub(this.#inFlight, bucket, 1);
  }

  /** A clean answer: the tenth one since the last change lets one more request in. */
  grow(bucket: number): void {
    const learned = this.#learned[bucket] as number;
    if (learned === 0) return;
    if (Atomics.add(this.#clean, bucket, 1) + 1 !== CLEAN_ANSWERS_PER_STEP) return;
    Atomics.store(this.#clean, bucket, 0);
    const next = learned + 1 >= LEARNED_END ? 0 : learned + 1;
    Atomics.compareExchange(this.#learned, bucket, learned, next);
  }

  /** Too many at once, said at wrapped time `ms`: half of what was in flight, the refused one
   *  counted, is what may be. */
  halve(bucket: number, ms: number): void {
    const loweredAt = Atomics.load(this.#loweredAt, bucket);
    const learned = Atomics.load(this.#learned, bucket);
    const recent = ((ms - loweredAt) | 0) < SETTLING_MS && ((ms - loweredAt) | 0) >= 0;
    if (learned !== 0 && recent) return;
    if (Atomics.compareExchange(this.#loweredAt, bucket, loweredAt, ms) !== loweredAt) return;
    const limit = this.limit(bucket);
    const inFlight = Math.max(1, Atomics.load(this.#inFlight, bucket));
    const tried = limit === 0 ? inFlight : Math.min(limit, inFlight);
    Atomics.store(this.#learned, bucket, Math.max(1, Math.floor(tried / 2)));
    Atomics.store(this.#clean, bucket, 0);
  }

  /** Goes on with a learned limit of before; a lower one that is known already stays. */
  lowerTo(bucket: number, learned: number): void {
    const known = Atomics.load(this.#learned, bucket);
    if (learned >= LEARNED_END || (known !== 0 && known <= learned)) return;
    Atomics.store(this.#learned, bucket, learned);
  }
}
