/** Does the byte scanner agree with JSON.parse, and does a splice change nothing else? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_JSON_DEPTH } from '../../lib/limits.ts';
import {
  lastMember,
  numberOf,
  parseValue,
  replaceAll,
  scanElements,
  scanObject,
  splice,
  stringOf,
} from '../../lib/translate/json-splice.ts';

const WANTED = ['model', 'stream', 'a', '__proto__'] as const;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The scan of `text` says what JSON.parse says: accepted or not, and the values that count. */
function agree(text: string): void {
  const bytes = Buffer.from(text);
  const parsed = parse(bytes.toString());
  const scan = scanObject(bytes, WANTED);
  assert.equal(scan.ok, isObject(parsed), text);
  if (!scan.ok || !isObject(parsed)) return;
  assert.equal(scan.empty, Object.keys(parsed).length === 0, text);
  assert.equal(bytes[scan.close], 0x7d, text);
  for (const key of WANTED) {
    const member = lastMember(scan, key);
    const own = Object.hasOwn(parsed, key);
    assert.equal(member !== undefined, own, text);
    if (member !== undefined) assert.deepEqual(parseValue(bytes, member), parsed[key], text);
  }
}

for (const text of [
  '{}',
  ' \t\r\n{ } \n',
  '{"model":"x"}',
  '{"model":1,"model":"y"}',
  '{"mod\\u0065l":"x","\\u006dodel":2}',
  '{"mod\\/el":1,"model\\u0000":2,"MODEL":3,"mode":4,"models":5}',
  '{"model":"a\\"b\\\\","stream":true}',
  '{"model":"\\ud800"}',
  '{"model":"\\ud83d\\ude00 é 漢"}',
  '{"model":1e999,"a":-0,"stream":1E+2}',
  '{"model":123456789012345678901234567890.5e-7}',
  '{"__proto__":{"model":"x"},"constructor":1}',
  '{"a":{"model":"inner","b":[{"model":"}"}]},"model":"outer"}',
  '{"a":["\\\\","\\\\\\"]",{"x":"{[\\"}"}],"model":"m"}',
  '{"":"","model":null,"stream":false}',
  '',
  ' ',
  '{',
  '}',
  '{"model"',
  '{"model":',
  '{"model":"x"',
  '{"model":"x",}',
  '{,"model":"x"}',
  '{"model" "x"}',
  '{model:"x"}',
  "{'model':'x'}",
  '{"model":"x"}}',
  '{"model":"x"} x',
  '{"model":"x"}{}',
  '{"model":"x\n"}',
  '{"model":"\\x"}',
  '{"model":"\\u12g4"}',
  '{"model":"\\u12"}',
  '{"mo\tdel":1}',
  '{"model":01}',
  '{"model":1.}',
  '{"model":.5}',
  '{"model":-}',
  '{"model":+1}',
  '{"model":1e}',
  '{"model":1e+}',
  '{"model":NaN}',
  '{"model":tru}',
  '{"model":truex}',
  '{"model":nul}',
  '{"a":[1,]}',
  '{"a":[1 2]}',
  '{"a":[}',
  '{"a":[1}',
  '{"a":{]}',
  '{"a":[{"b":1,}]}',
  '{"a":[01]}',
  '[]',
  '[{"model":"x"}]',
  '"model"',
  '7',
  'null',
  '\ufeff{"model":"x"}',
  '{"model":"x"}\u00a0',
  '{"model":"x"/**/}',
]) {
  test(`agrees with JSON.parse: ${JSON.stringify(text)}`, () => agree(text));
}

