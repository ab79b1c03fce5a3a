/** Does the ring keep the newest times in order, and no more than it may? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busiest, TimeRing } from '../../lib/simulator/time-ring.ts';

for (const { capacity, pushed } of [
  { capacity: 10, pushed: 0 },
  { capacity: 10, pushed: 3 },
  { capacity: 10, pushed: 10 },
  { capacity: 10, pushed: 27 },
  { capacity: 100, pushed: 64 },
  { capacity: 100, pushed: 65 },
  { capacity: 100, pushed: 1_000 },
]) {
  test(`ring of ${capacity} after ${pushed}`, () => {
    const ring = new TimeRing(capacity);
    const all = Array.from({ length: pushed }, (_, at) => at * 3);
    for (const time of all) ring.push(time);
    assert.deepEqual(ring.values(), all.slice(-capacity));
  });
}

for (const { name, times, want } of [
  { name: 'none', times: [], want: 0 },
  { name: 'one', times: [5], want: 1 },
  { name: 'the end of the window is outside', times: [0, 60_000], want: 1 },
  { name: 'just inside', times: [0, 59_999], want: 2 },
  { name: 'a burst in the middle', times: [0, 100_000, 100_001, 130_000, 300_000], want: 3 },
]) {
  test(`busiest minute: ${name}`, () => assert.equal(busiest(times, 60_000), want));
}
