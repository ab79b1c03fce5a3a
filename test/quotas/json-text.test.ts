/** A piece of JSON text gives the characters that JSON.parse gives, and any other piece an end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readJson } from '../../lib/quotas/json-text.ts';
import { seeded } from '../support/seeded.ts';

const codes = new Uint16Array(512);

function read(bytes: Buffer, from = 0, to = bytes.length): number[] {
  return [...codes.subarray(0, readJson(bytes, from, to, codes))];
}

for (const text of ['', 'plain', 'a\nb\tc"d\\e/', 'é ß', '已达到', '\u0001', '€\r']) {
  test(`as JSON.parse reads it: ${JSON.stringify(text)}`, () => {
    const bytes = Buffer.from(JSON.stringify(text).slice(1, -1));
    const want = Array.from(text, (char) => char.charCodeAt(0));
    assert.deepEqual(read(bytes), want);
  });
}

test('characters of two codes are two codes, in bytes and in escapes', () => {
  assert.equal(read(Buffer.from('😀')).length, 2);
  assert.deepEqual(read(Buffer.from('\\ud83d\\ude00')), [0xd83d, 0xde00]);
});

test('pieces that are cut anywhere, and bytes that are no text, have an end', () => {
  const random = seeded(3);
  const parts = ['\\', '\\u', '\\u00', 'é', '😀', '已', 'x', '"', '\x80', '\xff'];
  for (let round = 0; round < 300; round++) {
    const some = Array.from({ length: 20 }, () => parts[Math.floor(random() * parts.length)]);
    const bytes = Buffer.from(some.join(''), round % 2 === 0 ? 'utf8' : 'latin1');
    const from = Math.floor(random() * bytes.length);
    const to = from + Math.floor(random() * (bytes.length - from + 1));
    assert.ok(readJson(bytes, from, to, codes) <= to - from);
  }
});
