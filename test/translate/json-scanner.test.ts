/** Does the walk find where each kind of value ends, and name the byte that is wrong? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindAt, Scanner, TOO_DEEP } from '../../lib/translate/json-scanner.ts';

for (const { text, end, kind } of [
  { text: '"a\\"b" ', end: 6, kind: 'string' },
  { text: '-1.5e+3,', end: 7, kind: 'number' },
  { text: '0123', end: 1, kind: 'number' },
  { text: 'true]', end: 4, kind: 'true' },
  { text: 'false', end: 5, kind: 'false' },
  { text: 'null', end: 4, kind: 'null' },
  { text: '{"a":["]}",{}]}x', end: 15, kind: 'object' },
  { text: '[ [ ] , "\\\\" ]', end: 14, kind: 'array' },
  { text: '[1,20, 0,  3,\n4 ,-5,6.5,7]', end: 26, kind: 'array' },
]) {
  test(`ends: ${text}`, () => {
    const bytes = Buffer.from(text);
    assert.equal(new Scanner(bytes).value(0, 1), end);
    assert.equal(kindAt(bytes, 0), kind);
  });
}

for (const { text, at } of [
  { text: '"ab', at: 3 },
  { text: '"a\n"', at: 2 },
  { text: '"\\q"', at: 2 },
  { text: '"\\u00x0"', at: 5 },
  { text: 'nule', at: 3 },
  { text: '-a', at: 1 },
  { text: '1.x', at: 2 },
  { text: '{"a":1,}', at: 7 },
  { text: '{"a"1}', at: 4 },
  { text: '[1 2]', at: 3 },
  { text: '[["abc', at: 6 },
  { text: '[1,]', at: 3 },
  { text: '[1,02]', at: 4 },
  { text: '[12', at: 3 },
  { text: '', at: 0 },
]) {
  test(`wrong at byte ${at}: ${JSON.stringify(text)}`, () => {
    assert.equal(new Scanner(Buffer.from(text)).value(0, 1), ~at);
  });
}

test('nesting is bounded, however it is mixed', () => {
  const deep = Buffer.from('[{"a":'.repeat(5_000));
  assert.equal(new Scanner(deep).value(0, 1), TOO_DEEP);
});

test('long strings and quotes behind backslashes', () => {
  for (const length of [14, 15, 16, 17, 1_000]) {
    for (const tail of ['', '\\\\', '\\"', '\\\\\\"x']) {
      const text = `[["${'x'.repeat(length)}${tail}"]]`;
      assert.equal(new Scanner(Buffer.from(text)).value(0, 1), text.length, text);
    }
  }
});
