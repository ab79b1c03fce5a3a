/** ROUND ROBIN. The next key with room after the one that served last. */
import { type Admission, PACED, READY } from '../quotas/bucket.ts';
import type { Lease } from '../quotas/lease.ts';
import type { QuotaTable } from '../quotas/quota-table.ts';
import { type KeyRange, NONE, type Strategy } from './types.ts';

export const roundRobin: Strategy = (table, keys, nowMs, tokens, _random, lease) => {
  const ready = nextWith(READY, table, keys, nowMs, tokens, lease);
  return ready === NONE ? nextWith(PACED, table, keys, nowMs, tokens, lease) : ready;
};

function nextWith(
  admission: Admission,
  table: QuotaTable,
  keys: KeyRange,
  nowMs: number,
  tokens: number,
  lease: Lease,
): number {
  const { paths, turnBucket } = keys;
  const count = paths.length;
  const turn = table.turn(turnBucket);
  for (let step = 0; step < count; step++) {
    const key = (turn + step) % count;
    const path = paths[key] as Int32Array;
    if (table.admission(path, nowMs, tokens) !== admission) continue;
    if (!table.tryReserve(path, nowMs, tokens, lease)) continue;
    table.setTurn(turnBucket, (key + 1) % count);
    return key;
  }
  return NONE;
}
