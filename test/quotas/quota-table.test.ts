import assert from 'node:assert/strict';
import test from 'node:test';
import { FIRST_REST_MS, MAX_COOLDOWN_MS, RAMP_END } from '../../lib/limits.ts';
import { type Bucket, type BucketLimits, PACED, READY, REFUSED } from '../../lib/quotas/bucket.ts';
import { newLease } from '../../lib/quotas/lease.ts';
import { QuotaTable } from '../../lib/quotas/quota-table.ts';

const T0 = 1_790_000_000_000;
const NO_LIMITS: BucketLimits = {
  requestsPerMinute: 0,
  tokensPerMinute: 0,
  requestsPerDay: 0,
  tokensPerDay: 0,
  maxConcurrent: 0,
};
const B = 0 as Bucket;
const PATH = Int32Array.of(0);

const table = (...limits: Partial<BucketLimits>[]) =>
  new QuotaTable(
    limits.map((each) => ({ ...NO_LIMITS, ...each })),
    { bornMs: T0 },
  );

/** Reserves and forgets: true when there was room. */
const start = (t: QuotaTable, nowMs: number, tokens = 0, path = PATH) =>
  t.tryReserve(path, nowMs, tokens, newLease());

/** How many more may start at once. */
function room(t: QuotaTable, nowMs: number, tokens = 0): number {
  let count = 0;
  while (count < 1_000 && start(t, nowMs, tokens)) count += 1;
  return count;
}

test('a minute holds for any 60 seconds, the partial second included', () => {
  const t = table({ requestsPerMinute: 2 });
  assert.equal(start(t, T0 + 999), true);
  assert.equal(start(t, T0 + 1_000), true);
  assert.equal(start(t, T0 + 60_998), false);
  assert.equal(t.admissibleAtMs(PATH, T0 + 2_000, 0), T0 + 61_000);
  assert.equal(start(t, T0 + 61_000), true);
  assert.equal(t.requestsInWindow(B, T0 + 61_000), 2);
});

test('a day holds for any 24 hours', () => {
  const t = table({ requestsPerDay: 1 });
  assert.equal(start(t, T0), true);
  assert.equal(start(t, T0 + 24 * 3_600_000 - 1), false);
  assert.equal(start(t, t.admissibleAtMs(PATH, T0 + 5, 0)), true);
});

test('all or nothing over the buckets of a path', () => {
  const t = table({ requestsPerMinute: 9 }, { tokensPerMinute: 100 }, { maxConcurrent: 1 });
  const path = Int32Array.of(0, 1, 2);
  assert.equal(start(t, T0, 100, path), true);
  assert.equal(start(t, T0, 0, path), false);
  assert.equal(t.requestsInWindow(0 as Bucket, T0), 1);
  assert.equal(t.inFlight(0 as Bucket), 1);
  assert.deepEqual(t.blockedBy(path, T0, 5), {
    bucket: 2,
    limit: 'concurrency',
    untilMs: Infinity,
  });
});

test('what is larger than a configured limit never fits, and says so', () => {
  const t = table({ tokensPerMinute: 100 });
  assert.equal(t.neverFits(PATH, 101), true);
  assert.equal(t.neverFits(PATH, 100), false);
  assert.equal(t.admissibleAtMs(PATH, T0, 101), Number.POSITIVE_INFINITY);
});

test('usage corrects the slot it was reserved in', () => {
  const t = table({ tokensPerMinute: 100 });
  const lease = newLease();
  assert.equal(t.tryReserve(PATH, T0, 90, lease), true);
  assert.equal(t.settle(PATH, lease, T0 + 30_000, 10), true);
  assert.equal(t.usedInWindow(B, T0 + 30_000, 'tokens_minute'), 10);
  assert.equal(t.usedInWindow(B, T0 + 61_000, 'tokens_minute'), 0);
  assert.equal(t.settle(PATH, lease, T0 + 61_000, 10), false);
});

