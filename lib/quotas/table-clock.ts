/**
 * What time is it for the table?
 *
 * The caller's clock may stand still or jump backwards, and the clocks of threads differ a little.
 * The table's own time never goes back: it is the caller's time plus an offset that all threads
 * share. A small step back (less than a window) is waited out; a larger one moves the offset, so
 * that table time goes on from where it was. Must stay true: no step back of the caller's clock
 * makes table time run ahead of the time that really passed.
 *
 * Seconds count from the table's epoch and fit an Int32 for 68 years. Milliseconds are kept as an
 * Int32 that wraps every 49 days: `isBefore` compares them by their difference, which is right as
 * long as both are within 24 days of each other. Whoever stores one must clear it in time
 * (`sweep`).
 */

const SECOND = 0;
const OFFSET_SECONDS = 1;
const EPOCH_HIGH = 2;
const EPOCH_LOW = 3;
export const CLOCK_WORDS = 4;

const HOUR_MS = 3_600_000;
/** The epoch lies this long before the table's birth, so that no window reaches below zero. It is
 *  on a full hour of UTC, so that the seconds and hours of all tables begin together: counts that
 *  pass from one to the next keep their age. */
const LEAD_MS = 48 * HOUR_MS;
/** Steps back up to this are waited out. */
const PATIENCE_SECONDS = 60;
const LAST_SECOND = 0x7fff_ffff - 0x1_0000; // in 68 years
/** Twenty years: more is no clock that was set back, but no time at all. */
const MAX_STEP_BACK_SECONDS = 20 * 366 * 86_400;
/** Other threads move the clock at most once a second: a try is lost once or twice, never so
 *  often. */
const MAX_TRIES = 100;
const TWO_32 = 2 ** 32;

/** Whether wrapped time `a` is before wrapped time `b`. */
export function isBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

export class TableClock {
  /** Table time of the last `sync`. */
  second = 0;
  hour = 0;
  /** Milliseconds, wrapped to an Int32. */
  ms = 0;
  /** How far the caller's clock is behind where table time waits for it; 0 nearly always. */
  #lagMs = 0;
  /** This thread's clock at the last sync, and when it was first found far behind; 0 = it is
   *  not. */
  #nowMs = Number.NEGATIVE_INFINITY;
  #lateSinceMs = 0;
  readonly #words: Int32Array;
  readonly #epochMs: number;

  /** `bornMs` is given by the thread that creates the table; the others read it from the words. */
  constructor(words: Int32Array, bornMs: number | undefined) {
    this.#words = words;
    if (bornMs !== undefined) {
      const epoch = Math.floor(bornMs / HOUR_MS) * HOUR_MS - LEAD_MS;
      words[EPOCH_HIGH] = Math.floor(epoch / TWO_32);
      words[EPOCH_LOW] = epoch | 0;
      words[SECOND] = LEAD_MS / 1_000;
    }
    this.#epochMs = (words[EPOCH_HIGH] as number) * TWO_32 + ((words[EPOCH_LOW] as number) >>> 0);
  }

  /** Sets the fields to the table time of `nowMs` (ms since 1970, read just before the call).
   *  Returns the seconds by which this call moved the table on; 0 nearly always. */
  sync(nowMs: number): number {
    const words = this.#words;
    const beforeMs = this.#nowMs;
    for (let tries = 0; ; tries++) {
      const last = words[SECOND] as number; // plain: the swaps below fail if it has changed
      const offset = words[OFFSET_SECONDS] as number;
      const sinceEpochMs = nowMs - this.#epochMs + offset * 1_000;
      const second = Math.floor(sinceEpochMs / 1_000);
      const isTime = second <= LAST_SECOND && last - second < MAX_STEP_BACK_SECONDS;
      if (!isTime || tries === MAX_TRIES) return this.#wait(last, 0);
      this.#nowMs = nowMs;
      if (second === last) return this.#set(second, sinceEpochMs);
      if (second > last) {
        if (Atomics.compareExchange(words, SECOND, last, second) !== last) continue;
        this.#set(second, sinceEpochMs);
        return second - last;
      }
      if (last - second <= PATIENCE_SECONDS || !this.#wasSetBack(beforeMs)) {
        return this.#wait(last, last * 1_000 - sinceEpochMs);
      }
      // Just before the last second, not in it: how far into it the clock had come is not known.
      Atomics.compareExchange(words, OFFSET_SECONDS, offset, offset + (last - 1 - second));
    }
  }

  /** Whether this thread's clock went back, or has been behind the others' for a window. A thread
   *  that was merely suspended between reading its clock and coming here is late for one call. */
  #wasSetBack(beforeMs: number): boolean {
    if (this.#nowMs < beforeMs) return true;
    if (this.#lateSinceMs === 0) this.#lateSinceMs = this.#nowMs;
    return this.#nowMs - this.#lateSinceMs >= PATIENCE_SECONDS * 1_000;
  }

  /** Milliseconds of the caller's clock, from the last sync, until a wrapped time to come. */
  msUntil(wrapped: number): number {
    return this.onClock((wrapped - this.ms) | 0);
  }

  /** The same until the start of a second of the table to come. */
  msUntilSecond(second: number): number {
    return this.onClock((second - this.second) * 1_000 - this.#intoSecond());
  }

  /** A time to wait for the table, as a time to wait by the caller's clock. */
  onClock(waitMs: number): number {
    return waitMs > 0 ? waitMs + this.#lagMs : waitMs;
  }

  #intoSecond(): number {
    return (this.ms - ((this.second * 1_000) | 0)) | 0;
  }

  #wait(second: number, lagMs: number): number {
    this.#place(second, second * 1_000);
    this.#lagMs = Math.ceil(lagMs);
    return 0;
  }

  #set(second: number, sinceEpochMs: number): number {
    this.#place(second, sinceEpochMs);
    this.#lagMs = 0;
    this.#lateSinceMs = 0;
    return 0;
  }

  #place(second: number, sinceEpochMs: number): void {
    this.second = second;
    this.hour = Math.floor(second / 3_600);
    this.ms = Math.floor(sinceEpochMs) | 0;
  }
}
