/**
 * What is a quota table made of? Its arrays, cut from one SharedArrayBuffer in one order, so that
 * every thread that cuts the same buffer for the same buckets has the same parts.
 *
 * Must stay true: every array but the clock's and the endings' holds the same number of words for
 * each bucket, one bucket after the other. That is what makes a table grow by plain copies.
 */
import type { BucketLimits, LimitName } from './bucket.ts';
import { ConcurrencyLimits } from './concurrency.ts';
import { Gates } from './gates.ts';
import { LearnedQuotas } from './learned-quotas.ts';
import { CLOCK_WORDS, TableClock } from './table-clock.ts';
import { TableLayout } from './table-layout.ts';
import { COUNTED, limitOf } from './window-ring.ts';
import { WINDOWS, Windows } from './windows.ts';

/** A new table born at `bornMs`, with `room` for so many buckets where it is to hold more of them
 *  one day without becoming another buffer; another thread's; or one that goes on where `before` is
 *  now. */
export type PartsOrigin =
  | { readonly bornMs: number; readonly room?: number }
  | { readonly shared: SharedArrayBuffer }
  | { readonly before: TableParts };

/** What keeps a bucket from taking anything, and the milliseconds until it does not. */
export interface Wait {
  readonly limit: LimitName;
  readonly waitMs: number;
}

/** A place that nobody has yet. */
const FREE: BucketLimits = {
  uncounted: true,
  requestsPerMinute: 0,
  tokensPerMinute: 0,
  requestsPerDay: 0,
  tokensPerDay: 0,
  maxConcurrent: 0,
};

export class TableParts {
  readonly shared: SharedArrayBuffer;
  readonly bucketCount: number;
  /** Buckets that the buffer is cut for; 0 = for those that are there. */
  readonly room: number;
  readonly endings: Int32Array;
  readonly clock: TableClock;
  readonly turns: Int32Array;
  /** Faults in a row, for the circuit breakers. */
  readonly faults: Int32Array;
  readonly windows: Windows;
  readonly gates: Gates;
  readonly concurrency: ConcurrencyLimits;
  readonly learned: LearnedQuotas;
  /** By bucket: 1 where tokens read from a cache do not count. Configuration, the same everywhere. */
  readonly countsUncached: Uint8Array;
  readonly #layout: TableLayout;

  /** Throws RangeError where a given buffer or its room is too small, or `before` has more
   *  buckets. */
  constructor(known: readonly BucketLimits[], from: PartsOrigin) {
    const room = 'shared' in from ? roomIn(from.shared) : 'room' in from ? from.room : 0;
    this.room = room ?? 0;
    const buckets = filledUp(known, this.room);
    const count = buckets.length;
    const shared = 'shared' in from ? from.shared : new SharedArrayBuffer(4 * wordsFor(count));
    const layout = new TableLayout(shared);
    this.shared = shared;
    this.bucketCount = known.length;
    this.endings = layout.words(1);
    const clock = layout.words(CLOCK_WORDS);
    if ('before' in from) clock.set(from.before.#layout.cuts[1] as Int32Array);
    this.clock = new TableClock(clock, 'bornMs' in from ? from.bornMs : undefined);
    this.turns = layout.words(count);
    this.faults = layout.words(count);
    const column = (name: keyof BucketLimits) => Int32Array.from(buckets, (b) => limitOf(b[name]));
    this.windows = new Windows(layout, {
      requests_minute: Int32Array.from(buckets, countedStarts),
      tokens_minute: column('tokensPerMinute'),
      requests_day: column('requestsPerDay'),
      tokens_day: column('tokensPerDay'),
    });
    this.gates = new Gates(layout, count);
    this.concurrency = new ConcurrencyLimits(layout, column('maxConcurrent'));
    this.learned = new LearnedQuotas(layout, buckets);
    this.countsUncached = Uint8Array.from(buckets, (b) => (b.countsUncached === true ? 1 : 0));
    this.#layout = layout;
    if ('before' in from) this.#takeOver(from.before);
  }

  /** Forgets all that a bucket holds. */
  clear(bucket: number): void {
    for (const words of this.#ofBuckets()) {
      const each = words.length / (this.room || this.bucketCount);
      words.fill(0, bucket * each, (bucket + 1) * each);
    }
  }

  /** Everything that keeps a bucket from taking `tokens` now, with the time until it does not. */
  waits(bucket: number, tokens: number): Wait[] {
    const { clock, gates } = this;
    const waits: Wait[] = [];
    const never = Number.POSITIVE_INFINITY;
    if (gates.isDisabled(bucket)) waits.push({ limit: 'disabled', waitMs: never });
    else if (gates.isCooling(bucket, clock.ms)) {
      waits.push({ limit: 'cooling', waitMs: clock.msUntil(gates.end(bucket)) });
    } else if (!gates.fits(bucket, clock.ms)) waits.push({ limit: 'probe', waitMs: never });
    if (!this.concurrency.fits(bucket)) waits.push({ limit: 'concurrency', waitMs: never });
    for (const limit of WINDOWS) {
      waits.push({ limit, waitMs: this.windows.waitMs(bucket, clock, tokens, limit) });
    }
    const learned = this.learned.waitMs(bucket, clock.ms, tokens);
    const limit = learned.quota === undefined ? 'pacing' : (`learned_${learned.quota}` as const);
    waits.push({ limit, waitMs: clock.onClock(learned.waitMs) });
    return waits;
  }

  /** The clock goes on as it is, so times and leases of before stay good. */
  #takeOver(before: TableParts): void {
    const cuts = before.#layout.cuts;
    this.#layout.cuts.forEach((words, at) => {
      words.set(cuts[at] as Int32Array);
    });
  }

  #ofBuckets(): readonly Int32Array[] {
    return this.#layout.cuts.slice(2);
  }
}

function filledUp(buckets: readonly BucketLimits[], room: number): readonly BucketLimits[] {
  if (room === 0) return buckets;
  if (buckets.length > room) {
    throw new RangeError(`${buckets.length} buckets, and room for ${room}: a restart is needed`);
  }
  return [...buckets, ...Array<BucketLimits>(room - buckets.length).fill(FREE)];
}

/** How many buckets a buffer is cut for. */
export function roomIn(shared: SharedArrayBuffer): number {
  const perBucket = wordsFor(1) - wordsFor(0);
  return Math.floor((shared.byteLength / 4 - wordsFor(0)) / perBucket);
}

function wordsFor(buckets: number): number {
  const parts = Gates.wordsFor(buckets) + ConcurrencyLimits.wordsFor(buckets);
  const counts = Windows.wordsFor(buckets) + LearnedQuotas.wordsFor(buckets);
  return 1 + CLOCK_WORDS + 2 * buckets + counts + parts; // 2: turns, faults
}

/** Starts are counted without a limit too: `least_used` and /health read them. */
function countedStarts({ requestsPerMinute, uncounted }: BucketLimits): number {
  return limitOf(requestsPerMinute) || (uncounted === true ? 0 : COUNTED);
}
