/** Is growth called what it is, also where a constant part or noise is in the way? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../bench/bootstrap.ts';
import { fitGrowth } from '../../bench/fit.ts';

const XS = [1, 4, 16, 64, 256, 1_024, 4_096];
const random = seededRandom(5);
const noisy = (share: number) => 1 + share * (2 * random() - 1);

for (const { name, cost, want } of [
  { name: 'the same everywhere', cost: () => 50, want: 'flat' },
  { name: 'the same, with noise', cost: () => 50 * noisy(0.1), want: 'flat' },
  { name: 'falling', cost: (x: number) => 50 / x, want: 'flat' },
  { name: 'a logarithm', cost: (x: number) => 50 + 5 * Math.log2(x), want: 'flat' },
  { name: 'a square root', cost: (x: number) => Math.sqrt(x), want: 'below linear' },
  { name: 'linear', cost: (x: number) => 3 * x, want: 'linear' },
  { name: 'a constant, then linear', cost: (x: number) => 50 + x, want: 'linear' },
  { name: 'linear with a logarithm', cost: (x: number) => x * Math.log2(x + 1), want: 'worse' },
  { name: 'a constant, then quadratic', cost: (x: number) => 1e4 + x * x, want: 'worse' },
] as const)
  test(`growth: ${name}`, () => {
    const fit = fitGrowth(XS.map((x) => [x, cost(x)] as const));
    assert.equal(fit.growth, want, JSON.stringify(fit));
  });

for (const { name, points } of [
  {
    name: 'a point at 0',
    points: [
      [0, 5],
      [10, 5],
      [100, 5],
    ],
  },
  { name: 'one point', points: [[1, 5]] },
  { name: 'no point', points: [] },
  {
    name: 'a cost that is no number',
    points: [
      [1, Number.NaN],
      [10, 5],
      [100, 5],
    ],
  },
] as const)
  test(`growth: ${name}`, () => assert.equal(fitGrowth(points).growth, 'flat'));
