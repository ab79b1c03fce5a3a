/**
 * WEIGHTED RANDOM. Of the keys with room, one by chance, in proportion to the weights.
 *
 * A few draws from all keys come first: one that hits a key with room is a fair draw from those
 * with room. Only when they all miss is every key looked at.
 */
import { type Admission, PACED, READY, REFUSED } from '../quotas/bucket.ts';
import type { QuotaTable } from '../quotas/quota-table.ts';
import { admissionOf, type KeyRange, NONE, type Strategy } from './types.ts';

const QUICK_DRAWS = 4;

export const weightedRandom: Strategy = (table, keys, nowMs, tokens, random, lease) => {
  // Another thread may take the room of the key that was drawn: then it is drawn again.
  for (let tries = 0; tries < keys.count; tries++) {
    if (table.admission(keys.shared, nowMs, tokens) === REFUSED) return NONE;
    const quick = quickDraw(table, keys, tokens, random);
    const ready = quick === NONE ? draw(READY, table, keys, tokens, random) : quick;
    const key = ready === NONE ? draw(PACED, table, keys, tokens, random) : ready;
    if (key === NONE) return NONE;
    if (table.reserveChecked(keys.paths[key] as Int32Array, tokens, lease)) return key;
  }
  return NONE;
};

function quickDraw(
  table: QuotaTable,
  keys: KeyRange,
  tokens: number,
  random: () => number,
): number {
  const { weightSums, count } = keys;
  const total = weightSums[count - 1] as number;
  for (let draws = 0; draws < QUICK_DRAWS; draws++) {
    const key = firstAbove(weightSums, random() * total);
    if (key < count && admissionOf(table, keys, key, tokens) === READY) return key;
  }
  return NONE;
}

/** Index of the first sum that is larger than `value`. */
function firstAbove(sums: Float64Array, value: number): number {
  let from = 0;
  let to = sums.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((sums[middle] as number) > value) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** One pass: each key with room replaces the one held with probability weight / weight so far. */
function draw(
  wanted: Admission,
  table: QuotaTable,
  keys: KeyRange,
  tokens: number,
  random: () => number,
): number {
  let held = NONE;
  let total = 0;
  for (let key = 0; key < keys.count; key++) {
    if (admissionOf(table, keys, key, tokens) !== wanted) continue;
    const weight = keys.weights[key] as number;
    total += weight;
    if (held === NONE || random() * total < weight) held = key;
  }
  return held;
}
