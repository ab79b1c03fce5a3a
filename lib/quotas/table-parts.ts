/**
 * What is a quota table made of? Its arrays, cut from one SharedArrayBuffer in one order, so that
 * every thread that cuts the same buffer for the same buckets has the same parts.
 *
 * Must stay true: every array but the clock's and the endings' holds the same number of words for
 * each bucket, one bucket after the other. That is what makes a table grow by plain copies.
 */
import type { BucketLimits } from './bucket.ts';
import { ConcurrencyLimits } from './concurrency.ts';
import { Gates } from './gates.ts';
import { LearnedQuotas } from './learned-quotas.ts';
import { CLOCK_WORDS, TableClock } from './table-clock.ts';
import { TableLayout } from './table-layout.ts';
import { COUNTED, limitOf } from './window-ring.ts';
import { Windows } from './windows.ts';

/** A new table born at `bornMs`; another thread's; or one that goes on where `before` is now. */
export type PartsOrigin =
  | { readonly bornMs: number }
  | { readonly shared: SharedArrayBuffer }
  | { readonly before: TableParts };

export class TableParts {
  readonly shared: SharedArrayBuffer;
  readonly bucketCount: number;
  readonly endings: Int32Array;
  readonly clock: TableClock;
  readonly turns: Int32Array;
  readonly windows: Windows;
  readonly gates: Gates;
  readonly concurrency: ConcurrencyLimits;
  readonly learned: LearnedQuotas;
  /** By bucket: 1 where tokens read from a cache do not count. Configuration, the same everywhere. */
  readonly countsUncached: Uint8Array;
  readonly #layout: TableLayout;

  /** Throws RangeError where a given buffer is too small, or `before` has more buckets. */
  constructor(buckets: readonly BucketLimits[], from: PartsOrigin) {
    const count = buckets.length;
    const shared = 'shared' in from ? from.shared : new SharedArrayBuffer(4 * wordsFor(count));
    const layout = new TableLayout(shared);
    this.shared = shared;
    this.bucketCount = count;
    this.endings = layout.words(1);
    const clock = layout.words(CLOCK_WORDS);
    if ('before' in from) clock.set(from.before.#layout.cuts[1] as Int32Array);
    this.clock = new TableClock(clock, 'bornMs' in from ? from.bornMs : undefined);
    this.turns = layout.words(count);
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
      const each = words.length / this.bucketCount;
      words.fill(0, bucket * each, (bucket + 1) * each);
    }
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

function wordsFor(buckets: number): number {
  const parts = Gates.wordsFor(buckets) + ConcurrencyLimits.wordsFor(buckets);
  const counts = Windows.wordsFor(buckets) + LearnedQuotas.wordsFor(buckets);
  return 1 + CLOCK_WORDS + buckets + counts + parts;
}

/** Starts are counted without a limit too: `least_used` and /health read them. */
function countedStarts({ requestsPerMinute, uncounted }: BucketLimits): number {
  return limitOf(requestsPerMinute) || (uncounted === true ? 0 : COUNTED);
}
