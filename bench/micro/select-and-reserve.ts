/** SELECT AND RESERVE. One key chosen, reserved on all tiers and settled; no time passes by itself. */
import { type Bucket, newLease, QuotaTable } from '../../lib/quotas/quota-table.ts';
import { STRATEGIES } from '../../lib/strategies/index.ts';
import { type KeyRange, keyRange, type Strategy } from '../../lib/strategies/types.ts';

const LIMITS = {
  requestsPerMinute: 2_000_000_000,
  tokensPerMinute: 2_000_000_000,
  requestsPerDay: 2_000_000_000,
  tokensPerDay: 2_000_000_000,
  maxConcurrent: 1_000,
};
const TIERS_ABOVE = 3; // global, provider, model
const COOL_MS = 3_600_000;
const BORN_MS = 1_790_000_000_000;

export interface Case {
  readonly table: QuotaTable;
  readonly keys: KeyRange;
  readonly choose: Strategy;
  readonly lease: ReturnType<typeof newLease>;
  nowMs: number;
}

/** `keyCount` keys, each with an org, an org-model and a key bucket; a share of them is cooling. */
export function setup(
  strategy: keyof typeof STRATEGIES,
  keyCount: number,
  coolingShare: number,
): Case {
  const bucketCount = TIERS_ABOVE + 3 * keyCount;
  const limits = Array.from({ length: bucketCount }, () => LIMITS);
  const table = new QuotaTable(limits, { bornMs: BORN_MS });
  const base = (key: number) => TIERS_ABOVE + 3 * key;
  const list = Array.from({ length: keyCount }, (_, key) => key);
  const keys = keyRange({
    paths: list.map((key) => Int32Array.of(0, 1, 2, base(key), base(key) + 1, base(key) + 2)),
    counters: list.map((key) => base(key) as Bucket),
    weights: Float64Array.from(list, (key) => 1 + (key % 4)),
    turnBucket: 2 as Bucket,
  });
  for (const key of list) {
    if ((key % 20) / 20 >= coolingShare) continue;
    table.cool(base(key) as Bucket, BORN_MS, BORN_MS + COOL_MS);
  }
  return { table, keys, choose: STRATEGIES[strategy], lease: newLease(), nowMs: BORN_MS };
}

/** Chooses and settles `count` times; returns how often a key was found. */
export function run(it: Case, count: number): number {
  let found = 0;
  for (let i = 0; i < count; i++) {
    it.nowMs += i % 100 === 0 ? 1 : 0;
    const key = it.choose(it.table, it.keys, it.nowMs, 100, Math.random, it.lease);
    if (key < 0) continue;
    found += 1;
    it.table.settle(it.keys.paths[key] as Int32Array, it.lease, it.nowMs, 90);
  }
  return found;
}
