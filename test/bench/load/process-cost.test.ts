/** Is the cost of a process read right, from /proc or from ps? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuUs, rssBytes, secondsIn } from '../../../bench/load/process-cost.ts';

for (const [time, seconds] of [
  ['00:00:07', 7],
  ['1:02.50', 62.5],
  ['01:00:01', 3_601],
  ['2-01:00:00', 176_400],
] as const)
  test(`ps: ${time}`, () => assert.equal(secondsIn(time), seconds));

test('processor time only grows', () => {
  const before = cpuUs(process.pid);
  let sum = 0;
  for (let i = 0; i < 30_000_000; i++) sum += i % 7;
  assert.ok(sum > 0 && cpuUs(process.pid) >= before);
});

test('memory is what this process says of itself, roughly', () => {
  const own = process.memoryUsage.rss();
  const seen = rssBytes(process.pid);
  assert.ok(seen > own / 2 && seen < own * 2, `${seen} of ${own}`);
});

test('no such process', () => {
  assert.throws(() => cpuUs(2 ** 30));
});
