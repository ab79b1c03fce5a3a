/** Do the counts of an OpenAI answer come out right, reported or not? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageReader } from '../../../lib/translate/openai-openai/usage.ts';

for (const { name, reports, want } of [
  { name: 'never', reports: [], want: [42, 0, 0, 0, false] },
  { name: 'chat', reports: [{ prompt_tokens: 9, completion_tokens: 4 }], want: [9, 0, 4, 0, true] },
  { name: 'responses', reports: [{ input_tokens: 9, output_tokens: 4 }], want: [9, 0, 4, 0, true] },
  {
    name: 'details',
    reports: [
      {
        prompt_tokens: 9,
        completion_tokens: 4,
        prompt_tokens_details: { cached_tokens: 8 },
        completion_tokens_details: { reasoning_tokens: 3 },
      },
    ],
    want: [9, 8, 4, 3, true],
  },
  {
    name: 'the last one counts',
    reports: [
      { prompt_tokens: 9, completion_tokens: 1 },
      { prompt_tokens: 9, completion_tokens: 2 },
    ],
    want: [9, 0, 2, 0, true],
  },
  {
    name: 'zeros are none',
    reports: [
      { prompt_tokens: 9, completion_tokens: 1 },
      { prompt_tokens: 0, completion_tokens: 0 },
    ],
    want: [9, 0, 1, 0, true],
  },
  {
    name: 'nonsense is none',
    reports: [null, 7, [], { prompt_tokens: '9', completion_tokens: Number.NaN, input_tokens: -1 }],
    want: [42, 0, 0, 0, false],
  },
  {
    name: 'more cached than there is',
    reports: [{ prompt_tokens: 9, prompt_tokens_details: { cached_tokens: 99 } }],
    want: [9, 9, 0, 0, true],
  },
]) {
  test(`usage: ${name}`, () => {
    const reader = new UsageReader(42);
    for (const report of reports) reader.take(report);
    const { promptTokens, cachedTokens, outputTokens, reasoningTokens, reported } = reader.usage;
    assert.deepEqual([promptTokens, cachedTokens, outputTokens, reasoningTokens, reported], want);
  });
}

test('an estimate counts a token per chunk at least', () => {
  const reader = new UsageReader(0);
  for (const bytes of [0, 57, 58, 57 + 40]) reader.addChoices(bytes);
  assert.equal(reader.usage.outputTokens, 1 + 1 + 1 + 10);
});