test('a lease that is very old takes nothing from newer slots', () => {
  const t = table({ tokensPerMinute: 100 });
  const old = newLease();
  t.tryReserve(PATH, T0, 50, old);
  const lapMs = 64 * 16 * 1_000;
  assert.equal(start(t, T0 + lapMs, 50), true);
  t.cancel(PATH, old, T0 + lapMs);
  assert.equal(t.usedInWindow(B, T0 + lapMs, 'tokens_minute'), 50);
});

test('absurd token counts and times are taken as they can be', () => {
  const t = table({ tokensPerMinute: 100, requestsPerMinute: 50 });
  for (const tokens of [Number.NaN, -5, 0]) assert.equal(start(t, T0, tokens), true);
  assert.equal(start(t, T0, 1e300), false);
  for (const nowMs of [Number.NaN, Infinity, -Infinity, 1e300, -1e300]) {
    t.admission(PATH, nowMs, 1);
    assert.equal(t.requestsInWindow(B, T0 + 1), 3);
  }
});

test('a clock that jumps back a day neither sticks nor admits more', () => {
  const t = table({ requestsPerMinute: 1 });
  assert.equal(start(t, T0), true);
  const back = T0 - 86_400_000;
  assert.equal(start(t, back), false);
  assert.equal(start(t, back + 60_000), false);
  assert.equal(start(t, back + 62_000), true);
});

test('of two ends the later holds, capped', () => {
  const t = table({});
  assert.equal(t.cool(B, T0, T0 + 5_000), T0 + 5_000);
  assert.equal(t.cool(B, T0 + 1_000, T0 + 2_000), T0 + 5_000);
  const endMs = T0 + 1_000 + MAX_COOLDOWN_MS;
  assert.equal(t.cool(B, T0 + 1_000, T0 + 1e12), endMs);
  assert.equal(t.cool(B, T0 + 1_000, Number.NaN), endMs);
  assert.equal(t.stateOf(B, T0 + 1_000), 'cooling');
  assert.equal(t.coolUntilMs(B, endMs), 0);
});

test('a rest ends with one probe, then a ramp, then all', () => {
  const t = table({});
  t.cool(B, T0, T0 + 1_000);
  assert.equal(start(t, T0 + 999), false);
  const probe = newLease();
  assert.equal(t.tryReserve(PATH, T0 + 1_000, 0, probe), true);
  assert.equal(start(t, T0 + 1_000), false);
  assert.equal(t.blockedBy(PATH, T0 + 1_000, 0)?.limit, 'probe');
  t.answered(PATH, probe);
  t.answered(PATH, probe);
  assert.equal(room(t, T0 + 1_001), 1, 'two may be in flight');
  t.settle(PATH, probe, T0 + 1_002, 0);
  assert.equal(room(t, T0 + 1_003), 1);
  for (let more = 0; more < RAMP_END; more++) {
    const lease = newLease();
    t.tryReserve(PATH, T0 + 1_004, 0, lease);
    t.answered(PATH, lease);
    t.settle(PATH, lease, T0 + 1_004, 0);
    t.answered(PATH, lease);
  }
  const lease = newLease();
  assert.equal(t.tryReserve(PATH, T0 + 1_005, 0, lease), false, 'two forgotten ones are still out');
});

test('a probe that ends without an answer lets the next one go', () => {
  const t = table({});
  t.cool(B, T0, T0 + 1);
  const probe = newLease();
  t.tryReserve(PATH, T0 + 1, 0, probe);
  t.settle(PATH, probe, T0 + 2, 0);
  assert.equal(room(t, T0 + 3), 1);
});

test('a ramp of answers opens the bucket', () => {
  const t = table({});
  t.cool(B, T0, T0 + 1);
  for (let answers = 1; answers < RAMP_END; answers++) {
    const lease = newLease();
    assert.equal(t.tryReserve(PATH, T0 + 1, 0, lease), true);
    t.answered(PATH, lease);
    t.settle(PATH, lease, T0 + 1, 0);
  }
  assert.equal(room(t, T0 + 1), 1_000);
});