/** A seeded generator (mulberry32): numbers from 0 to 1. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const STRINGS = ['', 'model', 'a', '"', '\\', '\\"', '{"', '}]', 'é', '漢字', '\n', 'x'.repeat(40)];
const NUMBERS = ['0', '-1', '1.5', '1e9', '1E-3', '123456789', '-0.0'];

function randomJson(random: () => number, depth: number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const gap = () => (random() < 0.2 ? pick([' ', '\n', '\t ', '\r\n']) : '');
  const text = () => JSON.stringify(random() < 0.3 ? pick(STRINGS) + pick(STRINGS) : pick(STRINGS));
  const key = () => (random() < 0.3 ? pick(['"mod\\u0065l"', '"stream"', '"__proto__"']) : text());
  const list = (of: () => string) => Array.from({ length: Math.floor(random() * 4) }, of).join(',');
  const value = (): string => {
    const kind = random();
    if (depth > 0 && kind < 0.2) return randomJson(random, depth - 1);
    if (depth > 0 && kind < 0.4) return `[${gap()}${list(() => `${gap()}${value()}${gap()}`)}]`;
    if (kind < 0.7) return text();
    return kind < 0.85 ? pick(NUMBERS) : pick(['true', 'false', 'null']);
  };
  return `{${gap()}${list(() => `${gap()}${key()}${gap()}:${gap()}${value()}${gap()}`)}}${gap()}`;
}

/** Deletes, doubles or replaces one character that is part of the structure. */
function mutate(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  const junk = '{}[]:,"0-.e tn'[Math.floor(random() * 14)] ?? '';
  const kind = random();
  if (kind < 0.35) return text.slice(0, at) + text.slice(at + 1);
  if (kind < 0.7) return text.slice(0, at) + junk + text.slice(at + 1);
  return kind < 0.9 ? text.slice(0, at) + junk + text.slice(at) : text.slice(0, at);
}

const SEED = 20_261_123;

test(`random documents, seed ${SEED}: accepted, with the same values`, () => {
  const random = seeded(SEED);
  for (let round = 0; round < 4_000; round++) agree(randomJson(random, 3));
});

test(`damaged documents, seed ${SEED}: refused when JSON.parse refuses`, () => {
  const random = seeded(SEED);
  let refused = 0;
  for (let round = 0; round < 10_000; round++) {
    const text = mutate(randomJson(random, 2), random);
    if (!isObject(parse(text))) refused += 1;
    // What stands between the quotes of an inner string is not looked at: the only difference.
    if (scanObject(Buffer.from(text), WANTED).ok && parse(text) === undefined) {
      const blank = text.replaceAll(/"(?:\\.|[^"\\])*"/gs, '""');
      assert.notEqual(parse(blank), undefined, text);
    } else {
      agree(text);
    }
  }
  assert.ok(refused > 2_500);
});

test('inner strings are jumped over, strings of the top level are not', () => {
  for (const { text, ok } of [
    { text: '{"a":["\\x"]}', ok: true },
    { text: '{"a":{"b\n":1}}', ok: true },
    { text: '{"a":"\\x"}', ok: false },
    { text: '{"b\n":1}', ok: false },
  ]) {
    assert.equal(scanObject(Buffer.from(text), []).ok, ok, text);
  }
  const bytes = Buffer.from('{"a":["\\x"]}');
  const inner = lastMember(scanObject(bytes, ['a']), 'a');
  assert.equal(inner === undefined ? 'missing' : parseValue(bytes, inner), undefined);
});

for (const { name, text, reason } of [
  { name: 'a list', text: '[1]', reason: 'not-object' },
  { name: 'a word', text: ' true ', reason: 'not-object' },
  { name: 'a broken list', text: '[1', reason: 'syntax' },
  { name: 'nothing', text: '', reason: 'syntax' },
  { name: '10,000 lists', text: `{"a":${'['.repeat(10_000)}`, reason: 'too-deep' },
  { name: '10,000 objects', text: '{"a":'.repeat(10_000), reason: 'too-deep' },
  { name: '10,000 lists alone', text: '['.repeat(10_000), reason: 'too-deep' },
] as const) {
  test(`refused: ${name}`, () => {
    const scan = scanObject(Buffer.from(text), ['a']);
    assert.equal(scan.ok ? 'accepted' : scan.reason, reason);
  });
}

