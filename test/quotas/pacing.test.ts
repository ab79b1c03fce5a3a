import assert from 'node:assert/strict';
import test from 'node:test';
import { nextStartMs, paceMs } from '../../lib/quotas/pacing.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

for (const {
  name,
  need,
  left,
  margin = 200,
  resetMs,
  windowMs = MINUTE,
  refilling = 0,
  wantMs,
} of [
  {
    name: 'what is left over the time to the reset',
    need: 1,
    left: 4,
    resetMs: 20_000,
    wantMs: 5_000,
  },
  { name: 'less left than needed: the reset', need: 9, left: 4, resetMs: 20_000, wantMs: 20_000 },
  { name: 'nothing left', need: 1, left: 0, resetMs: 20_000, wantMs: 20_000 },
  { name: 'a day: ten seconds', need: 1, left: 2, resetMs: 8e7, windowMs: DAY, wantMs: 10_000 },
  {
    name: 'refills, at the margin: 2.5 times as fast',
    need: 10,
    left: 200,
    resetMs: 48_000,
    refilling: 1_000,
    wantMs: 240,
  },
  {
    name: 'refills, half of it left',
    need: 10,
    left: 100,
    resetMs: 54_000,
    refilling: 1_000,
    wantMs: 400,
  },
  {
    name: 'refills, nothing left',
    need: 10,
    left: 0,
    resetMs: 60_000,
    refilling: 1_000,
    wantMs: 1_200,
  },
  {
    name: 'refills, overdrawn',
    need: 10,
    left: -50,
    resetMs: 63_000,
    refilling: 1_000,
    wantMs: 1_200,
  },
  {
    name: 'the reset comes before the refill',
    need: 100,
    left: 0,
    resetMs: 1_000,
    refilling: 1_000,
    wantMs: 1_000,
  },
  {
    name: 'no margin',
    need: 10,
    left: 0,
    margin: 0,
    resetMs: 60_000,
    refilling: 1_000,
    wantMs: 1_200,
  },
  { name: 'nothing needed', need: 0, left: 0, resetMs: 60_000, wantMs: 0 },
]) {
  test(`pace: ${name}`, () => {
    assert.equal(paceMs(need, left, margin, resetMs, windowMs, refilling), wantMs);
  });
}

for (const { name, ms = 1_000, nextStart, refills = true, want } of [
  { name: 'on time', nextStart: 1_000, want: 1_100 },
  { name: 'a little late: made up for', nextStart: 940, want: 1_040 },
  { name: 'very late: one pause is made up for', nextStart: 5, want: 1_000 },
  { name: 'late, with nothing that refills', nextStart: 940, refills: false, want: 1_100 },
  {
    name: 'over the end of the clock',
    ms: -(2 ** 31),
    nextStart: 2 ** 31 - 10,
    want: 90 - 2 ** 31,
  },
]) {
  test(`next start: ${name}`, () => assert.equal(nextStartMs(ms, nextStart, 100, refills), want));
}
