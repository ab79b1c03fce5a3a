/** LEAST USED. Of the keys with room, the one with the fewest requests in its last 60 seconds. */
import { type Admission, type Bucket, PACED, READY } from '../quotas/bucket.ts';
import type { QuotaTable } from '../quotas/quota-table.ts';
import { type KeyRange, NONE, type Strategy } from './types.ts';

export const leastUsed: Strategy = (table, keys, nowMs, tokens, _random, lease) => {
  // Another thread may take the room of the key that was found: then the rest is looked at again.
  for (let tries = 0; tries < keys.paths.length; tries++) {
    const key = leastUsedWith(READY, table, keys, nowMs, tokens);
    const found = key === NONE ? leastUsedWith(PACED, table, keys, nowMs, tokens) : key;
    if (found === NONE) return NONE;
    if (table.tryReserve(keys.paths[found] as Int32Array, nowMs, tokens, lease)) return found;
  }
  return NONE;
};

function leastUsedWith(
  admission: Admission,
  table: QuotaTable,
  keys: KeyRange,
  nowMs: number,
  tokens: number,
): number {
  let best = NONE;
  let fewest = Number.POSITIVE_INFINITY;
  for (let key = 0; key < keys.paths.length; key++) {
    const used = table.requestsInWindow(keys.counters[key] as Bucket, nowMs);
    if (used >= fewest) continue;
    if (table.admission(keys.paths[key] as Int32Array, nowMs, tokens) !== admission) continue;
    best = key;
    fewest = used;
  }
  return best;
}
