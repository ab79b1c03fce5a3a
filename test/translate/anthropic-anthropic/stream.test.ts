/** Does a Messages stream reach the client as the bytes it was, with only the model changed? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessagesPassthrough } from '../../../lib/translate/anthropic-anthropic/stream.ts';
import { run, testGolden } from '../../support/passthrough.ts';

const make = () => new MessagesPassthrough({ askedModel: 'asked', estimatedInputTokens: 42 });
const event = (type: string, more = '') => `event: ${type}\ndata: {"type":"${type}"${more}}\n\n`;
const block = event('content_block_start', ',"index":0,"content_block":{"type":"text"}');

testGolden('anthropic.md', make);

test('deltas leave as the very chunk that came', () => {
  const stream = make();
  stream.push(Buffer.from(block));
  const delta = event('content_block_delta', ',"delta":{"type":"text_delta","text":"a"}');
  const bytes = Buffer.from(delta + delta);
  assert.equal(stream.push(bytes), bytes);
});

test('a stream that breaks off costs what was seen of it', () => {
  const stream = make();
  const text = 'x'.repeat(400);
  const delta = event('content_block_delta', `,"delta":{"type":"text_delta","text":"${text}"}`);
  const start = event('message_start', ',"message":{"usage":{"input_tokens":7,"output_tokens":1}}');
  run(stream, Buffer.from(start + block + delta), 64);
  const { promptTokens, outputTokens, reported } = stream.usage;
  assert.equal(promptTokens, 7);
  assert.ok(outputTokens > 90 && outputTokens < 120, String(outputTokens));
  assert.equal(reported, false);
});

test('an error in the words of OpenAI is told by the caller', () => {
  const stream = make();
  const out = run(stream, Buffer.from(`${block}data: {"error":{"message":"x","code":503}}\n\n`), 9);
  assert.equal(out, block);
  assert.deepEqual(
    [stream.fault?.kind, stream.fault?.status, stream.fault?.told],
    ['error', 503, undefined],
  );
});

for (const odd of [
  'event: message_start\ndata: nonsense',
  'event: message_start\ndata: {"message":7}',
  'event: message_start\ndata: {"message":{"model":7,"usage":{"input_tokens":{}}}}',
  'event: message_delta\ndata: {"delta":[],"usage":null}',
  'event: content_block_delta',
  'event: error\ndata: x',
  'data: {"type":7}',
  `data: ${'{"a":'.repeat(10_000)}`,
]) {
  test(`never throws: ${JSON.stringify(odd).slice(0, 60)}`, () => {
    for (const prefix of ['', block]) run(make(), Buffer.from(`${prefix}${odd}\n\n`), 5);
  });
}
