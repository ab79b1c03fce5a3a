/** Does every part of the load benches run, with right answers? Nothing here looks at a time. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { PARTS, runLoad } from '../../../bench/load/run.ts';
import { ROOT } from '../../support/source.ts';

test('all parts, as small as they can be', async () => {
  const { PROGRAM = `${ROOT}dist/lib/main.js` } = process.env;
  assert.ok(existsSync(PROGRAM), 'dist/ is missing: run make build first');
  const parts: string[] = [];
  const sections = await runLoad({
    parts: PARTS,
    transports: ['http'],
    extent: { warmUps: 0, rounds: 1, seconds: 0.02 },
    events: 20,
    memoryScale: 0.01,
    told: (part) => parts.push(part),
  });
  assert.deepEqual(parts, PARTS);
  for (const { title, text, faults } of sections) {
    assert.equal(faults, 0, title);
    assert.match(text, /http, translated/, title);
    assert.doesNotMatch(text, /NaN|Infinity/, title);
  }
  assert.equal(sections.flatMap(({ verdicts }) => verdicts).length, 2);
});