test('a refusal without an end rests 2 s, doubling to 60, once for each rest', () => {
  const t = table({});
  let nowMs = T0;
  for (const seconds of [2, 4, 8, 16, 32, 60, 60]) {
    const untilMs = t.rest(B, nowMs);
    assert.equal(untilMs - nowMs, seconds * 1_000);
    assert.equal(t.rest(B, nowMs + 1), untilMs);
    nowMs = untilMs;
  }
  const lease = newLease();
  t.tryReserve(PATH, nowMs, 0, lease);
  t.answered(PATH, lease);
  assert.equal(t.rest(B, nowMs) - nowMs, 2_000);
});

test('disabled stays disabled, until it is enabled', () => {
  const t = table({});
  t.disable(B);
  assert.equal(t.stateOf(B, T0), 'disabled');
  assert.equal(t.admissibleAtMs(PATH, T0, 0), Number.POSITIVE_INFINITY);
  t.cool(B, T0, T0 + 5);
  t.enable(B);
  assert.equal(t.stateOf(B, T0), 'ready');
  assert.equal(room(t, T0), 1_000);
});

test('learned concurrency halves, once for refusals that come together, and grows by one', () => {
  const t = table({ maxConcurrent: 9 });
  const leases = Array.from({ length: 8 }, newLease);
  for (const lease of leases) assert.equal(t.tryReserve(PATH, T0, 0, lease), true);
  for (let refusals = 0; refusals < 3; refusals++) t.lowerConcurrency(B, T0 + refusals);
  assert.equal(t.learnedConcurrency(B), 4);
  for (const lease of leases) t.settle(PATH, lease, T0, 0);
  assert.equal(room(t, T0 + 1), 4);
  const others = table({});
  others.lowerConcurrency(B, T0);
  for (let answers = 0; answers < 20; answers++) {
    const lease = newLease();
    assert.equal(others.tryReserve(PATH, T0, 0, lease), true);
    others.answered(PATH, lease);
    others.settle(PATH, lease, T0, 0);
  }
  assert.equal(others.learnedConcurrency(B), 3);
});

test('a learned quota is counted down, refuses when empty, and is full once at its reset', () => {
  const t = table({});
  const resetAtMs = T0 + 30_000;
  t.learn(B, T0, [{ quota: 'requests_minute', limit: 10, remaining: 3, resetAtMs }]);
  assert.equal(room(t, T0), 3);
  assert.deepEqual(t.blockedBy(PATH, T0, 0), {
    bucket: 0,
    limit: 'learned_requests_minute',
    untilMs: resetAtMs,
  });
  assert.equal(t.stateOf(B, T0), 'cooling');
  assert.deepEqual(t.standing(B, T0, 'requests_minute'), { limit: 10, remaining: 0, resetAtMs });
  assert.equal(start(t, resetAtMs - 1), false);
  assert.equal(room(t, resetAtMs), 10);
  assert.equal(room(t, resetAtMs + 59_999), 0);
  assert.equal(room(t, resetAtMs + 60_000), 1_000, 'without news it is forgotten');
});

test('a later reading of the same window cannot give requests back', () => {
  const t = table({});
  const resetAtMs = T0 + 30_000;
  t.learn(B, T0, [{ quota: 'requests_minute', limit: 10, remaining: 5, resetAtMs }]);
  assert.equal(start(t, T0), true);
  t.learn(B, T0 + 5, [
    { quota: 'requests_minute', limit: 10, remaining: 9, resetAtMs: resetAtMs + 5 },
  ]);
  assert.equal(t.standing(B, T0 + 5, 'requests_minute').remaining, 4);
});

test('within the safety margin a bucket is paced over the time to the reset', () => {
  const t = table({ safetyMargin: 0.2, backoffThreshold: 100 });
  const resetAtMs = T0 + 20_000;
  t.learn(B, T0, [{ quota: 'requests_minute', limit: 20, remaining: 5, resetAtMs }]);
  assert.equal(t.admission(PATH, T0, 0), READY);
  assert.equal(start(t, T0), true);
  assert.equal(t.admission(PATH, T0, 0), PACED);
  assert.equal(t.stateOf(B, T0), 'pacing');
  assert.equal(start(t, T0), true);
  assert.equal(t.admission(PATH, T0, 0), REFUSED);
  assert.deepEqual(t.blockedBy(PATH, T0, 0), { bucket: 0, limit: 'pacing', untilMs: T0 + 5_000 });
  assert.equal(start(t, T0 + 5_000), true);
});

