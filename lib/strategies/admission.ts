/** What a key of a range would be told, apart from the buckets that all keys share. */
import type { Admission } from '../quotas/bucket.ts';
import type { QuotaTable } from '../quotas/quota-table.ts';
import type { KeyRange } from './types.ts';

/** The table's time is that of its last call: ask it about `keys.shared` first. */
export function admissionOf(
  table: QuotaTable,
  keys: KeyRange,
  key: number,
  tokens: number,
): Admission {
  const from = key === 0 ? 0 : (keys.ends[key - 1] as number);
  return table.admissionOfPart(keys.own, from, keys.ends[key] as number, tokens);
}
