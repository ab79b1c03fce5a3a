/** That a hash stays what it is, and is well mixed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashHex } from '../../../lib/translate/anthropic-openai/hash.ts';

// Fixed for good: another value would empty every provider's prompt cache after an update.
for (const [text, want] of [
  ['', '74141c2001fce5521efee87261d77ce2'],
  ['a', '254f4f2df82dc08b4a1eb357b9cb2750'],
  ['6f1c', '995877f17f1ef1783014a6326fa2b8b8'],
] as const) {
  test(`hash of "${text}"`, () => assert.equal(hashHex(text), want));
}

test('hash: 32 hexadecimal characters, different for texts that are nearly alike', () => {
  const made = new Set<string>();
  for (let index = 0; index < 20_000; index++) {
    const hash = hashHex(`session ${index}`);
    assert.match(hash, /^[0-9a-f]{32}$/);
    for (let lane = 0; lane < 4; lane++) made.add(`${lane}${hash.slice(lane * 8, lane * 8 + 8)}`);
  }
  // Of 20 000 values of 32 bits 0.05 collide by chance; a lane that mixes badly has thousands.
  assert.ok(made.size > 4 * 20_000 - 10, `${made.size}`);
});
