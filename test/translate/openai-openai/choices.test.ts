/** Is content told from what only announces it? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readChoices } from '../../../lib/translate/openai-openai/choices.ts';

const delta = (said: unknown) => [{ index: 0, delta: said }];

for (const { name, choices, want } of [
  {
    name: 'role only',
    choices: delta({ role: 'assistant', content: '' }),
    want: [false, false, null],
  },
  { name: 'nothing', choices: delta({}), want: [false, false, null] },
  { name: 'nulls', choices: delta({ content: null, tool_calls: [] }), want: [false, false, null] },
  { name: 'text', choices: delta({ content: 'a' }), want: [true, true, null] },
  { name: 'parts', choices: delta({ content: [{ type: 'text' }] }), want: [true, true, null] },
  { name: 'reasoning', choices: delta({ reasoning: 'a' }), want: [true, false, null] },
  { name: 'call', choices: delta({ tool_calls: [{ index: 0 }] }), want: [true, true, null] },
  { name: 'refusal', choices: delta({ refusal: 'no' }), want: [true, true, null] },
  { name: 'something new', choices: delta({ hologram: { a: 1 } }), want: [true, false, null] },
  { name: 'completion', choices: [{ text: 'a' }], want: [true, true, null] },
  { name: 'message', choices: [{ message: { content: 'a' } }], want: [true, true, null] },
  {
    name: 'the end of one of two',
    choices: [
      { delta: {}, finish_reason: 'stop' },
      { delta: {}, finish_reason: null },
    ],
    want: [false, false, 'stop'],
  },
  { name: 'no list', choices: { 0: 'a' }, want: [false, false, null] },
  { name: 'null', choices: null, want: [false, false, null] },
  { name: 'odd elements', choices: [null, 7, 'x', [], { delta: 'x' }], want: [false, false, null] },
]) {
  test(`choices: ${name}`, () => {
    const { content, answer, finishReason } = readChoices(choices);
    assert.deepEqual([content, answer, finishReason], want);
  });
}
