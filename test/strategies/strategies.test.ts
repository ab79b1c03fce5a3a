import assert from 'node:assert/strict';
import test from 'node:test';
import { run, setup } from '../../bench/micro/select-and-reserve.ts';
import type { Bucket } from '../../lib/quotas/bucket.ts';
import { newLease } from '../../lib/quotas/lease.ts';
import { QuotaTable } from '../../lib/quotas/quota-table.ts';
import { STRATEGIES } from '../../lib/strategies/index.ts';
import { type KeyRange, keyRange, NONE } from '../../lib/strategies/types.ts';
import { seeded } from '../support/seeded.ts';

const T0 = 1_790_000_000_000;
const NAMES = ['round_robin', 'least_used', 'weighted_random'] as const;

/** One provider bucket (0) and a bucket for each key, with its requests per minute. */
function world(perMinute: readonly number[], weights = perMinute.map(() => 1), shared = 0) {
  const limits = [shared, ...perMinute].map((requestsPerMinute) => ({
    requestsPerMinute,
    tokensPerMinute: 0,
    requestsPerDay: 0,
    tokensPerDay: 0,
    maxConcurrent: 0,
    safetyMargin: 0.5,
  }));
  const table = new QuotaTable(limits, { bornMs: T0 });
  const keys = keyRange({
    paths: perMinute.map((_, key) => Int32Array.of(0, key + 1)),
    counters: perMinute.map((_, key) => (key + 1) as Bucket),
    weights: Float64Array.from(weights),
    turnBucket: 0 as Bucket,
  });
  return { table, keys };
}

const bucket = (key: number) => (key + 1) as Bucket;

function choose(
  name: (typeof NAMES)[number],
  it: { table: QuotaTable; keys: KeyRange },
  times: number,
) {
  const random = seeded(7);
  return Array.from({ length: times }, () =>
    STRATEGIES[name](it.table, it.keys, T0, 0, random, newLease()),
  );
}

test('round robin cycles over the keys with room', () => {
  const it = world([0, 1, 0]);
  assert.deepEqual(choose('round_robin', it, 7), [0, 1, 2, 0, 2, 0, 2]);
});

test('round robin is even when one key rests', () => {
  const it = world([0, 0, 0]);
  it.table.cool(bucket(0), T0, T0 + 9_000);
  assert.deepEqual(choose('round_robin', it, 4), [1, 2, 1, 2]);
});

test('least used takes the key with the fewest requests', () => {
  const it = world([0, 0, 0]);
  for (const key of [0, 0, 1]) {
    it.table.tryReserve(Int32Array.of(0, key + 1), T0, 0, newLease());
  }
  assert.deepEqual(choose('least_used', it, 3), [2, 1, 2]);
});

test('weighted random draws by weight, and among those with room', () => {
  const it = world([0, 0, 0], [1, 2, 5]);
  const counts = [0, 0, 0];
  for (const key of choose('weighted_random', it, 8_000)) counts[key] = (counts[key] ?? 0) + 1;
  counts.forEach((count, key) => {
    const want = 1_000 * ([1, 2, 5][key] ?? 0);
    assert.ok(Math.abs(count - want) < 150, `key ${key}: ${count}`);
  });
  it.table.cool(bucket(2), T0, T0 + 9_000);
  assert.ok(!choose('weighted_random', it, 200).includes(2));
});

for (const name of NAMES) {
  test(`${name}: a key that is paced serves only when no better one can`, () => {
    const it = world([0, 1]);
    const resetAtMs = T0 + 60_000;
    const quota = 'requests_minute';
    it.table.learn(bucket(0), T0, [{ quota, limit: 10, remaining: 4, resetAtMs }]);
    assert.deepEqual(choose(name, it, 3), [1, 0, NONE]);
  });

  test(`${name}: nobody has room`, () => {
    assert.deepEqual(choose(name, world([1, 1]), 3).sort(), [NONE, 0, 1]);
    assert.deepEqual(choose(name, world([0, 0], [1, 1], 1), 2).includes(NONE), true);
    assert.deepEqual(choose(name, world([]), 1), [NONE]);
  });

  test(`${name}: one key of very many is found, and nothing stays reserved`, () => {
    const it = setup(name, 256, 0.95);
    assert.equal(run(it, 500), 500);
    assert.equal(it.table.inFlight(0 as Bucket), 0);
  });
}
