/** Values and levels are counted well enough, and never those inside of strings. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../lib/errors.ts';
import {
  MAX_JSON_VALUES,
  MAX_PARSED_DEPTH,
  MAX_TOOLS,
  SMALL_JSON_BYTES,
} from '../../lib/limits.ts';
import { parseMessages } from '../../lib/translate/anthropic-openai/parse.ts';
import { brokenBound, closingQuote } from '../../lib/translate/json-size.ts';
import { readModelRequest } from '../../lib/translate/openai-openai/request.ts';
import { seeded } from '../support/seeded.ts';

const DEEP = 1_000;

for (const [json, count] of [
  ['', 0],
  ['1', 0],
  ['{}', 1],
  ['[1,2,3]', 3],
  ['{"a":[],"b":{}}', 4],
  ['"[,{"', 0],
  ['["\\"[,{",1]', 2],
  ['["\\\\",[]]', 3],
  ['["\\\\\\",[[[[",1]', 2],
  ['["never ended [[[', 1],
  ['"\\', 0],
] as const) {
  test(`about ${count} values: ${json}`, () => {
    const bytes = Buffer.from(json);
    assert.equal(brokenBound(bytes, count, DEEP), null);
    if (count > 0) assert.equal(brokenBound(bytes, count - 1, DEEP), 'many');
  });
}

for (const [json, depth] of [
  ['1', 0],
  ['{}', 1],
  ['[[],{"a":[]},[[]]]', 3],
  ['[{}'.repeat(9), 10],
  [']]]][[', 0],
  ['["[[[[\\"[[[["]', 1],
] as const) {
  test(`${depth} levels: ${json}`, () => {
    const bytes = Buffer.from(json);
    assert.equal(brokenBound(bytes, DEEP, depth), null);
    if (depth > 0) assert.equal(brokenBound(bytes, DEEP, depth - 1), 'deep');
  });
}

test('generated strings: the end is where a plain walk finds it', () => {
  const random = seeded(11);
  for (let round = 0; round < 400; round++) {
    const parts = Array.from({ length: Math.floor(random() * 40) }, () => {
      const part = [
        '\\"',
        '\\\\',
        '\\',
        '"',
        'x',
        'x'.repeat(15),
        'x'.repeat(40),
        'x'.repeat(1_023),
      ];
      return part[Math.floor(random() * part.length)];
    });
    const bytes = Buffer.from(parts.join(''));
    assert.equal(closingQuote(bytes, 0), walkedQuote(bytes), JSON.stringify(parts));
  }
});

function walkedQuote(bytes: Buffer): number {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === 0x5c) at++;
    else if (bytes[at] === 0x22) return at;
  }
  return bytes.length;
}

test('a body too deep to be parsed is refused before, also where nobody reads it', () => {
  const [open, close] = ['[', ']'].map((bracket) => bracket.repeat(MAX_PARSED_DEPTH));
  const text = `"${'x'.repeat(SMALL_JSON_BYTES)}"`;
  const body = (inside: string) => Buffer.from(`${HEAD}[${text},${open}${inside}${close}]}`);
  assert.throws(() => parseMessages(body('[]')), /nested deeper than 1024 levels/);
  assert.throws(() => parseMessages(body('')), /nested deeper than 1024 levels/);
});

const HEAD = '{"model":"m","messages":[{"role":"user","content":"x"}],"more":';

for (const [name, unit] of [
  ['empty objects', '{},'],
  ['empty arrays', '[],'],
  ['numbers', '0,'],
  ['keys', '"a":0,'],
] as const) {
  test(`a body of too many values is refused before it is parsed: ${name}`, () => {
    const body = Buffer.from(`${HEAD}[${unit.repeat(MAX_JSON_VALUES + SMALL_JSON_BYTES)}0]}`);
    assert.throws(
      () => parseMessages(body),
      (thrown) => thrown instanceof GatewayError && /more than 1000000 values/.test(thrown.message),
    );
  });
}

for (const [name, unit] of [
  ['empty objects', '{},'],
  ['texts', '"",'],
  ['words', 'null,'],
  ['keys', '{"a":1},'],
] as const) {
  test(`one of too many values is refused where it is passed through, too: ${name}`, () => {
    const body = Buffer.from(`{"model":"m","input":[${unit.repeat(MAX_JSON_VALUES + 1)}0]}`);
    assert.throws(() => readModelRequest(body), /has more than 1000000 values/);
  });
}

for (const [name, unit] of [
  ['whole ones', '17,'],
  ['with blanks', '0, '],
  ['fractions', '-0.5,'],
] as const) {
  test(`but numbers are not counted there: ${name}`, () => {
    const body = Buffer.from(`{"model":"m","input":[${unit.repeat(MAX_JSON_VALUES + 1)}0]}`);
    assert.equal(readModelRequest(body).model, 'm');
  });
}

test('a large body of few values is fine, whatever its strings hold', () => {
  const text = '[,{'.repeat(MAX_JSON_VALUES);
  const body = Buffer.from(`${HEAD}"${text}"}`);
  assert.equal(parseMessages(body).model, 'm');
});

test('a name of the prototype is a field like any other', () => {
  const body = '{"__proto__":{"model":"x","stream":true},"constructor":{"prototype":{"a":1}},';
  const request = parseMessages(Buffer.from(body + HEAD.slice(1).replace(',"more":', '}')));
  assert.equal(request.model, 'm');
  assert.equal(request.stream, undefined);
  assert.equal(({} as { a?: number }).a, undefined);
});

test('tools are bounded: each has its name looked at against all others', () => {
  const tools = Array.from({ length: MAX_TOOLS + 1 }, (_, n) => `{"name":"t${n}"}`).join();
  const body = Buffer.from(`${HEAD.replace('"more"', '"tools"')}[${tools}]}`);
  assert.throws(() => parseMessages(body), /tools: must have at most 10000 items/);
});
