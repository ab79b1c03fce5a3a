/** Do the counts of a Messages answer come out right, reported or not? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageUsageReader } from '../../../lib/translate/anthropic-anthropic/usage.ts';

for (const { name, start, delta, want } of [
  { name: 'never', start: undefined, delta: undefined, want: [42, 0, 0, 0, false] },
  {
    name: 'at the start only',
    start: { input_tokens: 5, cache_read_input_tokens: 3, output_tokens: 1 },
    delta: undefined,
    want: [8, 3, 1, 0, false],
  },
  {
    name: 'output at the end',
    start: { input_tokens: 5, cache_creation_input_tokens: 2, output_tokens: 1 },
    delta: { output_tokens: 9, input_tokens: null },
    want: [7, 0, 9, 0, true],
  },
  {
    name: 'all at the end',
    start: { input_tokens: 0, output_tokens: 0 },
    delta: { input_tokens: 5, cache_read_input_tokens: 3, output_tokens: 9 },
    want: [8, 3, 9, 0, true],
  },
  {
    name: 'thinking',
    start: {},
    delta: { input_tokens: 1, output_tokens: 9, output_tokens_details: { thinking_tokens: 4 } },
    want: [1, 0, 9, 4, true],
  },
  {
    name: 'nonsense',
    start: 'none',
    delta: { input_tokens: '5', output_tokens: -1, output_tokens_details: 7 },
    want: [42, 0, 0, 0, false],
  },
]) {
  test(`usage: ${name}`, () => {
    const reader = new MessageUsageReader(42);
    if (start !== undefined) reader.take(start, false);
    if (delta !== undefined) reader.take(delta, true);
    const { promptTokens, cachedTokens, outputTokens, reasoningTokens, reported } = reader.usage;
    assert.deepEqual([promptTokens, cachedTokens, outputTokens, reasoningTokens, reported], want);
  });
}

test('an estimate counts a token per delta at least, until there is a report', () => {
  const reader = new MessageUsageReader(0);
  for (const bytes of [0, 78, 78 + 40]) reader.addDelta(bytes);
  assert.equal(reader.usage.outputTokens, 12);
  reader.take({ output_tokens: 3 }, true);
  assert.equal(reader.usage.outputTokens, 3);
});
