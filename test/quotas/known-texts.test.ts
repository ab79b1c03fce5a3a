/** A text is known again by what it is, and by nothing near it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_KNOWN_TEXTS } from '../../lib/limits.ts';
import { KnownTexts } from '../../lib/quotas/known-texts.ts';
import { seeded } from '../support/seeded.ts';

const random = seeded(17);
const PAGE = Buffer.from(Array.from({ length: 20_000 }, () => 32 + Math.floor(random() * 95)));

test('a text is known wherever it stands', () => {
  const known = new KnownTexts();
  known.set(PAGE, 100, 700, 5);
  const moved = Buffer.concat([Buffer.alloc(33), PAGE.subarray(100, 800)]);
  assert.equal(known.get(moved, 33, 700), 5);
});

test('other lengths and other texts are other ones', () => {
  const known = new KnownTexts();
  known.set(PAGE, 0, 700, 5);
  for (const length of [512, 699, 701, 1_400]) assert.equal(known.get(PAGE, 0, length), undefined);
  for (let at = 1; at < 19_000; at++) assert.equal(known.get(PAGE, at, 700), undefined);
});

test('what is kept is bounded', () => {
  const known = new KnownTexts();
  for (let at = 0; at <= MAX_KNOWN_TEXTS; at++) known.set(PAGE, at, 600, at);
  assert.equal(known.get(PAGE, MAX_KNOWN_TEXTS, 600), MAX_KNOWN_TEXTS);
  assert.equal(known.get(PAGE, 1, 600), undefined);
});
