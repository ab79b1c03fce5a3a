/** Values are counted well enough, and never those inside of strings. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../lib/errors.ts';
import { MAX_JSON_VALUES, MAX_TOOLS, SMALL_JSON_BYTES } from '../../lib/limits.ts';
import { parseMessages } from '../../lib/translate/anthropic-openai/parse.ts';
import { holdsMoreValues } from '../../lib/translate/json-size.ts';

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
    assert.equal(holdsMoreValues(bytes, count), false);
    if (count > 0) assert.equal(holdsMoreValues(bytes, count - 1), true);
  });
}

const HEAD = '{"model":"m","messages":[{"role":"user","content":"x"}],"more":';

for (const [name, unit] of [
  ['empty objects', '{},'],
  ['empty arrays', '[],'],
  ['numbers', '0,'],
  ['keys', '"a":0,'],
  ['levels', '['],
] as const) {
  test(`a body of too many values is refused before it is parsed: ${name}`, () => {
    const body = Buffer.from(`${HEAD}[${unit.repeat(MAX_JSON_VALUES + SMALL_JSON_BYTES)}0]}`);
    assert.throws(
      () => parseMessages(body),
      (thrown) => thrown instanceof GatewayError && /more than 1000000 values/.test(thrown.message),
    );
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
