/**
 * Where does the quota table of a configuration come from: from nothing, or from the one before?
 *
 * Must stay true: one table for both, so that what is in flight and what waits there counts here
 * too, to the last request (SURFACE §4.1); nothing is changed when there is no room for it.
 */
import type { Breakers } from './breakers.ts';
import { type BucketList, type Place, partsOf } from './buckets.ts';
import { SPARE_BUCKETS } from './limits.ts';
import type { Bucket } from './quotas/bucket.ts';
import type { Verdict } from './quotas/cooldown-rules.ts';
import { QuotaTable } from './quotas/quota-table.ts';

/** What a gateway leaves to the one after it. */
export interface Estate {
  readonly quotas: QuotaTable;
  readonly places: readonly Place[];
  readonly verdicts: Map<Bucket, Verdict>;
  readonly breakers: Breakers;
}

/** A table for these buckets. One that threads share gets room for those of later configurations:
 *  it cannot become another buffer while they use it. */
export function newTable({ limits }: BucketList, nowMs: number, isShared: boolean): QuotaTable {
  const room = isShared ? 4 * limits.length + SPARE_BUCKETS : 0;
  return new QuotaTable(limits, { bornMs: nowMs, room });
}

/** The table of before, with the buckets of `list`. Throws RangeError where it has no room. */
export function succeed(
  { quotas, places, verdicts, breakers }: Estate,
  list: BucketList,
  nowMs: number,
): QuotaTable {
  const given = list.gifts.flatMap(({ to, from }) => {
    const snapshot = quotas.snapshot(from, nowMs);
    const { marks: old } = places[from] as Place;
    const { org, key } = (list.places[to] as Place).marks;
    return (snapshot === undefined ? [] : partsOf(old, snapshot))
      .filter(({ marks }) => marks.some((mark) => org.includes(mark) || key.includes(mark)))
      .map((part) => ({ to, saved: part.snapshot, why: verdicts.get(from) }));
  });
  quotas.grow(list.limits, list.emptied, nowMs);
  for (const bucket of list.reopened) quotas.enable(bucket);
  for (const bucket of [...list.reopened, ...list.emptied]) {
    verdicts.delete(bucket);
    breakers.answered(bucket);
  }
  for (const { to, saved, why } of given) {
    quotas.restore(to, nowMs, saved);
    if (why !== undefined && !verdicts.has(to)) verdicts.set(to, why);
  }
  return quotas;
}
