/** WEIGHTED RANDOM. Of the keys with room, one by chance, in proportion to the weights. */
import { type Admission, PACED, READY } from '../quotas/bucket.ts';
import type { QuotaTable } from '../quotas/quota-table.ts';
import { type KeyRange, NONE, type Strategy } from './types.ts';

export const weightedRandom: Strategy = (table, keys, nowMs, tokens, random, lease) => {
  // Another thread may take the room of the key that was drawn: then the rest is drawn from again.
  for (let tries = 0; tries < keys.paths.length; tries++) {
    const ready = draw(READY, table, keys, nowMs, tokens, random);
    const key = ready === NONE ? draw(PACED, table, keys, nowMs, tokens, random) : ready;
    if (key === NONE) return NONE;
    if (table.tryReserve(keys.paths[key] as Int32Array, nowMs, tokens, lease)) return key;
  }
  return NONE;
};

/** One pass: each key with room replaces the one held with probability weight / weight so far. */
function draw(
  admission: Admission,
  table: QuotaTable,
  keys: KeyRange,
  nowMs: number,
  tokens: number,
  random: () => number,
): number {
  let held = NONE;
  let total = 0;
  for (let key = 0; key < keys.paths.length; key++) {
    if (table.admission(keys.paths[key] as Int32Array, nowMs, tokens) !== admission) continue;
    const weight = keys.weights[key] as number;
    total += weight;
    if (random() * total < weight) held = key;
  }
  return held;
}
