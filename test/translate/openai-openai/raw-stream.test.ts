/** Do streams of unknown paths go out untouched, with their usage read on the way? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawPassthrough } from '../../../lib/translate/openai-openai/raw-stream.ts';
import { pieces } from '../../support/golden.ts';

const event = (type: string, more: object) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;

const RESPONSES = [
  event('response.created', { response: { model: 'up', usage: null } }),
  event('response.output_text.delta', { delta: 'a' }),
  event('response.completed', {
    response: {
      model: 'up',
      usage: {
        input_tokens: 8,
        output_tokens: 3,
        input_tokens_details: { cached_tokens: 2 },
        output_tokens_details: { reasoning_tokens: 1 },
      },
    },
  }),
].join('');

test('a stream of responses is untouched in any pieces', () => {
  for (const size of [1, 7, 100, 10_000]) {
    const stream = new RawPassthrough({ estimatedInputTokens: 42 });
    const out = pieces(Buffer.from(RESPONSES), size).map((piece) => stream.push(piece).toString());
    assert.equal(out.join('') + stream.finish(), RESPONSES);
    assert.equal(stream.ended, true);
    assert.deepEqual(stream.usage, {
      promptTokens: 8,
      cachedTokens: 2,
      outputTokens: 3,
      reasoningTokens: 1,
      reported: true,
    });
  }
});

test('bytes that are no events leave as they came', () => {
  const stream = new RawPassthrough({ estimatedInputTokens: 42 });
  const sound = Buffer.from([0xff, 0xfb, 0x90, 0x0a, 0x0a, 0x7b, 0x0d, 0x0d, 0x00]);
  assert.equal(stream.begun, false);
  assert.equal(stream.push(sound), sound);
  assert.equal(stream.begun, true);
  assert.equal(stream.usage.reported, false);
  assert.equal(stream.usage.promptTokens, 42);
});
