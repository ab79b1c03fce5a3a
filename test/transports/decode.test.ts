/** Is a compressed body known, and does it come out as it goes in? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codingOf, hasNoBody, withoutCoding } from '../../lib/transports/decode.ts';

for (const [header, want] of [
  [undefined, 'plain'],
  ['', 'plain'],
  ['identity', 'plain'],
  [' GZIP ', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
  ['zstd', 'unknown'],
  ['gzip, br', 'unknown'],
] as const) {
  test(`content-encoding: ${header}`, () => assert.equal(codingOf(header), want));
}

test('what has no body is not decoded', () => {
  assert.ok(hasNoBody(204, {}));
  assert.ok(hasNoBody(304, { 'content-length': '7' }));
  assert.ok(hasNoBody(200, { 'content-length': '0' }));
  assert.ok(!hasNoBody(200, {}));
});

test('headers about the compressed form are dropped', () => {
  const headers = { 'content-encoding': 'gzip', 'content-length': '5', 'content-type': 'x' };
  assert.deepEqual(withoutCoding(headers), { 'content-type': 'x' });
});
