/** Is the simulated provider's arithmetic right? All with a driven clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Admission,
  Limiter,
  type SimulatorLimits,
  type Ticket,
} from '../../lib/simulator/limiter.ts';
import { busiest } from '../../lib/simulator/time-ring.ts';

const MINUTE_MS = 60_000;
const limiterOf = (limits: SimulatorLimits): Limiter => new Limiter(() => limits);
const need = (promptTokens: number, maxCompletionTokens?: number) => ({
  promptTokens,
  maxCompletionTokens,
});

function ticketOf(admission: Admission): Ticket {
  assert.equal(admission.kind, 'admitted');
  return (admission as Extract<Admission, { kind: 'admitted' }>).ticket;
}

/** Admissions out of `count` tries at one moment. */
function served(limiter: Limiter, count: number, nowMs: number): number {
  const all = Array.from({ length: count }, () => limiter.admit('o', 'm', need(10, 10), nowMs));
  return all.filter(({ kind }) => kind === 'admitted').length;
}

test('requests per minute: a full bucket, then a continuous refill', () => {
  const limiter = limiterOf({ requestsPerMinute: 6 });
  assert.equal(served(limiter, 10, 0), 6);
  assert.equal(served(limiter, 10, 9_999), 0);
  assert.equal(served(limiter, 10, 10_000), 1, 'one in ten seconds');
  assert.equal(served(limiter, 10, 30_000), 2);
  assert.equal(served(limiter, 10, 30_000 + 10 * MINUTE_MS), 6, 'never more than the limit');
});

for (const { name, promptTokens, max, reserved } of [
  { name: 'a maximum below the cap', promptTokens: 100, max: 1_000, reserved: 1_100 },
  { name: 'a maximum above the cap', promptTokens: 100, max: 32_000, reserved: 16_484 },
  { name: 'no maximum', promptTokens: 100, max: undefined, reserved: 16_484 },
]) {
  test(`reservation: ${name}`, () => {
    const limiter = limiterOf({ tokensPerMinute: 100_000 });
    const ticket = ticketOf(limiter.admit('o', 'm', need(promptTokens, max), 0));
    assert.equal(ticket.reservedTokens, reserved);
    assert.equal(limiter.quotas('o', 'm', 0)[0]?.remaining, 100_000 - reserved);
  });
}

test('a reservation is corrected once to what was used', () => {
  const limiter = limiterOf({ tokensPerMinute: 20_000 });
  const ticket = ticketOf(limiter.admit('o', 'm', need(100), 0));
  assert.equal(limiter.admit('o', 'm', need(5_000), 0).kind, 'refused');
  const used = { promptTokens: 100, cachedTokens: 50, completionTokens: 20 };
  limiter.settle(ticket, used, 0);
  limiter.settle(ticket, used, 0);
  assert.equal(limiter.quotas('o', 'm', 0)[0]?.remaining, 20_000 - 120);
  const [stats] = limiter.stats();
  assert.deepEqual([stats?.tokens, stats?.running, stats?.admitted], [120, 0, 1]);
});

test('an answer longer than its reservation drives the bucket below zero', () => {
  const limiter = limiterOf({ tokensPerMinute: 20_000 });
  const ticket = ticketOf(limiter.admit('o', 'm', need(0, 32_000), 0));
  limiter.settle(ticket, { promptTokens: 0, cachedTokens: 0, completionTokens: 30_000 }, 0);
  const [quota] = limiter.quotas('o', 'm', 0);
  assert.deepEqual([quota?.remaining, quota?.fullInMs], [0, 90_000]);
});

test('two token buckets: cached tokens count in the total one only', () => {
  const limiter = limiterOf({ tokensPerMinute: 20_000, totalTokensPerMinute: 60_000 });
  const ticket = ticketOf(limiter.admit('o', 'm', need(10_000, 1_000), 0));
  const used = { promptTokens: 10_000, cachedTokens: 8_000, completionTokens: 500 };
  limiter.settle(ticket, used, 0);
  const remaining = limiter.quotas('o', 'm', 0).map((quota) => [quota.name, quota.remaining]);
  assert.deepEqual(remaining, [
    ['tokens_minute', 17_500],
    ['total_tokens_minute', 49_500],
  ]);
});

