/** Is the prompt cache an exact prefix, per org, for five minutes? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrefixCache } from '../../lib/simulator/prefix-cache.ts';

const BLOCK = 2_048;
const body = (text: string): Buffer =>
  Buffer.from(`{"max_tokens":${text.length},"messages":"${text}"}`);
const long = 'a'.repeat(5 * BLOCK);

for (const { name, first, again, org = 'o', atMs = 1, want } of [
  { name: 'the same again', first: long, again: long, want: 5 * BLOCK },
  { name: 'a longer one', first: long, again: `${long}${'b'.repeat(BLOCK)}`, want: 5 * BLOCK },
  {
    name: 'a change in the third block',
    first: long,
    again: `${long.slice(0, 5_000)}b${long}`,
    want: 2 * BLOCK,
  },
  { name: 'another start', first: long, again: `b${long}`, want: 0 },
  { name: 'another org', first: long, again: long, org: 'p', want: 0 },
  { name: 'too short to count', first: 'short', again: 'short', want: 0 },
  { name: 'just in time', first: long, again: long, atMs: 299_999, want: 5 * BLOCK },
  { name: 'too late', first: long, again: long, atMs: 300_000, want: 0 },
]) {
  test(`prefix cache: ${name}`, () => {
    const cache = new PrefixCache();
    assert.equal(cache.visit('o', body(first), 0), 0);
    assert.equal(cache.visit(org, body(again), atMs), want);
    cache.clear();
    assert.equal(cache.visit(org, body(again), atMs), 0);
  });
}

for (const order of ['messages first', 'tools first']) {
  test(`tools are the start of the prompt, ${order}`, () => {
    const tools = JSON.stringify([{ name: 'f', description: 'd'.repeat(3 * BLOCK) }]);
    const text = (messages: string): Buffer => {
      const parts = [`"messages":["${messages}"]`, `"tools":${tools}`];
      return Buffer.from(`{${(order === 'tools first' ? parts.reverse() : parts).join()}}`);
    };
    const cache = new PrefixCache();
    cache.visit('o', text('one'), 0);
    assert.equal(cache.visit('o', text('another'), 1), 3 * BLOCK);
  });
}
