import assert from 'node:assert/strict';
import test from 'node:test';
import type { Bucket, BucketLimits } from '../../lib/quotas/bucket.ts';
import { Holdings } from '../../lib/quotas/holdings.ts';
import { newLease } from '../../lib/quotas/lease.ts';
import { QuotaTable } from '../../lib/quotas/quota-table.ts';

const T0 = 1_790_000_000_123;
const NO_LIMITS: BucketLimits = {
  requestsPerMinute: 0,
  tokensPerMinute: 0,
  requestsPerDay: 0,
  tokensPerDay: 0,
  maxConcurrent: 0,
};
const limited = (more: Partial<BucketLimits>): BucketLimits => ({ ...NO_LIMITS, ...more });
const [A, B, C] = [0 as Bucket, 1 as Bucket, 2 as Bucket];
const PATH = Int32Array.of(A, B);

test('a table that grows keeps what is in flight, and leases of before are settled once', () => {
  const t = new QuotaTable([limited({ maxConcurrent: 2 }), limited({ tokensPerMinute: 100 })], {
    bornMs: T0,
  });
  const lease = newLease();
  assert.equal(t.tryReserve(PATH, T0 + 500, 60, lease), true);
  const limits = [limited({ maxConcurrent: 1 }), limited({ tokensPerMinute: 100 }), NO_LIMITS];
  t.grow(limits, [], T0 + 600);
  assert.equal(t.bucketCount, 3);
  assert.deepEqual([t.inFlight(A), t.inFlight(B), t.inFlight(C)], [1, 1, 0]);
  assert.equal(t.tryReserve(PATH, T0 + 700, 1, newLease()), false, 'the new limit: one at a time');
  assert.equal(t.settle(PATH, lease, T0 + 900, 90), true);
  assert.equal(t.usedInWindow(B, T0 + 900, 'tokens_minute'), 90);
  assert.equal(t.settle(PATH, lease, T0 + 900, 90), false);
  assert.equal(t.tryReserve(PATH, T0 + 900, 11, newLease()), false);
  assert.equal(t.tryReserve(PATH, T0 + 900, 10, newLease()), true);
  assert.equal(t.endings[0], 1);
});

test('rests, probes under way and readings go on; emptied places begin anew', () => {
  const t = new QuotaTable([NO_LIMITS, NO_LIMITS], { bornMs: T0 });
  t.cool(A, T0, T0 + 1_000);
  t.cool(B, T0, T0 + 90_000);
  t.setTurn(B, 4);
  const probe = newLease();
  const only = Int32Array.of(A);
  assert.equal(t.tryReserve(only, T0 + 1_000, 0, probe), true);
  const resetAtMs = T0 + 50_000;
  t.learn(A, T0 + 1_000, [{ quota: 'tokens_day', limit: 9, remaining: 4, resetAtMs }]);
  t.grow([NO_LIMITS, NO_LIMITS, NO_LIMITS], [B], T0 + 1_500);
  assert.equal(t.tryReserve(only, T0 + 1_500, 0, newLease()), false, 'one probe, no second');
  t.answered(only, probe);
  t.settle(only, probe, T0 + 1_600, 0);
  assert.equal(t.tryReserve(only, T0 + 1_700, 0, newLease()), true);
  assert.deepEqual(t.standing(A, T0 + 1_700, 'tokens_day'), { limit: 9, remaining: 4, resetAtMs });
  assert.equal(t.coolUntilMs(B, T0 + 1_700), 0);
  assert.equal(t.turn(B), 0);
  assert.equal(t.stateOf(C, T0 + 1_700), 'ready');
});

test('a clock that was set back stays so', () => {
  const t = new QuotaTable([limited({ requestsPerDay: 1 })], { bornMs: T0 });
  assert.equal(t.tryReserve(Int32Array.of(A), T0 + 7_200_000, 0, newLease()), true);
  t.requestsInWindow(A, T0);
  t.grow([limited({ requestsPerDay: 1 })], [], T0 + 10);
  assert.equal(t.usedInWindow(A, T0 + 20, 'requests_day'), 1);
  assert.equal(t.usedInWindow(A, T0 + 20 + 90_000_000, 'requests_day'), 0);
});

