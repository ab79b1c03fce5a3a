/** What a strategy chooses from, and how it is called. */
import type { Bucket } from '../quotas/bucket.ts';
import type { Lease } from '../quotas/lease.ts';
import type { QuotaTable } from '../quotas/quota-table.ts';

/** No key has room. */
export const NONE = -1;

/** The keys of one provider for one model; all lists have one entry per key, in the file's order. */
export interface KeyRange {
  /** The buckets that a request with this key takes from. */
  readonly paths: readonly Int32Array[];
  /** The bucket that counts this key's requests. */
  readonly counters: readonly Bucket[];
  readonly weights: Float64Array;
  /** The bucket that keeps the turn of `round_robin`. */
  readonly turnBucket: Bucket;
}

/**
 * Reserves with one key and returns its index, or NONE. Keys that are READY come before those that
 * are PACED (SURFACE §4.2). Allocates nothing. `random` gives [0, 1).
 */
export type Strategy = (
  table: QuotaTable,
  keys: KeyRange,
  nowMs: number,
  tokens: number,
  random: () => number,
  lease: Lease,
) => number;
