/** The words of the quota table: what a bucket may hold, and what can be said about one. */
import type { QuotaName } from './rate-reading.ts';

declare const bucketBrand: unique symbol;
/** Index of a bucket: its place in the list the table was built from. */
export type Bucket = number & { readonly [bucketBrand]: true };

/** Limits of one bucket; 0 = none. */
export interface BucketLimits {
  readonly requestsPerMinute: number;
  readonly tokensPerMinute: number;
  readonly requestsPerDay: number;
  readonly tokensPerDay: number;
  readonly maxConcurrent: number;
  /** Share of a learned limit at which pacing starts, 0..1 (`rate_limiting.safety_margin`). */
  readonly safetyMargin?: number;
  /** Requests left at which pacing starts, where the limit is not known. */
  readonly backoffThreshold?: number;
  /** Nobody asks how many requests started: they are not counted where they are not limited. */
  readonly uncounted?: boolean;
  /** Counts tokens as a quota of uncached ones does (WIRE.md §E.2): what was read from the
   *  provider's prompt cache is given back when the usage is known. */
  readonly countsUncached?: boolean;
  /** Learned quotas refill all the time rather than at their reset (`preset.continuousRefill`). */
  readonly continuousRefill?: boolean;
}

/** REFUSED: no room now. PACED: may go, but a READY one is better. Compare as numbers. */
export type Admission = 0 | 1 | 2;
export const REFUSED: Admission = 0;
export const PACED: Admission = 1;
export const READY: Admission = 2;

export type BucketState = 'ready' | 'pacing' | 'cooling' | 'disabled';

/** Which limit refuses: a configured one, a learned quota, or a state. */
export type LimitName =
  | 'requests_minute'
  | 'tokens_minute'
  | 'requests_day'
  | 'tokens_day'
  | 'concurrency'
  | 'cooling'
  | 'probe' // the one request after a cooldown has not been answered yet
  | 'disabled'
  | 'pacing'
  | `learned_${QuotaName}`;

export interface Block {
  readonly bucket: Bucket;
  readonly limit: LimitName;
  /** Infinity: when another request ends (`concurrency`, `probe`), or never (`disabled`, or more
   *  tokens than the limit: see `neverFits`). */
  readonly untilMs: number;
}

/** A learned quota as it stands; -1 where nothing is known. */
export interface QuotaStanding {
  readonly limit: number;
  readonly remaining: number;
  readonly resetAtMs: number;
}
