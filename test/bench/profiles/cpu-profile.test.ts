/** Is the time of a profile given to the functions that spent it, and idle time to nobody? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CpuProfile,
  functionTimes,
  mergedTimes,
  type Span,
} from '../../../bench/profiles/cpu-profile.ts';
import { Places } from '../../../bench/profiles/places.ts';
import { fileTable, functionTable, profileRows } from '../../../bench/profiles/report.ts';
import { ROOT } from '../../support/source.ts';

const frame = (functionName: string, lineNumber = 0) => ({
  functionName,
  url: functionName.startsWith('(') ? '' : `file://${ROOT}lib/${functionName}.ts`,
  lineNumber,
  columnNumber: 0,
});

/** root -> a -> b -> a (recursive), root -> idle. */
const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 5] },
    { id: 2, callFrame: frame('a', 9), children: [3] },
    { id: 3, callFrame: frame('b'), children: [4] },
    { id: 4, callFrame: frame('a', 9) },
    { id: 5, callFrame: frame('(idle)') },
  ],
  startTime: 1_000,
  endTime: 1_600,
  samples: [2, 3, 4, 5, 2],
  timeDeltas: [100, 100, 100, 100, 100],
};

const byName = (span?: Span) =>
  functionTimes(PROFILE, span).map((row) => [row.frame.functionName, row.selfUs, row.totalUs]);

for (const { name, span, want } of [
  {
    name: 'all of it; a recursive call is counted once',
    span: undefined,
    want: [
      ['a', 200, 300],
      ['b', 100, 200],
    ],
  },
  { name: 'a span of it', span: { fromUs: 1_150, toUs: 1_250 }, want: [['b', 100, 100]] },
  { name: 'nothing', span: { fromUs: 5_000, toUs: 6_000 }, want: [] },
])
  test(`self and total time: ${name}`, () => {
    const rows = byName(span).filter(([, self]) => self !== 0);
    assert.deepEqual(rows, want);
  });

test('threads are added up', () => {
  const times = functionTimes(PROFILE);
  const [first] = mergedTimes([times, times]);
  assert.deepEqual([first?.selfUs, first?.totalUs], [400, 600]);
});

test('shares of the busy time, with places', () => {
  const rows = profileRows(functionTimes(PROFILE), new Places(ROOT));
  assert.match(functionTable(rows, 1), /\| a +\| +lib\/a\.ts:10 \| 66\.7 % \| +100\.0 % \|/);
  assert.match(fileTable(rows, 2), /\| lib\/b\.ts \| 33\.3 % \|/);
});

for (const { url, want } of [
  { url: 'node:net', want: 'node:net:1' },
  { url: '', want: 'native' },
  { url: `file://${ROOT}lib/x.js`, want: 'lib/x.js:1' },
])
  test(`place: "${url}"`, () => {
    const at = { functionName: 'x', url, lineNumber: 0, columnNumber: 0 };
    assert.equal(new Places(ROOT).of(at), want);
  });
