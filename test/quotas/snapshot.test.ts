import assert from 'node:assert/strict';
import test from 'node:test';
import { MAX_COOLDOWN_MS, MAX_SNAPSHOT_AGE_MS } from '../../lib/limits.ts';
import { type Bucket, type BucketLimits, READY, REFUSED } from '../../lib/quotas/bucket.ts';
import { type Lease, newLease } from '../../lib/quotas/lease.ts';
import { QuotaTable } from '../../lib/quotas/quota-table.ts';
import { QUOTAS } from '../../lib/quotas/rate-reading.ts';
import { seeded } from '../support/seeded.ts';

const SEED = Number(process.env.SEED ?? 20_261_123);
const T0 = 1_790_000_000_123;
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const B = 0 as Bucket;
const PATH = Int32Array.of(0);

const LIMITS: BucketLimits = {
  requestsPerMinute: 5,
  tokensPerMinute: 1_000,
  requestsPerDay: 50,
  tokensPerDay: 100_000,
  maxConcurrent: 0,
  safetyMargin: 0.2,
};

function table(limits: Partial<BucketLimits> = {}, bornMs = T0): QuotaTable {
  return new QuotaTable([{ ...LIMITS, ...limits }], { bornMs });
}

/** Another table, some time later, with what a file would have held. */
function reborn(from: QuotaTable, takenMs: number, nowMs: number, limits = {}): QuotaTable {
  const saved = JSON.parse(JSON.stringify(from.snapshot(B, takenMs) ?? null));
  const later = table(limits, nowMs);
  later.restore(B, nowMs, saved);
  return later;
}

function start(on: QuotaTable, nowMs: number, tokens = 0): boolean {
  const lease = newLease();
  return on.tryReserve(PATH, nowMs, tokens, lease) && on.settle(PATH, lease, nowMs, tokens);
}

/** A few random hours of one bucket, with nothing in flight at the end. Returns the time then. */
function live(on: QuotaTable, random: () => number): number {
  const below = (end: number) => Math.floor(random() * end);
  let nowMs = T0;
  const held: { lease: Lease; tokens: number }[] = [];
  for (let op = 0; op < 120; op++) {
    const dice = random();
    const lease = newLease();
    const tokens = below(300);
    if (dice < 0.5 && on.tryReserve(PATH, nowMs, tokens, lease)) {
      held.push({ lease, tokens });
      if (random() < 0.5) on.answered(PATH, lease);
    } else if (dice < 0.6) {
      const [ended] = held.splice(0, 1);
      if (ended !== undefined) on.settle(PATH, ended.lease, nowMs, below(400));
    } else if (dice < 0.62) on.cool(B, nowMs, nowMs + below(40_000));
    else if (dice < 0.64) on.rest(B, nowMs);
    else if (dice < 0.66) on.lowerConcurrency(B, nowMs);
    else if (dice < 0.72) {
      const quota = QUOTAS[below(QUOTAS.length)] ?? 'requests_minute';
      const limit = 1 + below(200);
      const reading = { quota, limit, remaining: below(limit), resetAtMs: nowMs + below(80_000) };
      on.learn(B, nowMs, [reading]);
    } else nowMs += dice < 0.97 ? below(4_000) : below(3 * HOUR_MS);
  }
  for (const { lease } of held) on.settle(PATH, lease, nowMs, below(400));
  return nowMs;
}

/** What a bucket says about itself and about requests of some sizes. */
function standing(of: QuotaTable, nowMs: number): unknown {
  return {
    admissions: [0, 1, 50, 200, 900].map((tokens) => of.admission(PATH, nowMs, tokens)),
    admissibleMs: [1, 200].map((tokens) => of.admissibleAtMs(PATH, nowMs, tokens) - nowMs),
    state: of.stateOf(B, nowMs),
    coolUntilMs: of.coolUntilMs(B, nowMs),
    concurrency: of.learnedConcurrency(B),
    learned: QUOTAS.map((quota) => of.standing(B, nowMs, quota)),
    day: of.usedInWindow(B, nowMs, 'tokens_day'),
  };
}

const WORLDS = 300;

