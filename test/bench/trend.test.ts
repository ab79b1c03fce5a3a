/** Is growth told from trembling? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFlat, trendOf } from '../../bench/soak/trend.ts';
import { seeded } from '../support/seeded.ts';

const SHARE = 0.03;

function series(gain: number, noise: number): number[] {
  const random = seeded(1);
  return Array.from({ length: 60 }, (_, at) => 100 + (gain * at) / 59 + (random() - 0.5) * noise);
}

test('the line through a straight series is the series', () => {
  const { first, last, gain, noise } = trendOf([1, 2, 3, 4]);
  assert.deepEqual([first, last, gain, Math.round(noise * 1e9)], [1, 4, 3, 0]);
});

const ROWS: readonly (readonly [what: string, values: readonly number[], flat: boolean])[] = [
  ['nothing changes', series(0, 0), true],
  ['it trembles', series(0, 20), true],
  ['it shrinks', series(-30, 2), true],
  ['it grows by less than the share', series(2, 0), true],
  ['it grows', series(10, 0), false],
  ['it grows and trembles', series(10, 4), false],
];
for (const [what, values, flat] of ROWS) {
  test(`${what}: ${flat ? 'flat' : 'not flat'}`, () => {
    assert.equal(isFlat(trendOf(values), SHARE), flat);
  });
}
