/** LEAST USED. Of the keys with room, the one with the fewest requests in its last 60 seconds. */
import { type Bucket, PACED, READY, REFUSED } from '../quotas/bucket.ts';
import type { QuotaTable } from '../quotas/quota-table.ts';
import { admissionOf, type KeyRange, NONE, type Strategy } from './types.ts';

export const leastUsed: Strategy = (table, keys, nowMs, tokens, _random, lease) => {
  // Another thread may take the room of the key that was found: then all are looked at again.
  for (let tries = 0; tries < keys.count; tries++) {
    if (table.admission(keys.shared, nowMs, tokens) === REFUSED) return NONE;
    const key = leastUsedKey(table, keys, tokens);
    if (key === NONE) return NONE;
    if (table.reserveChecked(keys.paths[key] as Int32Array, tokens, lease)) return key;
  }
  return NONE;
};

/** The least used of the READY keys, else of the PACED ones. */
function leastUsedKey(table: QuotaTable, keys: KeyRange, tokens: number): number {
  let ready = NONE;
  let fewest = Number.POSITIVE_INFINITY;
  let paced = NONE;
  let fewestPaced = Number.POSITIVE_INFINITY;
  for (let key = 0; key < keys.count; key++) {
    const used = table.startsInMinute(keys.counters[key] as Bucket);
    if (used >= fewest) continue;
    const admission = admissionOf(table, keys, key, tokens);
    if (admission === READY) {
      ready = key;
      fewest = used;
    } else if (admission === PACED && used < fewestPaced) {
      paced = key;
      fewestPaced = used;
    }
  }
  return ready === NONE ? paced : ready;
}
