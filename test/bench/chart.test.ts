/** Is everything drawn inside of its panel, labelled at round values, and harmless as text? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axisOf, short } from '../../bench/axis.ts';
import { chart } from '../../bench/chart.ts';

for (const { name, values, log, want } of [
  { name: 'linear from 0', values: [3, 47], log: false, want: '0 10 20 30 40 50' },
  { name: 'linear, small', values: [0.03], log: false, want: '0 0.01 0.02 0.03' },
  { name: 'linear, nothing but 0', values: [0], log: false, want: '0 0.2 0.4 0.6 0.8 1' },
  { name: 'no values', values: [], log: false, want: '0 0.2 0.4 0.6 0.8 1' },
  { name: 'decades', values: [1, 5_000], log: true, want: '1 10 100 1k' },
  { name: 'few decades', values: [1, 60], log: true, want: '1 2 5 10 20 50' },
  { name: 'one value of its own', values: [7], log: true, want: '1 2 5 10' },
  { name: 'zero has no logarithm', values: [0, 1, 10_000], log: true, want: '1 10 100 1k 10k' },
  { name: 'what is not a number', values: [Number.NaN, 2], log: false, want: '0 0.5 1 1.5 2' },
])
  test(`axis: ${name}`, () => {
    const axis = axisOf(values, log, 0, 100);
    assert.equal(axis.ticks.map(({ label }) => label).join(' '), want);
    for (const value of values.filter(Number.isFinite)) {
      assert.ok(axis.place(value) >= 0 && axis.place(value) <= 100, `${value}`);
    }
  });

for (const [value, want] of [
  [0, '0'],
  [999, '999'],
  [1_500, '1.5k'],
  [2_000_000, '2M'],
] as const)
  test(`label: ${value}`, () => assert.equal(short(value), want));

const DRAWN = chart('cost <&> "growth"', [
  {
    title: 'a panel',
    x: 'bytes',
    y: 'µs',
    logX: true,
    series: [
      {
        name: 'one',
        points: [
          [1, 2],
          [1_000, 40],
        ],
      },
      {
        name: 'two',
        points: [
          [1, Number.NaN],
          [10, 7],
        ],
      },
    ],
  },
  { title: 'an empty one', x: 'x', y: 'y', series: [] },
  { title: 'below', x: 'x', y: 'y', series: [{ name: 'n', points: [[0, 0]] }] },
]);

test('a chart is well-formed, in two columns, with all its words', () => {
  assert.match(DRAWN, /^<svg [^>]*viewBox="0 0 880 600"/);
  assert.match(DRAWN, /translate\(440 40\)[\s\S]*translate\(0 320\)/);
  for (const word of ['a panel', 'bytes', 'one', 'two', 'below', 'cost &#60;&#38;&#62; &#34;gro']) {
    assert.ok(DRAWN.includes(word), word);
  }
  const opened = [...DRAWN.matchAll(/<([a-z]+)(?:\s[^>]*)?(?<!\/)>/g)].length;
  assert.equal(opened, [...DRAWN.matchAll(/<\/[a-z]+>/g)].length);
  assert.doesNotMatch(DRAWN, /NaN|Infinity|undefined|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
});

test('every point is inside of its panel, one that is no number is left out', () => {
  const dots = [...DRAWN.matchAll(/cx="([\d.]+)" cy="([\d.]+)"/g)];
  assert.equal(dots.length, 4);
  for (const [, x, y] of dots) {
    assert.ok(Number(x) >= 58 && Number(x) <= 422, x);
    assert.ok(Number(y) >= 62 && Number(y) <= 234, y);
  }
});

test('it has colours for dark pages, and a background for every page', () => {
  assert.match(DRAWN, /prefers-color-scheme: dark/);
  assert.match(DRAWN, /<rect class="page"/);
});
