/** Are targets judged by the median of paired ratios, and is what was not measured said so? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Measured } from '../../../bench/peers/measure.ts';
import { metricTable } from '../../../bench/peers/report.ts';
import { judge, judgedLine, pairedRatios, TARGETS } from '../../../bench/peers/targets.ts';

const OURS = 'ours, http, passed through';
const MEASURED: readonly Measured[] = [
  { contender: OURS, metric: 'cpu-1kb', rounds: [30, 60, 80, Number.NaN] },
  { contender: 'nginx', metric: 'cpu-1kb', rounds: [10, 20, 20, 20] },
  { contender: 'Portkey', metric: 'cpu-1kb', rounds: [3_000, 600, 8_000, 10] },
  { contender: OURS, metric: 'rss-idle', rounds: [50 * 1_048_576] },
];

const judged = judge(MEASURED, 'ours, http');
const lineOf = (part: string) =>
  judged.map(judgedLine).find((line) => line.includes(part)) ?? 'no such line';

test('a ratio is of one round; a round without both is left out', () => {
  assert.deepEqual(pairedRatios(MEASURED, OURS, 'nginx', 'cpu-1kb'), [3, 3, 4]);
});

for (const { part, want } of [
  {
    part: 'nginx: CPU per request, 1 KB',
    want: /^PASS {2}fastest, passed through \/ nginx: .*: 3\.00 \(3\.00-4\.00\), at most 4\.00$/,
  },
  { part: 'Portkey: CPU per request, 1 KB', want: /^PASS .*: 0\.0100 \(0\.0100-0\.10\)/ },
  { part: 'memory idle', want: /^PASS .*: 50\.0 MiB, at most 60\.0 MiB$/ },
  { part: 'nginx: CPU per event', want: /^---- .*not measured/ },
  { part: 'claude-code-router: CPU per request, 1 KB', want: /^---- .*not measured/ },
])
  test(`target: ${part}`, () => assert.match(lineOf(part), want));

test('a target that is missed', () => {
  const slow = [{ contender: OURS, metric: 'rss-idle', rounds: [2 ** 30] }] as const;
  const row = judge(slow, 'ours, http').find(({ what }) => what.includes('memory idle'));
  assert.equal(row?.pass, false);
  assert.match(row === undefined ? '' : judgedLine(row), /^MISS /);
});

test('every target has a line, and no two the same', () => {
  assert.equal(judged.length, TARGETS.length);
  assert.equal(new Set(judged.map(({ what }) => what)).size, TARGETS.length);
});

test('a table shows values and what ours is to them', () => {
  const rows = [
    { name: OURS, way: 'passed through' },
    { name: 'nginx', way: 'passed through' },
    { name: 'nobody', way: 'passed through' },
  ] as const;
  const lines = metricTable('cpu-1kb', rows, MEASURED, 'ours, http').split('\n');
  assert.equal(lines.length, 5, lines.join('\n'));
  assert.match(
    lines[2] ?? '',
    /\| ours, http, passed through \| +60\.0 \| +30\.0-80\.0 \| +\| +\|/,
  );
  assert.match(lines[3] ?? '', /\| nginx +\| +20\.0 \| +10\.0-20\.0 \| +3\.00 \| +3\.00-4\.00 \|/);
});
