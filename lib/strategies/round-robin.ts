/** ROUND ROBIN. The next key with room after the one that served last. */
import { PACED, READY, REFUSED } from '../quotas/bucket.ts';
import { admissionOf, NONE, type Strategy } from './types.ts';

export const roundRobin: Strategy = (table, keys, nowMs, tokens, _random, lease) => {
  const { count, paths, turnBucket } = keys;
  if (table.admission(keys.shared, nowMs, tokens) === REFUSED) return NONE;
  const turn = table.turn(turnBucket);
  // Keys that are paced come in a second round.
  for (let best: number = READY; best >= PACED; best--) {
    for (let step = 0; step < count; step++) {
      const key = (turn + step) % count;
      if (admissionOf(table, keys, key, tokens) !== best) continue;
      if (!table.reserveChecked(paths[key] as Int32Array, tokens, lease)) continue;
      table.setTurn(turnBucket, (key + 1) % count);
      return key;
    }
  }
  return NONE;
};
