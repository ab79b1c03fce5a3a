/** How single values are checked, and how their places are named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../../lib/errors.ts';
import {
  asObject,
  checkFree,
  join,
  kindOf,
  optionalBoolean,
  optionalList,
  optionalNumber,
  optionalObject,
  optionalText,
  reject,
  requireText,
} from '../../../lib/translate/anthropic-openai/checks.ts';

function said(check: () => unknown): string {
  try {
    check();
  } catch (thrown) {
    assert.ok(thrown instanceof GatewayError && thrown.code === 'INVALID_REQUEST');
    return thrown.message;
  }
  return 'nothing';
}

for (const { name, check, want } of [
  { name: 'text', check: () => requireText({ a: '' }, 'a', 'x'), want: 'nothing' },
  {
    name: 'no text',
    check: () => requireText({}, 'a', 'x'),
    want: 'x.a: must be a string, got nothing',
  },
  {
    name: 'text in the body',
    check: () => requireText({ a: 1 }, 'a', ''),
    want: 'a: must be a string, got number',
  },
  { name: 'optional text', check: () => optionalText({ a: null }, 'a', 'x'), want: 'nothing' },
  {
    name: 'optional text, wrong',
    check: () => optionalText({ a: [] }, 'a', 'x'),
    want: 'x.a: must be a string, got array',
  },
  {
    name: 'optional boolean',
    check: () => optionalBoolean({ a: false }, 'a', 'x'),
    want: 'nothing',
  },
  {
    name: 'optional boolean, wrong',
    check: () => optionalBoolean({ a: 0 }, 'a', 'x'),
    want: 'x.a: must be a boolean, got number',
  },
  { name: 'optional number', check: () => optionalNumber({ a: -0.5 }, 'a', 'x'), want: 'nothing' },
  {
    name: 'optional number, wrong',
    check: () => optionalNumber({ a: '1' }, 'a', 'x'),
    want: 'x.a: must be a number, got string',
  },
  {
    name: 'optional number, endless',
    check: () => optionalNumber(JSON.parse('{"a":-1e999}'), 'a', 'x'),
    want: 'x.a: is out of range',
  },
  { name: 'object', check: () => asObject({}, 'x'), want: 'nothing' },
  { name: 'no object', check: () => asObject(null, 'x'), want: 'x: must be an object, got null' },
  { name: 'optional object', check: () => optionalObject({}, 'a', 'x'), want: 'nothing' },
  {
    name: 'optional object, wrong',
    check: () => optionalObject({ a: [] }, 'a', 'x'),
    want: 'x.a: must be an object, got array',
  },
  { name: 'optional list', check: () => optionalList({ a: null }, 'a', 'x'), want: 'nothing' },
  {
    name: 'optional list, wrong',
    check: () => optionalList({ a: {} }, 'a', 'x'),
    want: 'x.a: must be an array, got object',
  },
]) {
  test(`check: ${name}`, () => assert.equal(said(check), want));
}

for (const [value, want] of [
  [undefined, 'nothing'],
  [null, 'null'],
  [[], 'array'],
  [{}, 'object'],
  ['', 'string'],
  [0, 'number'],
  [true, 'boolean'],
] as const) {
  test(`kind: ${want}`, () => assert.equal(kindOf(value), want));
}

test('a path has dots, and none before the first key', () => {
  assert.equal(join('', 'model'), 'model');
  assert.equal(join('messages', 3), 'messages.3');
});

test('a path of any length is cut in the text', () => {
  const text = said(() => reject('k'.repeat(10_000), 'is wrong'));
  assert.equal(text, `${'k'.repeat(200)}…: is wrong`);
});

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { k: value };
  return value;
}

test('free JSON: 512 levels are taken, one more is not', () => {
  checkFree(nested(512), 'x');
  assert.match(
    said(() => checkFree(nested(513), 'x')),
    /is nested deeper than 512 levels$/,
  );
});

for (const { name, value, want } of [
  { name: 'anything', value: { a: [1, 'x', null, true, { b: [] }] }, want: 'nothing' },
  { name: 'nothing', value: undefined, want: 'nothing' },
  {
    name: 'an endless number',
    value: JSON.parse('{"a":[0,{"b":1e999}]}'),
    want: 'x.a.1.b: is out of range',
  },
  { name: 'an endless number alone', value: Number.NaN, want: 'x: is out of range' },
]) {
  test(`free JSON: ${name}`, () => {
    assert.equal(
      said(() => checkFree(value, 'x')),
      want,
    );
  });
}