test('a table cannot shrink, and another thread can cut the grown one', () => {
  const t = new QuotaTable([NO_LIMITS], { bornMs: T0 });
  t.grow([NO_LIMITS, limited({ requestsPerMinute: 1 })], [], T0);
  assert.throws(() => t.grow([NO_LIMITS], [], T0), RangeError);
  const limits = [NO_LIMITS, limited({ requestsPerMinute: 1 })];
  const other = new QuotaTable(limits, { shared: t.shared });
  assert.equal(t.tryReserve(PATH, T0, 0, newLease()), true);
  assert.equal(other.tryReserve(PATH, T0, 0, newLease()), false);
});

test('where only uncached tokens count, a cache gives back what it gave', () => {
  const t = new QuotaTable(
    [limited({ tokensPerMinute: 100 }), limited({ tokensPerMinute: 100, countsUncached: true })],
    { bornMs: T0 },
  );
  const [both, lease] = [Int32Array.of(0, 1), newLease()];
  assert.equal(t.tryReserve(both, T0, 90, lease), true);
  assert.equal(t.usedInWindow(B, T0, 'tokens_minute'), 90, 'nobody knows yet');
  t.settle(both, lease, T0 + 1, 80, 30);
  assert.equal(t.usedInWindow(A, T0 + 1, 'tokens_minute'), 80);
  assert.equal(t.usedInWindow(B, T0 + 1, 'tokens_minute'), 30);
});

test('a table with room grows where it is: other threads go over when they like', () => {
  const t = new QuotaTable([limited({ maxConcurrent: 2 })], { bornMs: T0, room: 3 });
  const other = new QuotaTable([limited({ maxConcurrent: 2 })], { shared: t.shared });
  const { shared } = t;
  const lease = newLease();
  assert.equal(other.tryReserve(Int32Array.of(A), T0, 0, lease), true);
  const limits = [limited({ maxConcurrent: 1 }), limited({ requestsPerMinute: 1 })];
  t.grow(limits, [], T0);
  assert.equal(t.shared, shared);
  assert.equal(t.bucketCount, 2);
  assert.equal(t.tryReserve(PATH, T0, 0, newLease()), false, 'the new limit');
  other.settle(Int32Array.of(A), lease, T0, 0);
  assert.equal(t.tryReserve(PATH, T0, 0, newLease()), true);
  other.grow(limits, [], T0);
  assert.equal(other.inFlight(A), 1);
  assert.equal(other.usedInWindow(B, T0, 'requests_minute'), 1);
  t.grow([...limits, NO_LIMITS], [B], T0);
  assert.equal(other.usedInWindow(B, T0, 'requests_minute'), 0, 'an emptied place, for all');
  assert.throws(() => t.grow([...limits, NO_LIMITS, NO_LIMITS], [], T0), RangeError);
  assert.equal(t.bucketCount, 3, 'and nothing has changed');
});

test('a dead thread: its places and probes are free, what it reserved stays booked', () => {
  const limits = [limited({ maxConcurrent: 2, tokensPerMinute: 100 })];
  const t = new QuotaTable(limits, { bornMs: T0, room: 2 });
  const words = () => new Int32Array(new SharedArrayBuffer(4 * Holdings.wordsFor(2)));
  const [holdings, others] = [new Holdings(words()), new Holdings(words())];
  const dead = new QuotaTable(limits, { shared: t.shared }, holdings);
  const alive = new QuotaTable(limits, { shared: t.shared }, others);
  const only = Int32Array.of(A);
  t.cool(A, T0, T0 + 1_000);
  const done = newLease();
  assert.equal(dead.tryReserve(only, T0 + 2_000, 10, done), true);
  dead.answered(only, done);
  assert.equal(dead.tryReserve(only, T0 + 2_000, 40, newLease()), true, 'two at a time');
  dead.settle(only, done, T0 + 2_000, 10);
  const own = newLease();
  assert.equal(alive.tryReserve(only, T0 + 2_000, 5, own), true);
  t.giveBack(holdings);
  assert.deepEqual([t.inFlight(A), t.endings[0]], [1, 2]);
  assert.equal(t.usedInWindow(A, T0 + 2_000, 'tokens_minute'), 55);
  assert.equal(alive.tryReserve(only, T0 + 2_000, 5, newLease()), true, 'its place in the ramp');
  t.giveBack(others);
  assert.equal(t.inFlight(A), 0);
});
