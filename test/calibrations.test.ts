import assert from 'node:assert/strict';
import test from 'node:test';
import { Calibrations } from '../lib/calibrations.ts';

test('estimates are as they are until something was reported', () => {
  const calibrations = new Calibrations();
  assert.equal(calibrations.corrected('m', 1_000), 1_000);
  assert.equal(calibrations.corrected('m', 0), 1, 'never nothing');
});

test('each model has its own factor', () => {
  const calibrations = new Calibrations();
  for (let n = 0; n < 20; n++) calibrations.observe('m', 1_000, 1_300);
  assert.equal(calibrations.corrected('m', 2_000), 2_600);
  assert.equal(calibrations.corrected('other', 2_000), 2_000);
});

test('a corrected estimate is a whole number', () => {
  const calibrations = new Calibrations();
  calibrations.observe('m', 1_000, 1_234);
  assert.ok(Number.isInteger(calibrations.corrected('m', 777)));
});

test('a factor is told when it has moved, and one that is heard takes the place of its own', () => {
  const told: string[] = [];
  const calibrations = new Calibrations((model, factor) => told.push(`${model} ${factor}`));
  calibrations.observe('m', 1_000, 1_010);
  assert.deepEqual(told, [], 'nothing that a margin does not cover');
  calibrations.observe('n', 1_000, 1_300);
  calibrations.observe('n', 1_000, 1_300);
  assert.deepEqual(told, ['n 1.3']);
  calibrations.hear('n', 1.1);
  assert.equal(calibrations.corrected('n', 1_000), 1_100);
  assert.equal(told.length, 1, 'what was heard is not told again');
});