test(`a restored bucket decides as the one it was taken from (seed ${SEED})`, () => {
  let refusals = 0;
  for (let seed = SEED; seed < SEED + WORLDS; seed++) {
    const random = seeded(seed);
    const continuousRefill = random() < 0.5;
    const before = table({ continuousRefill });
    const takenMs = live(before, random);
    const scale = [2_000, 90_000, 8 * HOUR_MS][Math.floor(random() * 3)] ?? 0;
    let nowMs = takenMs + Math.floor(random() * scale);
    const after = reborn(before, takenMs, nowMs, { continuousRefill });
    for (let look = 0; look < 12; look++) {
      const [was, is] = [standing(before, nowMs), standing(after, nowMs)];
      assert.deepEqual(is, was, `seed ${seed}, look ${look}, ${nowMs - takenMs} ms later`);
      if (before.admission(PATH, nowMs, 50) === REFUSED) refusals += 1;
      nowMs += Math.floor(random() * (look < 6 ? 5_000 : scale));
    }
  }
  assert.ok(refusals > WORLDS, `only ${refusals} refusals: the worlds are too empty`);
});

test('restarts in a row neither lose counts nor keep them longer', () => {
  let t = table();
  let nowMs = T0;
  for (let n = 0; n < 5; n++) start(t, nowMs, 10);
  for (let restart = 0; restart < 40; restart++) {
    const laterMs = nowMs + 37 * 60_000 + restart * 1_234;
    t = reborn(t, nowMs, laterMs);
    nowMs = laterMs;
    const inWindow = nowMs < T0 - (T0 % HOUR_MS) + 25 * HOUR_MS;
    assert.equal(t.usedInWindow(B, nowMs, 'requests_day'), inWindow ? 5 : 0);
  }
});

test('a limit that was lowered meanwhile holds', () => {
  const before = table({ requestsPerMinute: 9 });
  for (let n = 0; n < 6; n++) start(before, T0);
  for (let n = 0; n < 3; n++) start(before, T0 + 30_000);
  const after = reborn(before, T0 + 31_000, T0 + 32_000, { requestsPerMinute: 4 });
  assert.equal(start(after, T0 + 32_000), false);
  assert.equal(after.usedInWindow(B, T0 + 62_000, 'requests_minute'), 3, 'one of the old ones');
  assert.equal(start(after, T0 + 62_000), true);
  assert.equal(start(after, T0 + 62_000), false);
});

test('a limit that is gone is forgotten; starts are known without a limit', () => {
  const before = table({ requestsPerMinute: 0 });
  for (let n = 0; n < 7; n++) start(before, T0, 1);
  const after = reborn(before, T0 + 1, T0 + 2, { tokensPerMinute: 0 });
  assert.equal(after.usedInWindow(B, T0 + 2, 'requests_minute'), 7);
  assert.equal(after.usedInWindow(B, T0 + 2, 'tokens_minute'), 0);
  assert.equal(after.usedInWindow(B, T0 + 2, 'requests_day'), 7);
});

test('what is in flight is not kept', () => {
  const before = table({ maxConcurrent: 1 });
  before.tryReserve(PATH, T0, 10, newLease());
  const after = reborn(before, T0 + 1, T0 + 2, { maxConcurrent: 1 });
  assert.equal(after.inFlight(B), 0);
  assert.equal(after.usedInWindow(B, T0 + 2, 'requests_minute'), 1, 'its start counts');
  assert.equal(start(after, T0 + 2), true);
});

test('a rest that ended meanwhile still owes its one probe', () => {
  const before = table();
  before.cool(B, T0, T0 + 5_000);
  const after = reborn(before, T0 + 1, T0 + 60_000);
  assert.equal(after.stateOf(B, T0 + 60_000), 'ready');
  assert.equal(after.tryReserve(PATH, T0 + 60_000, 0, newLease()), true);
  assert.equal(after.tryReserve(PATH, T0 + 60_000, 0, newLease()), false);
});

test('disabled stays disabled, a bucket that holds nothing has no snapshot', () => {
  const before = table();
  assert.equal(before.snapshot(B, T0), undefined);
  before.disable(B);
  assert.equal(reborn(before, T0, T0 + 1).stateOf(B, T0 + 1), 'disabled');
});

