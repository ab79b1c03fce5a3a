/** What the provider reads as the result of a call. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_TEXTS } from '../../../lib/translate/anthropic-openai/long-texts.ts';
import { renderResult } from '../../../lib/translate/anthropic-openai/results.ts';
import { ToolNames } from '../../../lib/translate/anthropic-openai/tool-names.ts';
import type { ContentBlock, ToolResultBlock } from '../../../lib/wire/anthropic-request.ts';

const IMAGE: ContentBlock = { type: 'image', source: { type: 'url', url: 'https://a.example/b' } };
const PICTURE = { type: 'image_url', image_url: { url: 'https://a.example/b' } };
const WORDS: ContentBlock = { type: 'text', text: 'words' };

function render(result: Partial<ToolResultBlock>, vision = true) {
  const reader = { vision, names: new ToolNames([]), longTexts: NO_TEXTS };
  return renderResult({ type: 'tool_result', tool_use_id: 'a', ...result }, 'a_2', reader);
}

for (const { name, result, want } of [
  { name: 'a string', result: { content: ' as\nit is ' }, want: ' as\nit is ' },
  { name: 'absent', result: {}, want: '(no output)' },
  { name: 'null', result: { content: null }, want: '(no output)' },
  { name: 'blank', result: { content: '\n' }, want: '(no output)' },
  { name: 'blocks', result: { content: [WORDS, WORDS] }, want: 'words\nwords' },
  { name: 'an error', result: { content: 'no', is_error: true }, want: 'Error: no' },
  {
    name: 'an error that says so',
    result: { content: ' ERROR no', is_error: true },
    want: ' ERROR no',
  },
  {
    name: 'an error of many',
    result: { content: 'Errors', is_error: true },
    want: 'Error: Errors',
  },
  { name: 'no error', result: { content: 'no', is_error: null }, want: 'no' },
  {
    name: 'a picture between words',
    result: { content: [WORDS, IMAGE, WORDS] },
    want: 'words\n[image: see the next user message]\nwords',
  },
]) {
  test(`result: ${name}`, () => assert.equal(render(result).text, want));
}

test('pictures of a result come with a line that names the call as the provider knows it', () => {
  const { images } = render({ content: [IMAGE, IMAGE] });
  const caption = { type: 'text', text: '[image from the result of tool call a_2]' };
  assert.deepEqual(images, [caption, PICTURE, PICTURE]);
});

test('without vision nothing follows', () => {
  const { text, images } = render({ content: [IMAGE] }, false);
  assert.equal(text, '[image omitted: the model has no vision]');
  assert.deepEqual(images, []);
});