test('the deepest allowed nesting', () => {
  const lists = MAX_JSON_DEPTH - 1;
  const nested = (count: number) => Buffer.from(`{"a":${'['.repeat(count)}${']'.repeat(count)}}`);
  assert.equal(scanObject(nested(lists), ['a']).ok, true);
  assert.equal(scanObject(nested(lists + 1), ['a']).ok, false);
});

test('a range is read without looking behind it', () => {
  const bytes = Buffer.from('xx{"a":1}\n\n: 2}');
  const scan = scanObject(bytes, ['a'], 2, 9);
  assert.equal(numberOf(bytes, lastMember(scan, 'a')), 1);
  assert.equal(scanObject(Buffer.from('{"a"\n\n: 2}'), ['a'], 0, 4).ok, false);
  assert.equal(scanObject(Buffer.from('{"a":1}'), ['a'], 0, 6).ok, false);
});

test('every occurrence is reported and replaced', () => {
  const text = '{"model":"a","x":{"model":"a"},"mod\\u0065l" : 7 ,"model":"b"}';
  const bytes = Buffer.from(text);
  const edits = replaceAll(bytes, scanObject(bytes, ['model']), 'model', '"b"');
  assert.equal(edits.length, 2);
  assert.equal(
    splice(bytes, edits).toString(),
    '{"model":"b","x":{"model":"a"},"mod\\u0065l" : "b" ,"model":"b"}',
  );
});

test('no edit, no copy', () => {
  const bytes = Buffer.from('{"model":"a"}');
  assert.equal(splice(bytes, []), bytes);
});

test('elements of a list', () => {
  const bytes = Buffer.from('{"a":[ 1 , "x,]" ,{"b":[2]},[],null ]}');
  const list = lastMember(scanObject(bytes, ['a']), 'a');
  assert.ok(list !== undefined);
  const elements = scanElements(bytes, list);
  const texts = elements.map(({ start, end }) => bytes.toString('utf8', start, end));
  assert.deepEqual(texts, ['1', '"x,]"', '{"b":[2]}', '[]', 'null']);
  assert.deepEqual(
    elements.map(({ kind }) => kind),
    ['number', 'string', 'object', 'array', 'null'],
  );
  const none = Buffer.from('{"a":[ ]}');
  const empty = lastMember(scanObject(none, ['a']), 'a');
  assert.deepEqual(empty && scanElements(none, empty), []);
});

test('values of another kind are none', () => {
  const bytes = Buffer.from('{"a":1,"model":"x"}');
  const scan = scanObject(bytes, WANTED);
  assert.equal(stringOf(bytes, lastMember(scan, 'a')), undefined);
  assert.equal(numberOf(bytes, lastMember(scan, 'model')), undefined);
  assert.equal(stringOf(bytes, lastMember(scan, 'stream')), undefined);
});

test('a member that is repeated without end is refused, not collected', () => {
  const body = Buffer.from(`{${'"model":"m",'.repeat(2_000)}"a":1}`);
  const scan = scanObject(body, ['model']);
  assert.equal(scan.ok ? 'ok' : scan.reason, 'too-many');
});

test('texts and numbers are what JSON.parse says that they are', () => {
  const texts = [
    '""',
    '"a"',
    '"a b~ !"',
    '"\\u0041"',
    '"\\""',
    '"\\\\"',
    '"é"',
    '"€\u{1f600}"',
    '"\u007f"',
  ];
  const numbers = ['0', '7', '-1', '1.5', '1e3', '123456789012345', '1234567890123456789', '1e999'];
  for (const value of [...texts, ...numbers]) {
    const bytes = Buffer.from(`{"a":${value}}`);
    const member = lastMember(scanObject(bytes, ['a']), 'a');
    const read = value.startsWith('"') ? stringOf(bytes, member) : numberOf(bytes, member);
    assert.equal(read, JSON.parse(value), value);
  }
});