for (const { name, limits, quota, waitMs } of [
  { name: 'minute', limits: { requestsPerMinute: 1 }, quota: 'requests_minute', waitMs: 60_000 },
  { name: 'day', limits: { requestsPerDay: 1 }, quota: 'requests_day', waitMs: 86_400_000 },
  { name: 'tokens', limits: { tokensPerMinute: 20 }, quota: 'tokens_minute', waitMs: 60_000 },
  { name: 'day tokens', limits: { tokensPerDay: 20 }, quota: 'tokens_day', waitMs: 86_400_000 },
  {
    name: 'total tokens',
    limits: { tokensPerMinute: 100, totalTokensPerMinute: 20 },
    quota: 'total_tokens_minute',
    waitMs: 60_000,
  },
  { name: 'at once', limits: { concurrent: 1 }, quota: 'concurrent', waitMs: 0 },
  {
    name: 'five hours',
    limits: { window: { requests: 1, hours: 5 } },
    quota: 'window',
    waitMs: 18_000_000,
  },
]) {
  test(`the refusal names its quota and the wait: ${name}`, () => {
    const limiter = limiterOf(limits);
    assert.equal(served(limiter, 1, 0), 1);
    const refused = limiter.admit('o', 'm', need(10, 10), 0);
    assert.equal(refused.kind, 'refused');
    if (refused.kind !== 'refused') return;
    assert.equal(refused.quota, quota);
    assert.ok(Math.abs(refused.waitMs - waitMs) < 1, `waits ${refused.waitMs}`);
    if (waitMs > 0) assert.equal(served(limiter, 1, waitMs), 1, 'and then there is room');
  });
}

test('what is more than the limit never fits', () => {
  const refused = limiterOf({ tokensPerMinute: 1_000 }).admit('o', 'm', need(2_000, 1), 0);
  assert.deepEqual(refused, {
    kind: 'refused',
    quota: 'tokens_minute',
    waitMs: Number.POSITIVE_INFINITY,
  });
});

test('a refused request takes nothing', () => {
  const limiter = limiterOf({ requestsPerMinute: 10, tokensPerMinute: 100 });
  limiter.admit('o', 'm', need(5_000, 1), 0);
  assert.deepEqual(
    limiter.quotas('o', 'm', 0).map(({ remaining }) => remaining),
    [10, 100],
  );
});

test('owners and models have books of their own', () => {
  const limiter = limiterOf({ requestsPerMinute: 1 });
  for (const [owner, model] of [
    ['a', 'm'],
    ['a', 'n'],
    ['b', 'm'],
  ] as const) {
    assert.equal(limiter.admit(owner, model, need(1, 1), 0).kind, 'admitted');
    assert.equal(limiter.admit(owner, model, need(1, 1), 0).kind, 'refused');
  }
  assert.deepEqual(
    limiter.stats().map(({ admitted, rejected }) => [admitted, rejected]),
    [
      [1, 1],
      [1, 1],
      [1, 1],
    ],
  );
});

test('concurrency is given back by settling', () => {
  const limiter = limiterOf({ concurrent: 2 });
  const tickets = [1, 2].map(() => ticketOf(limiter.admit('o', 'm', need(1), 0)));
  assert.equal(served(limiter, 1, 0), 0);
  const [first] = tickets;
  assert.ok(first);
  limiter.settle(first, { promptTokens: 1, cachedTokens: 0, completionTokens: 0 }, 5);
  assert.equal(served(limiter, 1, 5), 1);
  assert.equal(limiter.stats()[0]?.peakRunning, 2);
});

test('a clock that goes backwards refills nothing and breaks nothing', () => {
  const limiter = limiterOf({ requestsPerMinute: 2 });
  assert.equal(served(limiter, 2, 10_000), 2);
  assert.equal(served(limiter, 2, 0), 0);
  assert.equal(served(limiter, 2, 40_000), 1);
});

test('arrivals are booked whatever becomes of them, and tell the busiest window', () => {
  const limiter = limiterOf({ requestsPerMinute: 3 });
  for (let at = 0; at < 5; at++) limiter.arrive('o', 'm', at * 20_000);
  assert.deepEqual(limiter.arrivals('o', 'm'), [0, 20_000, 40_000, 60_000, 80_000]);
  assert.equal(busiest(limiter.arrivals('o', 'm'), MINUTE_MS), 3);
  assert.deepEqual(limiter.arrivals('o', 'other'), []);
});

test('what is served stays under the limit in the long run, at any rhythm', () => {
  const seed = 20_261;
  let state = seed;
  const chance = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  const limiter = limiterOf({ requestsPerMinute: 30 });
  let nowMs = 0;
  let admitted = 0;
  for (let step = 0; step < 5_000; step++) {
    nowMs += chance() * 1_000;
    if (limiter.admit('o', 'm', need(1, 1), nowMs).kind === 'admitted') admitted += 1;
  }
  const most = 30 + (nowMs / MINUTE_MS) * 30;
  assert.ok(admitted <= most + 1 && admitted >= most - 2, `${admitted} of ${most}, seed ${seed}`);
});
