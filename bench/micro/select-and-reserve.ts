/** SELECT AND RESERVE. One key chosen, reserved on all tiers and settled. Must allocate nothing. */
import assert from 'node:assert/strict';
import type { StrategyName } from '../../lib/config/types.ts';
import type { Bucket } from '../../lib/quotas/bucket.ts';
import { newLease } from '../../lib/quotas/lease.ts';
import { QuotaTable } from '../../lib/quotas/quota-table.ts';
import { STRATEGIES } from '../../lib/strategies/index.ts';
import { type KeyRange, keyRange, type Strategy } from '../../lib/strategies/types.ts';
import type { Case } from '../case.ts';

/** No limit is ever reached: an operation books one token. */
const NONE = {
  uncounted: true,
  requestsPerMinute: 0,
  tokensPerMinute: 0,
  requestsPerDay: 0,
  tokensPerDay: 0,
  maxConcurrent: 0,
};
const MUCH = 2_000_000_000;
/** As the gateway lays them out: global and provider have limits per minute and at once, an org has
 *  all five; model, org-model and key only rest. */
const ABOVE = { ...NONE, requestsPerMinute: MUCH, tokensPerMinute: MUCH, maxConcurrent: 1_000 };
const ORG = { ...ABOVE, requestsPerDay: MUCH, tokensPerDay: MUCH };
const TIERS_ABOVE = 3;
const COOL_MS = 3_600_000;
const BORN_MS = 1_790_000_000_000;
const NOW_MS = BORN_MS + 1_500;
const RESERVED_TOKENS = 2;
const USED_TOKENS = 1;

interface Keys {
  readonly table: QuotaTable;
  readonly range: KeyRange;
  readonly choose: Strategy;
  readonly lease: ReturnType<typeof newLease>;
}

/** `keyCount` keys, each with an org, an org-model and a key bucket; a share of them is cooling. */
export function setup(strategy: StrategyName, keyCount: number, coolingShare: number): Keys {
  const each = Array.from({ length: keyCount }, () => [ORG, NONE, NONE]).flat();
  const limits = [ABOVE, ABOVE, NONE, ...each];
  const table = new QuotaTable(limits, { bornMs: BORN_MS });
  const base = (key: number) => TIERS_ABOVE + 3 * key;
  const list = Array.from({ length: keyCount }, (_, key) => key);
  const range = keyRange({
    paths: list.map((key) => Int32Array.of(0, 1, 2, base(key), base(key) + 1, base(key) + 2)),
    counters: list.map((key) => base(key) as Bucket),
    weights: Float64Array.from(list, (key) => 1 + (key % 4)),
    turnBucket: 2 as Bucket,
  });
  for (const key of list) {
    if ((key % 20) / 20 >= coolingShare) continue;
    table.cool(base(key) as Bucket, BORN_MS, BORN_MS + COOL_MS);
  }
  return { table, range, choose: STRATEGIES[strategy], lease: newLease() };
}

/** Chooses and settles `count` times; returns how often a key was found. The time is a constant: a
 *  caller that passes a changing one makes a boxed number of 16 bytes for it, which is not ours. */
export function run(keys: Keys, count: number): number {
  const { table, range, choose, lease } = keys;
  let found = 0;
  for (let i = 0; i < count; i++) {
    const key = choose(table, range, NOW_MS, RESERVED_TOKENS, Math.random, lease);
    if (key < 0) continue;
    found += 1;
    table.settle(range.paths[key] as Int32Array, lease, NOW_MS, USED_TOKENS);
  }
  return found;
}

const PER_CALL = 100;

const row = (strategy: StrategyName, keyCount: number, coolingShare: number): Case => ({
  name:
    `select and reserve: ${strategy}, ${keyCount} keys` +
    (coolingShare > 0 ? `, ${coolingShare * 100} % cooling` : ''),
  unit: 'selection',
  operations: PER_CALL,
  bytes: 0,
  setup() {
    const keys = setup(strategy, keyCount, coolingShare);
    return () => run(keys, PER_CALL);
  },
  check: (result) => assert.equal(result, PER_CALL),
});

const NAMES = Object.keys(STRATEGIES) as StrategyName[];

export const cases: readonly Case[] = [
  ...NAMES.flatMap((name) => [1, 16, 256].map((keys) => row(name, keys, 0))),
  ...NAMES.map((name) => row(name, 256, 0.95)),
];