test('two snapshots add up: counts, the later end, the smaller concurrency', () => {
  const [one, two] = [table(), table()];
  for (const [t, endMs] of [
    [one, T0 + 9_000],
    [two, T0 + 20_000],
  ] as const) {
    start(t, T0);
    start(t, T0);
    t.cool(B, T0, endMs);
  }
  const both = table();
  both.restore(B, T0 + 1, two.snapshot(B, T0));
  both.restore(B, T0 + 1, { ...one.snapshot(B, T0), concurrency: 7 });
  both.restore(B, T0 + 1, { takenMs: T0, concurrency: 9 });
  assert.equal(both.usedInWindow(B, T0 + 1, 'requests_minute'), 4);
  assert.equal(both.coolUntilMs(B, T0 + 1), T0 + 20_000);
  assert.equal(both.learnedConcurrency(B), 7);
});

test('a clock that was set back while the program was away makes nothing younger than now', () => {
  const before = table();
  start(before, T0);
  const after = reborn(before, T0, T0 - 3 * HOUR_MS);
  assert.equal(after.usedInWindow(B, T0 - 3 * HOUR_MS, 'requests_minute'), 1);
  assert.equal(after.usedInWindow(B, T0 - 3 * HOUR_MS + 61_000, 'requests_minute'), 0);
});

test('ends are capped, and what is too old is no news', () => {
  const t = table();
  t.restore(B, T0, { takenMs: T0, restUntilMs: T0 + 90 * MAX_COOLDOWN_MS });
  assert.equal(t.coolUntilMs(B, T0), T0 + MAX_COOLDOWN_MS);
  const old = table();
  const takenMs = T0 - MAX_SNAPSHOT_AGE_MS - 1;
  old.restore(B, T0, { takenMs, disabled: true, restUntilMs: T0 + 1_000, concurrency: 1 });
  assert.equal(old.stateOf(B, T0), 'ready');
});

const HUGE = [Number.MAX_SAFE_INTEGER, 1e300, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 28];
const ODD = [null, undefined, '5', true, {}, [], -1, Number.NaN, 0.5, [[]], [[1]], [null]];

test('nonsense is left out, field by field, without a throw', () => {
  const fresh = standing(table(), T0 + SECOND_MS);
  for (const odd of [...ODD, ...HUGE]) {
    const fields: object[] = [
      { windows: odd },
      { windows: { requests_minute: odd, tokens_day: [odd], requests_day: [[odd, odd]] } },
      { windows: { tokens_minute: [[odd, 5]], nobody: [[0, 5]] } },
      { windows: { requests_minute: [[0, odd]], tokens_day: [[0, odd]] } },
      { ramp: odd, disabled: odd === true ? 'yes' : odd, concurrency: odd },
      { learned: odd },
      { learned: [odd, { quota: odd, limit: 5 }, { quota: 'tokens_day', limit: odd }] },
      { learned: [{ quota: 'tokens_day', limit: 0, remaining: odd, resetMs: odd, readMs: odd }] },
    ];
    for (const field of fields) {
      const t = table();
      t.restore(B, T0 + SECOND_MS, { takenMs: T0, ...field });
      assert.deepEqual(standing(t, T0 + SECOND_MS), fresh, `${String(odd)}: ${Object.keys(field)}`);
    }
  }
  for (const odd of [...ODD, ...HUGE, 'x', 7]) {
    const t = table();
    t.restore(B, T0, odd);
    t.restore(B, T0, { takenMs: odd, disabled: true });
    assert.equal(t.admission(PATH, T0, 1), READY, String(odd));
  }
});

test('counts too large for a window fill it, and nothing overflows', () => {
  const t = table({ requestsPerDay: 0, tokensPerDay: 2_000_000_000 });
  const huge = Array.from({ length: 200 }, (_, n) => [n % 61, 2 ** 28 - 1]);
  const windows = { requests_minute: huge, tokens_minute: huge, tokens_day: huge };
  t.restore(B, T0, { takenMs: T0, windows });
  for (const window of ['requests_minute', 'tokens_minute', 'tokens_day'] as const) {
    const used = t.usedInWindow(B, T0, window);
    assert.ok(used >= 2 ** 30 && used <= 2_000_000_000, `${window} ${used}`);
  }
  assert.equal(start(t, T0, 1), false);
  assert.equal(t.usedInWindow(B, T0 + 61_000, 'tokens_minute'), 0);
  assert.equal(t.usedInWindow(B, T0 + 26 * HOUR_MS, 'tokens_day'), 0);
});