test('pacing over a day slows a request by ten seconds at most', () => {
  const t = table({ safetyMargin: 0.2 });
  t.learn(B, T0, [{ quota: 'requests_day', limit: 100, remaining: 2, resetAtMs: T0 + 80_000_000 }]);
  assert.equal(start(t, T0), true);
  assert.equal(t.admissibleAtMs(PATH, T0, 0), T0 + 10_000);
});

test('a quota that refills all the time lets a request go when its rate has made room', () => {
  const t = table({ continuousRefill: true });
  const resetAtMs = T0 + 50_000;
  t.learn(B, T0, [{ quota: 'tokens_minute', limit: 60_000, remaining: 0, resetAtMs }]);
  // A sixteenth more than the estimate has to be there.
  assert.equal(t.admissibleAtMs(PATH, T0, 5_000), T0 + 5_312);
  assert.equal(start(t, T0 + 5_311, 5_000), false);
  assert.equal(start(t, T0 + 5_312, 5_000), true);
  assert.equal(start(t, T0 + 5_312, 1_000), false);
  // Our account says for itself that there is no room: the rest need not.
  assert.equal(t.probeAtMs(B, T0, 'tokens_minute', resetAtMs, 5_000), T0 + FIRST_REST_MS);
  assert.equal(t.probeAtMs(B, T0 + 9_000, 'tokens_minute', resetAtMs, 3_000), T0 + 12_000);
  assert.equal(t.probeAtMs(B, T0, 'requests_day', resetAtMs, 1), resetAtMs);
});

test('a pause is for what was used in the end, where the quota refills all the time', () => {
  const t = table({ continuousRefill: true, safetyMargin: 0.5 });
  const resetAtMs = T0 + 30_000;
  t.learn(B, T0, [{ quota: 'tokens_minute', limit: 60_000, remaining: 30_000, resetAtMs }]);
  const lease = newLease();
  assert.equal(t.tryReserve(PATH, T0, 20_000, lease), true);
  assert.equal(t.admissibleAtMs(PATH, T0, 5_000), T0 + 8_000, '2.5 times the refill of 1 a ms');
  t.settle(PATH, lease, T0 + 1_000, 4_000);
  const soonerMs = t.admissibleAtMs(PATH, T0 + 1_000, 5_000);
  assert.ok(soonerMs < T0 + 2_000 && soonerMs > T0 + 1_000, `${soonerMs - T0}`);
  assert.equal(start(t, soonerMs - 1, 5_000), false);
  assert.equal(start(t, soonerMs, 5_000), true);
});

test('of a quota that refills, less is believed at once and more little by little', () => {
  const t = table({ continuousRefill: true });
  const say = (remaining: number) => {
    t.learn(B, T0, [{ quota: 'tokens_minute', limit: 1_000, remaining, resetAtMs: T0 + 30_000 }]);
    return t.standing(B, T0, 'tokens_minute').remaining;
  };
  assert.equal(say(400), 400);
  assert.equal(say(200), 200);
  assert.equal(say(400), 225);
  let left = 0;
  for (let reading = 0; reading < 50; reading++) left = say(400);
  assert.equal(left, 400);
});

test('what was refused gives back nothing that a later reading says', () => {
  const t = table({ continuousRefill: true });
  const say = (nowMs: number, remaining: number) =>
    t.learn(B, nowMs, [
      { quota: 'tokens_minute', limit: 60_000, remaining, resetAtMs: nowMs + 9_000 },
    ]);
  const left = (nowMs: number) => t.standing(B, nowMs, 'tokens_minute').remaining;
  say(T0, 50_000);
  const [refused, broken] = [newLease(), newLease()];
  assert.equal(t.tryReserve(PATH, T0 + 1, 20_000, refused), true);
  say(T0 + 2, 4_000);
  t.settle(PATH, refused, T0 + 2, 0);
  assert.equal(left(T0 + 2), 4_000);
  assert.equal(t.tryReserve(PATH, T0 + 2, 3_000, broken), true);
  t.settle(PATH, broken, T0 + 2, 0);
  assert.equal(left(T0 + 2), 4_000, 'no news since: as if it had not been');
});

