/**
 * What do the provider's headers leave us?
 *
 * Per bucket and quota the last reading: limit, remaining, reset. What starts after a reading is
 * counted down from it. At its reset a reading is taken to be full again once (so that waiting
 * requests do not all rush out), and forgotten at the next. Readings only ever forbid.
 *
 *   remaining   > safety_margin x limit   free
 *              <= safety_margin x limit   paced: the rest is spread over the time to the reset
 *               < what the request needs  nothing until the reset
 *
 * A quota that refills all the time (a token bucket) gains limit / window of it in every moment, so
 * there its reset is only an upper bound (SURFACE §4.6; pacing.ts). Several words make a reading
 * and threads may mix two of them: the next reading puts that right.
 */
import { FIRST_REST_MS, MAX_COOLDOWN_MS } from '../limits.ts';
import type { BucketLimits } from './bucket.ts';
import type { Lease } from './lease.ts';
import { nextStartMs, paceMs } from './pacing.ts';
import {
  counted,
  FIRST_TOKENS_QUOTA,
  HOUR_MS,
  type LearnedCell,
  MAX_VALUE,
  MINUTE_MS,
  QUOTAS,
  type QuotaName,
  type RateReading,
  windowOf,
} from './rate-reading.ts';
import { isBefore } from './table-clock.ts';
import type { TableLayout } from './table-layout.ts';

/** Two bits per quota in the word of a bucket. */
const NONE = 0;
const FRESH = 1;
const ROLLED = 2;

/** Resets closer than this are those of the same window. */
const SAME_RESET_MS = 2_000;

const FIELDS = 4;

export class LearnedQuotas {
  readonly #known: Int32Array;
  /** Wrapped ms before which a paced bucket does not start another request. */
  readonly #nextStarts: Int32Array;
  readonly #limits: Int32Array;
  readonly #remaining: Int32Array;
  /** Wrapped ms of the reset, and of the reading. */
  readonly #resets: Int32Array;
  readonly #readAt: Int32Array;
  readonly #buckets: readonly BucketLimits[];

  constructor(layout: TableLayout, buckets: readonly BucketLimits[]) {
    const cells = buckets.length * QUOTAS.length;
    this.#buckets = buckets;
    this.#known = layout.words(buckets.length);
    this.#nextStarts = layout.words(buckets.length);
    this.#limits = layout.words(cells);
    this.#remaining = layout.words(cells);
    this.#resets = layout.words(cells);
    this.#readAt = layout.words(cells);
  }

  static wordsFor(buckets: number): number {
    return buckets * (2 + FIELDS * QUOTAS.length);
  }

