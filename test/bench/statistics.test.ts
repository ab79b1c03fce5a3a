/** Are medians, percentiles and ratios what they are called, and shown as a reader needs? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { medianRatio, percentile, shown, summarize } from '../../bench/statistics.ts';
import { markdownTable } from '../../bench/table.ts';

for (const { name, values, percent, want } of [
  { name: 'the middle of three', values: [3, 1, 2], percent: 50, want: 2 },
  { name: 'between the two in the middle', values: [4, 1, 2, 3], percent: 50, want: 2.5 },
  { name: 'of one', values: [7], percent: 99, want: 7 },
  { name: 'the largest', values: [1, 9, 5], percent: 100, want: 9 },
  { name: 'of nothing', values: [], percent: 50, want: Number.NaN },
])
  test(`percentile: ${name}`, () => assert.equal(percentile(values, percent), want));

test('a summary is median, least and most', () => {
  assert.deepEqual(summarize([5, 1, 3]), { median: 3, min: 1, max: 5 });
});

test('a ratio is of pairs, not of medians', () => {
  assert.equal(medianRatio([10, 20, 60], [5, 20, 20]), 2);
});

for (const [value, want] of [
  [1_234.5, '1,235'],
  [99.95, '100.0'],
  [12.34, '12.3'],
  [1.234, '1.23'],
  [0, '0.00'],
  [Number.NaN, '-'],
] as const)
  test(`shown: ${value}`, () => assert.equal(shown(value), want));

test('a table lines up', () => {
  assert.equal(
    markdownTable(['a', 'long'], [['name', '1']]),
    '| a    | long |\n| ---- | ---: |\n| name |    1 |\n',
  );
});
