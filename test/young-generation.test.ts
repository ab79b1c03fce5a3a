import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import {
  BUSY_COLLECTIONS,
  BUSY_COLLECTIONS_MS,
  CALM_YOUNG_BYTES,
  GrowthRule,
} from '../lib/young-generation.ts';

const EVERY_MS = BUSY_COLLECTIONS_MS / BUSY_COLLECTIONS;

/** After so many collections with such a distance, the last after `pauseMs`. */
function ruleAfter(collections: number, everyMs: number, pauseMs = 0): GrowthRule {
  const rule = new GrowthRule();
  for (let at = 0; at < collections; at++) rule.collected(at * everyMs);
  if (pauseMs > 0) rule.collected(collections * everyMs + pauseMs);
  return rule;
}

for (const { name, rule, large } of [
  { name: 'nothing was collected yet', rule: ruleAfter(0, 0), large: false },
  { name: 'a dozen at once', rule: ruleAfter(12, 1), large: false },
  { name: 'often, but not yet long', rule: ruleAfter(BUSY_COLLECTIONS, 1), large: false },
  { name: 'often', rule: ruleAfter(BUSY_COLLECTIONS + 1, EVERY_MS - 1), large: true },
  { name: 'seldom, for long', rule: ruleAfter(BUSY_COLLECTIONS * 4, EVERY_MS + 1), large: false },
  {
    name: 'often, then nothing for long',
    rule: ruleAfter(BUSY_COLLECTIONS * 2, 10, BUSY_COLLECTIONS_MS),
    large: false,
  },
])
  test(`young generation: ${name}: ${large ? 'any size' : 'a small one grows'}`, () => {
    assert.equal(rule.mayGrow(CALM_YOUNG_BYTES - 1), true);
    assert.equal(rule.mayGrow(CALM_YOUNG_BYTES), large);
  });

/** Keeps half of what it makes for a while, so that V8 wants to grow. Prints the largest size. */
const PROGRAM = `
  const { CALM_YOUNG_BYTES, holdYoungGeneration } = await import('./lib/young-generation.ts');
  const { getHeapSpaceStatistics } = await import('node:v8');
  const size = () =>
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size;
  const [, turns, hold] = process.argv;
  if (hold === 'held') holdYoungGeneration();
  const kept = new Array(20_000).fill(null);
  for (let turn = 0; turn < Number(turns) && size() <= 2 * CALM_YOUNG_BYTES; turn++) {
    for (let n = 0; n < 2_000; n++) kept[(turn * 2_000 + n) % kept.length] = new Array(64).fill(n);
    await new Promise((resolve) => setImmediate(resolve));
  }
  console.log(size());
`;

/** A turn is a MiB: a collection or less. */
for (const { name, turns, hold, grows } of [
  { name: 'by itself it grows', turns: 32, hold: 'free', grows: true },
  { name: 'it is held', turns: 32, hold: 'held', grows: false },
  { name: 'held it grows where much is allocated', turns: 4_000, hold: 'held', grows: true },
])
  test(`young generation of V8: ${name}`, () => {
    const args = ['--import', 'tsx', '--input-type=module', '-e', PROGRAM, String(turns), hold];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.equal(Number(stdout) > 2 * CALM_YOUNG_BYTES, grows, stdout);
  });
