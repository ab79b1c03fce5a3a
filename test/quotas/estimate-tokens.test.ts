import assert from 'node:assert/strict';
import test from 'node:test';
import {
  Calibration,
  estimateBytes,
  estimateMessages,
  estimateText,
} from '../../lib/quotas/estimate-tokens.ts';
import { seeded } from '../support/seeded.ts';

const PROSE =
  'The proxy keeps a list of keys and picks one that has room, so that a request never meets a ' +
  'limit it could have avoided. When every key is resting, the request waits for the first of ' +
  'them, and the client is told how long that will take.';
const CODE =
  'export function leastUsed(table: QuotaTable, keys: KeyRange): number {\n  let best = NONE;\n  for (let key = 0; key < keys.count; key++) {\n    if (table.used(key) < fewest) best = key;\n  }\n  return best;\n}\n';
const random = seeded(5);
const BASE64 = Buffer.from(Array.from({ length: 3_000 }, () => random() * 256)).toString('base64');

/** Characters per token of real tokenizers, as a range. */
for (const { name, text, fewest, most } of [
  { name: 'English prose', text: PROSE, fewest: 3.7, most: 4.9 },
  { name: 'code', text: CODE, fewest: 2.9, most: 4.4 },
  { name: 'base64', text: BASE64, fewest: 1.1, most: 1.8 },
  { name: 'Chinese', text: '已达到五小时的使用上限您的限额将在明天重置', fewest: 1.2, most: 1.9 },
])
  test(`characters per token: ${name}`, () => {
    const ratio = text.length / estimateText(text);
    assert.ok(ratio >= fewest && ratio <= most, `${ratio.toFixed(2)}`);
  });

test('every part of a request counts', () => {
  const messages = [{ role: 'user', content: 'hello there' }];
  const plain = estimateMessages({ messages });
  const more = (request: object) => estimateMessages({ messages, ...request }) - plain;
  assert.ok(more({ system: PROSE }) > 40);
  assert.ok(more({ system: [{ type: 'text', text: PROSE }] }) > 40);
  const schema = { type: 'object', properties: { path: { type: 'string', description: PROSE } } };
  assert.ok(more({ tools: [{ name: 'read', description: PROSE, input_schema: schema }] }) > 100);
  const content = (block: object) => more({ messages: [{ role: 'user', content: [block] }] });
  const source = { type: 'base64', media_type: 'image/png', data: 'A'.repeat(1e6) };
  const image = content({ type: 'image', source });
  assert.ok(image > 1_500 && image < 1_700);
  assert.ok(content({ type: 'thinking', thinking: PROSE, signature: 'x'.repeat(9_000) }) < 90);
  assert.ok(content({ type: 'tool_use', name: 'read', input: { path: PROSE } }) > 40);
  const result = { type: 'tool_result', content: [{ type: 'image', source }] };
  assert.ok(content(result) > 1_500 && content(result) < 1_700);
  assert.ok(content({ type: 'document', source: { type: 'text', data: PROSE } }) > 40);
});

test('any shape is walked, none throws', () => {
  let deep: unknown = 'x';
  for (let depth = 0; depth < 20_000; depth++) deep = [{ type: 'tool_result', content: deep }];
  for (const value of [null, 5, 'x', [], {}, [null, 5, [[]]], [{ content: { a: 1 } }], deep]) {
    for (const field of ['system', 'messages', 'tools']) {
      assert.ok(Number.isInteger(estimateMessages({ [field]: value })));
    }
  }
});

test('bytes of a body that is not looked into', () => {
  assert.equal(estimateBytes(4_700), 1_175);
  assert.equal(estimateBytes(0), 0);
});

test('calibration follows what is reported, within bounds', () => {
  const calibration = new Calibration();
  calibration.observe(10, 500);
  assert.equal(calibration.factor, 1, 'too small to tell');
  for (let reports = 0; reports < 40; reports++) calibration.observe(1_000, 1_250);
  assert.ok(Math.abs(calibration.factor - 1.25) < 0.01);
  for (let reports = 0; reports < 99; reports++) calibration.observe(1_000, 1e12);
  assert.ok(calibration.factor <= 1.6);
  for (let reports = 0; reports < 99; reports++) calibration.observe(1e9, 1);
  assert.ok(calibration.factor >= 0.7);
  for (const [estimate, reported] of [
    [Number.NaN, 5],
    [500, Number.NaN],
    [500, -5],
    [500, 0],
  ]) {
    const before: number = calibration.factor;
    calibration.observe(estimate as number, reported as number);
    assert.equal(calibration.factor, before);
  }
});

test('a large request is looked at less, and comes to about the same', () => {
  const text = `${PROSE}\n${CODE}`.repeat(8);
  const message = { role: 'user', content: text };
  const ten = estimateMessages({ messages: Array(10).fill(message) });
  const thousands = estimateMessages({ messages: Array(4_000).fill(message) });
  assert.ok(Math.abs(thousands / ten / 400 - 1) < 0.15, `${thousands / ten}`);
  assert.equal(estimateMessages({ messages: Array(10).fill(message) }), ten, 'the next is whole');
});