  /** Takes over a reading at wrapped time `ms`; `resetInMs` counts from then. */
  learn(bucket: number, ms: number, reading: RateReading, resetInMs: number | undefined): void {
    const quota = QUOTAS.indexOf(reading.quota);
    const cell = bucket * QUOTAS.length + quota;
    const limit = counted(reading.limit);
    if (limit !== undefined && limit > 0) Atomics.store(this.#limits, cell, limit);
    const remaining = counted(reading.remaining);
    const inMs = resetInMs ?? (windowOf(quota) === MINUTE_MS ? MINUTE_MS : undefined);
    if (remaining === undefined || inMs === undefined || !(inMs > 0)) return;
    if (limit !== undefined && remaining > limit) return;
    const reset = (ms + Math.min(Math.ceil(inMs), MAX_COOLDOWN_MS)) | 0;
    Atomics.store(this.#remaining, cell, this.#believed(bucket, quota, ms, remaining, reset));
    Atomics.store(this.#resets, cell, reset);
    Atomics.store(this.#readAt, cell, ms);
    this.#mark(bucket, quota, FRESH);
  }

  /** Our own account holds what has started since the answer was written, so less than it says is
   *  believed at once, and more of a quota that refills by an eighth with each reading. */
  #believed(bucket: number, quota: number, ms: number, heard: number, reset: number): number {
    if (this.#refillsNow(bucket, quota)) {
      const own = this.#available(bucket, quota, ms);
      return heard > own ? own + Math.ceil((heard - own) / 8) : heard;
    }
    if (!this.#isSameWindow(bucket, quota, reset)) return heard;
    return Math.min(Atomics.load(this.#remaining, bucket * QUOTAS.length + quota), heard);
  }

  isAnyKnown(bucket: number): boolean {
    return this.#known[bucket] !== 0;
  }

  /** Whether `tokens` more do not fit the readings, and whether the bucket is to be paced. */
  isExhausted(bucket: number, ms: number, tokens: number): boolean {
    for (let rest = Atomics.load(this.#known, bucket), q = 0; rest !== 0; rest >>>= 2, q++) {
      if ((rest & 3) !== NONE && this.#available(bucket, q, ms) < this.#wanted(bucket, q, tokens)) {
        return true;
      }
    }
    return false;
  }

  isLow(bucket: number, ms: number): boolean {
    for (let rest = Atomics.load(this.#known, bucket), q = 0; rest !== 0; rest >>>= 2, q++) {
      if ((rest & 3) !== NONE && this.#available(bucket, q, ms) <= this.#lowMark(bucket, q)) {
        return true;
      }
    }
    return false;
  }

  /** Whether a paced bucket has to let time pass before its next start. */
  isPausing(bucket: number, ms: number): boolean {
    return isBefore(ms, Atomics.load(this.#nextStarts, bucket));
  }

  /** Counts a start down from the readings; false, and nothing counted, without room. */
  take(bucket: number, ms: number, tokens: number): boolean {
    if (!this.isAnyKnown(bucket)) return true;
    const nextStart = Atomics.load(this.#nextStarts, bucket);
    const low = this.isLow(bucket, ms);
    if (low && isBefore(ms, nextStart)) return false;
    const gapMs = low ? this.#gapMs(bucket, ms, tokens) : 0;
    for (let q = 0; q < QUOTAS.length; q++) {
      if (this.#subtract(bucket, q, ms, tokens)) continue;
      this.#giveBack(bucket, q, tokens);
      return false;
    }
    if (gapMs === 0) return true;
    const paced = nextStartMs(ms, nextStart, gapMs, this.#refills(bucket));
    if (Atomics.compareExchange(this.#nextStarts, bucket, nextStart, paced) === nextStart) {
      return true;
    }
    this.#giveBack(bucket, QUOTAS.length, tokens);
    return false;
  }

  /** Undoes a `take` of wrapped time `takenMs`, in the readings that are older than it. */
  undo(bucket: number, takenMs: number, tokens: number): void {
    if (!this.isAnyKnown(bucket)) return;
    for (let q = 0; q < QUOTAS.length; q++) {
      const cell = bucket * QUOTAS.length + q;
      if (!this.#isKnown(bucket, q) || isBefore(takenMs, this.#readAt[cell] as number)) continue;
      Atomics.add(this.#remaining, cell, this.#need(bucket, q, tokens));
    }
  }

  /** Providers whose quota refills all the time book the real usage at the end, as we do. Nothing
   *  `used`: it was refused, and a reading from after its start does not hold it. */
  correct(bucket: number, ms: number, { ms: takenMs, tokens }: Lease, used: number): void {
    const delta = used - tokens;
    if (delta === 0 || !this.isAnyKnown(bucket) || !this.#refills(bucket)) return;
    for (let q = FIRST_TOKENS_QUOTA; q < QUOTAS.length; q++) {
      const cell = bucket * QUOTAS.length + q;
      const refused = used === 0 && isBefore(takenMs, this.#readAt[cell] as number);
      if (this.#isKnown(bucket, q) && !refused) Atomics.sub(this.#remaining, cell, delta);
    }
    if (delta < 0) this.#shortenPause(bucket, ms, -delta);
  }

  /** The pause after a start was for what it reserved, of which `unused` is left. */
  #shortenPause(bucket: number, ms: number, unused: number): void {
    if (!this.isLow(bucket, ms) || this.#gapMs(bucket, ms, 0) > 0) return; // or it was for requests
    const byMs = this.#gapMs(bucket, ms, unused);
    const next = Atomics.load(this.#nextStarts, bucket);
    if (isBefore(next, (ms - byMs) | 0)) return; // longer ago than anything is made up for
    Atomics.compareExchange(this.#nextStarts, bucket, next, (next - byMs) | 0);
  }

  /** Milliseconds until `tokens` fit the readings and the pacing; 0 = now. `quota` is set to the
   *  quota that takes longest, or undefined where it is the pacing. */
  waitMs(bucket: number, ms: number, tokens: number): { waitMs: number; quota?: QuotaName } {
    let longest: { waitMs: number; quota?: QuotaName } = { waitMs: 0 };
    let lowMs = 0;
    for (let q = 0; q < QUOTAS.length; q++) {
      if (!this.#isKnown(bucket, q)) continue;
      const waitMs = this.#reachesInMs(bucket, q, ms, this.#wanted(bucket, q, tokens));
      if (waitMs > longest.waitMs) longest = { waitMs, quota: QUOTAS[q] as QuotaName };
      lowMs = Math.max(lowMs, this.#reachesInMs(bucket, q, ms, this.#lowMark(bucket, q) + 1));
    }
    const pacedMs = Math.min(this.pauseMs(bucket, ms), lowMs);
    return pacedMs > longest.waitMs ? { waitMs: pacedMs } : longest;
  }

  /** Milliseconds until an exhausted quota that refills (else undefined) has `need` again; less
   *  where our account keeps requests back anyway: running ones may give some back before. */
  refillMs(bucket: number, ms: number, quota: QuotaName, need: number): number | undefined {
    const q = QUOTAS.indexOf(quota);
    const limit = Atomics.load(this.#limits, bucket * QUOTAS.length + q);
    if (limit === 0 || windowOf(q) > HOUR_MS || !this.#refills(bucket)) return undefined;
    const refillMs = Math.ceil((Math.min(need, limit) * windowOf(q)) / limit);
    return this.isExhausted(bucket, ms, need) ? Math.min(refillMs, FIRST_REST_MS) : refillMs;
  }

  /** Limit, remaining and ms until the reset; -1 where not known. */
  standing(bucket: number, ms: number, quota: QuotaName): [number, number, number] {
    const q = QUOTAS.indexOf(quota);
    const cell = bucket * QUOTAS.length + q;
    const available = this.#isKnown(bucket, q) ? Math.max(0, this.#available(bucket, q, ms)) : -1;
    const limit = Atomics.load(this.#limits, cell) || -1;
    if (available === -1 || !this.#isKnown(bucket, q)) return [limit, -1, -1];
    return [limit, available, Math.max(0, (Atomics.load(this.#resets, cell) - ms) | 0)];
  }

  /** See Gates.sweep. */
  sweep(bucket: number, ms: number, allOver: boolean): void {
    if (allOver || !this.isPausing(bucket, ms)) Atomics.store(this.#nextStarts, bucket, ms);
    if (allOver) Atomics.store(this.#known, bucket, 0);
    else this.isLow(bucket, ms);
  }

  /** All that is known of a bucket, as it is kept. */
  cells(bucket: number, ms: number): LearnedCell[] {
    const found: LearnedCell[] = [];
    for (let q = 0; q < QUOTAS.length; q++) {
      const cell = bucket * QUOTAS.length + q;
      const quota = QUOTAS[q] as QuotaName;
      const limit = this.#limits[cell] as number;
      const known = this.#isKnown(bucket, q) ? { remaining: this.#remaining[cell] as number } : {};
      if (limit === 0 && known.remaining === undefined) continue;
      const resetInMs = ((this.#resets[cell] as number) - ms) | 0;
      const readAgoMs = (ms - (this.#readAt[cell] as number)) | 0;
      const rolled = this.#stateOf(bucket, q) === ROLLED;
      found.push({ quota, limit, ...known, resetInMs, readAgoMs, rolled });
    }
    return found;
  }

  /** Takes over a cell of before; one whose time is over leaves its limit alone. */
  setCell(bucket: number, ms: number, from: LearnedCell): void {
    const q = QUOTAS.indexOf(from.quota);
    const cell = bucket * QUOTAS.length + q;
    const { limit, remaining, resetInMs, readAgoMs, rolled } = from;
    if (limit > 0) Atomics.store(this.#limits, cell, limit);
    const overMs = rolled || limit === 0 ? 0 : -windowOf(q);
    if (remaining === undefined || resetInMs <= overMs) return;
    Atomics.store(this.#remaining, cell, remaining);
    Atomics.store(this.#resets, cell, (ms + resetInMs) | 0);
    Atomics.store(this.#readAt, cell, (ms - readAgoMs) | 0);
    this.#mark(bucket, q, rolled ? ROLLED : FRESH);
  }

  /** Milliseconds for which a paced bucket starts nothing; 0 = it may. */
  pauseMs(bucket: number, ms: number): number {
    return Math.max(0, (Atomics.load(this.#nextStarts, bucket) - ms) | 0);
  }

  pause(bucket: number, ms: number, forMs: number): void {
    Atomics.store(this.#nextStarts, bucket, (ms + forMs) | 0);
  }

  /** What is left of a known quota; MAX_VALUE where its reading has just been forgotten. */
  #available(bucket: number, quota: number, ms: number): number {
    const cell = bucket * QUOTAS.length + quota;
    const reset = Atomics.load(this.#resets, cell);
    if (!isBefore(ms, reset)) return this.#roll(bucket, quota, ms, reset);
    const remaining = Atomics.load(this.#remaining, cell);
    if (!this.#refillsNow(bucket, quota)) return remaining;
    const limit = Atomics.load(this.#limits, cell);
    const sinceMs = (ms - Atomics.load(this.#readAt, cell)) | 0;
    const refill = Math.floor((Math.max(0, sinceMs) * limit) / windowOf(quota));
    return Math.min(limit, remaining + refill);
  }

  /** The reset has come: full again for one window, then forgotten. */
  #roll(bucket: number, quota: number, ms: number, reset: number): number {
    const cell = bucket * QUOTAS.length + quota;
    const limit = Atomics.load(this.#limits, cell);
    const next = (reset + windowOf(quota)) | 0;
    if (this.#stateOf(bucket, quota) !== FRESH || limit === 0 || !isBefore(ms, next)) {
      this.#mark(bucket, quota, NONE);
      return MAX_VALUE;
    }
    if (Atomics.compareExchange(this.#resets, cell, reset, next) !== reset) return 0;
    Atomics.store(this.#remaining, cell, limit);
    Atomics.store(this.#readAt, cell, ms);
    this.#mark(bucket, quota, ROLLED);
    return limit;
  }

  /** Milliseconds until a quota has `amount` left. */
  #reachesInMs(bucket: number, quota: number, ms: number, amount: number): number {
    const missing = amount - this.#available(bucket, quota, ms);
    if (missing <= 0) return 0;
    const cell = bucket * QUOTAS.length + quota;
    const resetMs = Math.max(0, (Atomics.load(this.#resets, cell) - ms) | 0);
    if (!this.#refillsNow(bucket, quota)) return resetMs;
    const limit = Atomics.load(this.#limits, cell);
    const have = Atomics.load(this.#remaining, cell);
    const sinceMs = (ms - Atomics.load(this.#readAt, cell)) | 0;
    const fullMs = Math.ceil(((amount - have) * windowOf(quota)) / limit) - sinceMs;
    return Math.min(resetMs, Math.max(1, fullMs));
  }

  /** Time between two starts that spreads what is left over the time to the reset. */
  #gapMs(bucket: number, ms: number, tokens: number): number {
    let gapMs = 0;
    for (let q = 0; q < QUOTAS.length; q++) {
      if (!this.#isKnown(bucket, q)) continue;
      const available = this.#available(bucket, q, ms);
      if (available > this.#lowMark(bucket, q)) continue;
      const need = this.#need(bucket, q, tokens);
      const cell = bucket * QUOTAS.length + q;
      const resetMs = Math.max(0, (Atomics.load(this.#resets, cell) - ms) | 0);
      const refilling = this.#refillsNow(bucket, q) ? Atomics.load(this.#limits, cell) : 0;
      const mark = this.#lowMark(bucket, q);
      gapMs = Math.max(gapMs, paceMs(need, available, mark, resetMs, windowOf(q), refilling));
    }
    return gapMs;
  }

  #subtract(bucket: number, quota: number, ms: number, tokens: number): boolean {
    if (!this.#isKnown(bucket, quota)) return true;
    const need = this.#need(bucket, quota, tokens);
    const cell = bucket * QUOTAS.length + quota;
    for (;;) {
      const remaining = Atomics.load(this.#remaining, cell);
      const available = this.#available(bucket, quota, ms);
      if (available < need) return false;
      if (available === MAX_VALUE) return true;
      const seen = Atomics.compareExchange(this.#remaining, cell, remaining, remaining - need);
      if (seen === remaining) return true;
    }
  }

  /** Undoes `#subtract` of the quotas before `end`. */
  #giveBack(bucket: number, end: number, tokens: number): void {
    for (let q = 0; q < end; q++) {
      if (!this.#isKnown(bucket, q)) continue;
      Atomics.add(this.#remaining, bucket * QUOTAS.length + q, this.#need(bucket, q, tokens));
    }
  }

  /** A request larger than the whole quota may go when the quota is full: our estimate may err. */
  #need(bucket: number, quota: number, tokens: number): number {
    if (quota < FIRST_TOKENS_QUOTA) return 1;
    const limit = Atomics.load(this.#limits, bucket * QUOTAS.length + quota);
    return limit !== 0 && tokens > limit ? limit : tokens;
  }

  /** What must be left for a start. Where all that comes in is spent at once, an estimate a little
   *  too low would be refused: a sixteenth more. */
  #wanted(bucket: number, quota: number, tokens: number): number {
    const need = this.#need(bucket, quota, tokens);
    if (quota < FIRST_TOKENS_QUOTA || !this.#refillsNow(bucket, quota)) return need;
    return Math.min(Atomics.load(this.#limits, bucket * QUOTAS.length + quota), need + (need >> 4));
  }

  /** At or below this much a quota is paced. */
  #lowMark(bucket: number, quota: number): number {
    const { safetyMargin = 0, backoffThreshold = 0 } = this.#buckets[bucket] as BucketLimits;
    const limit = Atomics.load(this.#limits, bucket * QUOTAS.length + quota);
    if (limit !== 0) return Math.floor(limit * safetyMargin);
    return quota < FIRST_TOKENS_QUOTA ? backoffThreshold : 0;
  }

  /** Requests of one window only get fewer: a later reading that says more was sent earlier. */
  #isSameWindow(bucket: number, quota: number, reset: number): boolean {
    if (quota >= FIRST_TOKENS_QUOTA || this.#refills(bucket)) return false;
    if (this.#stateOf(bucket, quota) !== FRESH) return false;
    const known = Atomics.load(this.#resets, bucket * QUOTAS.length + quota);
    return Math.abs((reset - known) | 0) < SAME_RESET_MS;
  }

  #refills(bucket: number): boolean {
    return (this.#buckets[bucket] as BucketLimits).continuousRefill === true;
  }

  #refillsNow(bucket: number, quota: number): boolean {
    if (!this.#refills(bucket) || windowOf(quota) > HOUR_MS) return false;
    const known = Atomics.load(this.#limits, bucket * QUOTAS.length + quota) !== 0;
    return known && this.#stateOf(bucket, quota) === FRESH;
  }

  #isKnown(bucket: number, quota: number): boolean {
    return this.#stateOf(bucket, quota) !== NONE;
  }

  #stateOf(bucket: number, quota: number): number {
    return (Atomics.load(this.#known, bucket) >>> (2 * quota)) & 3;
  }

  #mark(bucket: number, quota: number, state: number): void {
    for (;;) {
      const known = Atomics.load(this.#known, bucket);
      const next = (known & ~(3 << (2 * quota))) | (state << (2 * quota));
      if (Atomics.compareExchange(this.#known, bucket, known, next) === known) return;
    }
  }
}