test('a pause that is for requests stays, whatever was used', () => {
  const t = table({ continuousRefill: true, safetyMargin: 0.5 });
  t.learn(B, T0, [
    { quota: 'requests_minute', limit: 60, remaining: 1, resetAtMs: T0 + 59_000 },
    { quota: 'tokens_minute', limit: 60_000, remaining: 30_000, resetAtMs: T0 + 30_000 },
  ]);
  const lease = newLease();
  assert.equal(t.tryReserve(PATH, T0, 100, lease), true);
  const pauseMs = t.admissibleAtMs(PATH, T0, 100);
  t.settle(PATH, lease, T0 + 10, 0);
  assert.equal(t.admissibleAtMs(PATH, T0 + 10, 100), pauseMs);
});

test('a request larger than a learned quota goes when that is full', () => {
  const t = table({});
  t.learn(B, T0, [{ quota: 'tokens_minute', limit: 100, remaining: 100, resetAtMs: T0 + 5 }]);
  assert.equal(start(t, T0, 500), true);
  assert.equal(start(t, T0, 1), false);
});

test('nonsense in readings changes nothing', () => {
  const t = table({});
  t.learn(B, T0, [
    { quota: 'requests_minute', limit: 5, remaining: 50, resetAtMs: T0 + 9 },
    { quota: 'requests_day', remaining: 0 },
    { quota: 'tokens_minute', limit: Number.NaN, remaining: -4, resetAtMs: T0 + 9 },
    { quota: 'tokens_day', limit: 1e300, remaining: 0, resetAtMs: T0 - 9 },
    { quota: 'tokens_hour', limit: 9, remaining: 0, resetAtMs: Number.NaN },
  ]);
  assert.equal(room(t, T0, 10), 1_000);
});

test('readings never let more through than is configured', () => {
  const t = table({ requestsPerMinute: 2 });
  t.learn(B, T0, [
    { quota: 'requests_minute', limit: 900, remaining: 900, resetAtMs: T0 + 60_000 },
  ]);
  assert.equal(room(t, T0), 2);
});

test('after months of silence no old rest comes back', () => {
  const t = table({});
  for (const days of [0, 20, 24, 25, 26, 48, 49, 50, 51, 99]) {
    const nowMs = T0 + days * 86_400_000;
    if (days === 0) {
      t.cool(B, nowMs, nowMs + 60_000);
      t.learn(B, nowMs, [
        { quota: 'requests_day', limit: 9, remaining: 0, resetAtMs: nowMs + 9_000_000 },
      ]);
    } else {
      assert.notEqual(t.stateOf(B, nowMs), 'cooling', `day ${days}`);
      assert.equal(t.admissibleAtMs(PATH, nowMs, 0), nowMs, `day ${days}`);
    }
  }
});

test('two tables on one buffer are one table', () => {
  const one = table({ requestsPerMinute: 1 });
  const two = new QuotaTable([{ ...NO_LIMITS, requestsPerMinute: 1 }], { shared: one.shared });
  assert.equal(start(one, T0), true);
  assert.equal(start(two, T0), false);
  one.cool(B, T0, T0 + 100_000);
  assert.equal(two.coolUntilMs(B, T0 + 1), T0 + 100_000);
});

test('round robin keeps its turn in the table, and endings are counted', () => {
  const t = table({});
  t.setTurn(B, 3);
  assert.equal(t.turn(B), 3);
  const lease = newLease();
  t.tryReserve(PATH, T0, 0, lease);
  t.settle(PATH, lease, T0, 0);
  assert.equal(t.endings[0], 1);
});
