/** What blocks become as parts, and parts as a message's content. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  enclosed,
  joinTexts,
  renderContent,
  userContent,
} from '../../../lib/translate/anthropic-openai/content.ts';
import { NO_TEXTS } from '../../../lib/translate/anthropic-openai/long-texts.ts';
import { ToolNames } from '../../../lib/translate/anthropic-openai/tool-names.ts';
import type { ContentBlock } from '../../../lib/wire/anthropic-request.ts';
import type { ChatPart } from '../../../lib/wire/openai-request.ts';

const SEES = { vision: true, names: new ToolNames([]), longTexts: NO_TEXTS };
const BLIND = { ...SEES, vision: false };

function text(words: string): ChatPart {
  return { type: 'text', text: words };
}

const PICTURE: ChatPart = { type: 'image_url', image_url: { url: 'data:image/png;base64,QQ==' } };
const IMAGE: ContentBlock = {
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data: 'QQ==' },
};

test('a string is one part, a blank one none', () => {
  assert.deepEqual(renderContent(' a\n', BLIND), [text(' a\n')]);
  assert.deepEqual(renderContent(' \n', BLIND), []);
  assert.deepEqual(renderContent([], BLIND), []);
});

for (const { name, block, want } of [
  { name: 'a picture', block: IMAGE, want: [PICTURE] },
  { name: 'blank text', block: { type: 'text', text: '\n' }, want: [] },
  { name: 'thinking', block: { type: 'thinking', thinking: 'x' }, want: [] },
  { name: 'a call', block: { type: 'tool_use', id: 'a', name: 'T' }, want: [] },
  { name: 'an empty summary', block: { type: 'compaction', content: null }, want: [] },
  {
    name: 'a result without its call',
    block: { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'A' }, IMAGE] },
    want: [text('[result of the earlier tool call a]'), text('A'), PICTURE],
  },
  {
    name: 'an empty document',
    block: { type: 'document', source: { type: 'text', data: '' } },
    want: [text('<document>\n\n</document>')],
  },
  {
    name: 'a document with a picture',
    block: { type: 'document', source: { type: 'content', content: [IMAGE] } },
    want: [text('<document>'), PICTURE, text('</document>')],
  },
  {
    name: 'a document of a size',
    block: {
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data: 'A'.repeat(40_000) },
    },
    want: [text('[document omitted: application/pdf, about 30 KB]')],
  },
] as ReadonlyArray<{ name: string; block: ContentBlock; want: ChatPart[] }>) {
  test(`block: ${name}`, () => assert.deepEqual(renderContent([block], SEES), want));
}

test('a picture for a model without vision is a line of text', () => {
  const want = [text('[image omitted: the model has no vision]')];
  assert.deepEqual(renderContent([IMAGE], BLIND), want);
});

for (const { name, parts, want } of [
  { name: 'none', parts: [], want: undefined },
  { name: 'texts are one string', parts: [text('a'), text('b')], want: 'a\n\nb' },
  { name: 'a picture alone', parts: [PICTURE], want: [PICTURE] },
  {
    name: 'neighbouring texts are one part',
    parts: [text('a'), text('b'), PICTURE, text('c'), text('d')],
    want: [text('a\n\nb'), PICTURE, text('c\n\nd')],
  },
]) {
  test(`content of a user: ${name}`, () => {
    const before = JSON.stringify(parts);
    assert.deepEqual(userContent(parts), want);
    assert.equal(JSON.stringify(parts), before);
  });
}

test('texts are joined without the pictures between them', () => {
  assert.equal(joinTexts([text('a'), PICTURE, text('b')], '|'), 'a|b');
});

test('marks stand on lines around text, in parts around pictures', () => {
  assert.equal(enclosed('<a>', 'x', '</a>'), '<a>\nx\n</a>');
  assert.deepEqual(enclosed('<a>', [PICTURE], '</a>'), [text('<a>'), PICTURE, text('</a>')]);
});
