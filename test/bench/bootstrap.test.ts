/** Does the interval hold the true median as often as it says, and the same one for the same seed? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { medianInterval, seededRandom } from '../../bench/bootstrap.ts';

type Draw = (random: () => number) => number;

/** Two uniform numbers make a normal one (Box and Muller). */
const normal: Draw = (random) =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const EXPERIMENTS = 60;
const PAIRS = 15;

for (const { name, draw, trueMedian } of [
  { name: 'uniform', draw: (random: () => number) => random() * 2, trueMedian: 1 },
  { name: 'normal', draw: (random: () => number) => 10 + normal(random), trueMedian: 10 },
  {
    name: 'lognormal, as ratios are',
    draw: (random: () => number) => 1.05 * Math.exp(0.2 * normal(random)),
    trueMedian: 1.05,
  },
  {
    name: 'one in ten is ten times as large',
    draw: (random: () => number) => (random() < 0.1 ? 10 : 1) * (1 + 0.1 * normal(random)),
    trueMedian: 1.015,
  },
])
  test(`the interval holds the median in about 95 of 100: ${name}`, () => {
    const random = seededRandom(7);
    let held = 0;
    for (let i = 0; i < EXPERIMENTS; i++) {
      const sample = Array.from({ length: PAIRS }, () => draw(random));
      const { low, median, high } = medianInterval(sample, i);
      assert.ok(low <= median && median <= high);
      if (low <= trueMedian && trueMedian <= high) held += 1;
    }
    const share = held / EXPERIMENTS;
    assert.ok(share > 0.88 && share <= 1, `held in ${share} of the experiments`);
  });

test('more measurements, a narrower interval', () => {
  const random = seededRandom(3);
  const width = (count: number) => {
    const { low, high } = medianInterval(Array.from({ length: count }, () => normal(random)));
    return high - low;
  };
  assert.ok(width(200) < width(15));
});

test('the same seed, the same interval', () => {
  const values = [1, 5, 2, 8, 3, 9, 4];
  assert.deepEqual(medianInterval(values, 4), medianInterval(values, 4));
});

for (const { name, values, want } of [
  { name: 'one value', values: [2], want: { low: 2, median: 2, high: 2 } },
  { name: 'equal values', values: [3, 3, 3], want: { low: 3, median: 3, high: 3 } },
  { name: 'none', values: [], want: { low: Number.NaN, median: Number.NaN, high: Number.NaN } },
])
  test(`interval: ${name}`, () => assert.deepEqual(medianInterval(values), want));

test('random numbers are spread evenly over [0, 1)', () => {
  const random = seededRandom(1);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) {
    const at = Math.floor(random() * 10);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  assert.ok(
    counts.every((count) => count > 850 && count < 1_150),
    counts.join(' '),
  );
});
