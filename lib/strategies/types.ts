/** What a strategy chooses from, and how it is called. */
import type { Admission, Bucket } from '../quotas/bucket.ts';
import type { Lease } from '../quotas/lease.ts';
import type { QuotaTable } from '../quotas/quota-table.ts';

/** No key has room. */
export const NONE = -1;

/** The keys of one provider for one model; all lists have one entry per key, in the file's
 *  order. */
export interface KeyList {
  /** The buckets that a request with this key takes from. */
  readonly paths: readonly Int32Array[];
  /** The bucket that counts this key's requests. */
  readonly counters: readonly Bucket[];
  readonly weights: Float64Array;
  /** The bucket that keeps the turn of `round_robin`. */
  readonly turnBucket: Bucket;
}

/** A list of keys, compiled: what all paths have in common is looked at once for all keys. */
export interface KeyRange extends KeyList {
  readonly count: number;
  /** The buckets in every path. */
  readonly shared: Int32Array;
  /** The other buckets of all keys, one key after another; key k has [ends[k - 1], ends[k]). */
  readonly own: Int32Array;
  readonly ends: Int32Array;
  /** Sums of the weights up to and with each key. */
  readonly weightSums: Float64Array;
}

export function keyRange(keys: KeyList): KeyRange {
  const { paths, weights } = keys;
  const first = paths[0] ?? new Int32Array(0);
  const shared = first.filter((bucket) => paths.every((path) => path.includes(bucket)));
  const own = paths.map((path) => path.filter((bucket) => !shared.includes(bucket)));
  let end = 0;
  let sum = 0;
  return {
    ...keys,
    count: paths.length,
    shared,
    own: Int32Array.from(own.flatMap((buckets) => [...buckets])),
    ends: Int32Array.from(own, (buckets) => {
      end += buckets.length;
      return end;
    }),
    weightSums: weights.map((weight) => {
      sum += weight;
      return sum;
    }),
  };
}

/** What a key would be told, apart from the buckets that all keys share. The table's time is that
 *  of its last call: ask it about `keys.shared` first. */
export function admissionOf(
  table: QuotaTable,
  keys: KeyRange,
  key: number,
  tokens: number,
): Admission {
  const from = key === 0 ? 0 : (keys.ends[key - 1] as number);
  return table.admissionOfPart(keys.own, from, keys.ends[key] as number, tokens);
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
