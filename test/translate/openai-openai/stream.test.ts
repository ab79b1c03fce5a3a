/** Does a chat stream reach the client as the bytes it was, with only the model and the usage
 *  changed? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_HELD_STREAM_BYTES, MAX_SSE_LINE_BYTES } from '../../../lib/limits.ts';
import { ChatPassthrough } from '../../../lib/translate/openai-openai/stream.ts';
import { run, testGolden } from '../../support/passthrough.ts';

const make = ({ stripUsage = false } = {}) =>
  new ChatPassthrough({ askedModel: 'asked', stripUsage, estimatedInputTokens: 42 });
const chunk = (content: string) => `data: {"choices":[{"delta":{"content":"${content}"}}]}\n\n`;

testGolden('openai.md', make);

test('whole events that need nothing leave as the very chunk that came', () => {
  const stream = make();
  stream.push(Buffer.from(chunk('a')));
  const bytes = Buffer.from(chunk('b') + chunk('c'));
  assert.equal(stream.push(bytes), bytes);
});

test('a role alone waits for content, content does not wait', () => {
  const stream = make();
  const role = 'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n';
  assert.equal(stream.push(Buffer.from(role)).length, 0);
  assert.equal(stream.begun, false);
  assert.equal(stream.push(Buffer.from(chunk('a'))).toString(), role + chunk('a'));
  assert.equal(stream.begun, true);
});

test('what is held back is bounded', () => {
  const stream = make();
  const nothing = Buffer.from(`: ${'x'.repeat(1000)}\n\n`);
  let given = 0;
  for (let sent = 0; sent <= MAX_HELD_STREAM_BYTES; sent += nothing.length) {
    given += stream.push(nothing).length;
  }
  assert.equal(stream.begun, true);
  assert.ok(given > MAX_HELD_STREAM_BYTES);
});

test('an endless line is nonsense, not memory', () => {
  const stream = make();
  const piece = Buffer.alloc(1024 * 1024, 0x61);
  for (let sent = 0; sent <= MAX_SSE_LINE_BYTES && stream.fault === null; sent += piece.length) {
    assert.equal(stream.push(piece).length, 0);
  }
  assert.equal(stream.fault?.kind, 'nonsense');
});

test('without a report the usage is an estimate that grows with the text', () => {
  const stream = make();
  run(stream, Buffer.from(chunk('x'.repeat(400)) + chunk('y')), 1 << 20);
  const { promptTokens, outputTokens, reported } = stream.usage;
  assert.equal(promptTokens, 42);
  assert.ok(outputTokens > 90 && outputTokens < 130, String(outputTokens));
  assert.equal(reported, false);
});

test('legacy completions are the same stream', () => {
  const stream = make();
  const text = 'data: {"model":"up","choices":[{"text":"a","finish_reason":null}]}\n\n';
  assert.equal(stream.push(Buffer.from(text)).toString(), text.replace('up', 'asked'));
  assert.equal(stream.empty, false);
});

test('a large chunk comes through in any pieces', () => {
  const text = `${chunk('z'.repeat(300_000))}data: [DONE]\n\n`;
  for (const size of [1, 1000, 65_536]) assert.equal(run(make(), Buffer.from(text), size), text);
});

for (const odd of [
  'data: {"choices":null}',
  'data: {"choices":{}}',
  'data: {"choices":[null,1,"x",[]]}',
  'data: {"choices":[{"delta":7,"finish_reason":{}}]}',
  'data: {"usage":{"prompt_tokens":"many","completion_tokens":-1}}',
  'data: {"usage":{"prompt_tokens":1e999}}',
  'data: {"usage":[],"model":{}}',
  'data: {"__proto__":{"error":1},"constructor":1}',
  'data: 7',
  'data: null',
  'data: [1]',
  'data: "x"',
  'data:',
  'data',
  'id: 1\nretry: 2',
  `data: {"choices":${'['.repeat(10_000)}`,
  'data: {"choices":[{"delta":{"content":"\ud800"}}]}',
  'data: \u0000',
  '\ufeffdata: {"choices":[]}',
]) {
  test(`never throws: ${JSON.stringify(odd).slice(0, 60)}`, () => {
    for (const prefix of ['', chunk('a')]) {
      const stream = make();
      run(stream, Buffer.from(`${prefix}${odd}\n\n`), 5);
      assert.ok(stream.usage.promptTokens >= 0 && stream.usage.outputTokens >= 0);
    }
  });
}
