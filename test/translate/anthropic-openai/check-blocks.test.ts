/** What blocks, tools, choices and wishes may look like, and how a fault in one is named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkContent,
  checkFormat,
  checkThinking,
  checkTool,
  checkToolChoice,
} from '../../../lib/translate/anthropic-openai/check-blocks.ts';

function said(check: () => void): string {
  try {
    check();
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return 'nothing';
}

/** A block -> what is said of it. */
const BLOCKS: ReadonlyArray<readonly [unknown, string]> = [
  ['text', ': must be an object, got string'],
  [{}, '.type: must be a string, got nothing'],
  [{ type: 'text', text: 1 }, '.text: must be a string, got number'],
  [{ type: 'image' }, '.source: must be an object, got nothing'],
  [
    { type: 'image', source: { type: 'base64' } },
    '.source.media_type: must be a string, got nothing',
  ],
  [
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 1 } },
    '.source.data: must be a string, got number',
  ],
  [{ type: 'image', source: { type: 'url' } }, '.source.url: must be a string, got nothing'],
  [{ type: 'image', source: { type: 'file' } }, '.source.file_id: must be a string, got nothing'],
  [
    { type: 'document', title: 1, source: { type: 'url', url: 'x' } },
    '.title: must be a string, got number',
  ],
  [
    { type: 'document', source: { type: 'text', data: null } },
    '.source.data: must be a string, got null',
  ],
  [
    { type: 'document', source: { type: 'content', content: [{ type: 'text' }] } },
    '.source.content.0.text: must be a string, got nothing',
  ],
  [{ type: 'search_result', title: 't' }, '.source: must be a string, got nothing'],
  [
    { type: 'search_result', title: 't', source: 's', content: 'x' },
    '.content: must be an array, got string',
  ],
  [{ type: 'thinking', thinking: null }, '.thinking: must be a string, got null'],
  [{ type: 'compaction', content: 1 }, '.content: must be a string, got number'],
  [{ type: 'tool_use', name: 'T', input: {} }, '.id: must be a string, got nothing'],
  [{ type: 'tool_use', id: 'a', input: {} }, '.name: must be a string, got nothing'],
  [{ type: 'tool_result' }, '.tool_use_id: must be a string, got nothing'],
  [
    { type: 'tool_result', tool_use_id: 'a', is_error: 'no' },
    '.is_error: must be a boolean, got string',
  ],
  [
    { type: 'tool_result', tool_use_id: 'a', content: { text: 'x' } },
    '.content: must be a string or an array of blocks, got object',
  ],
  [
    { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'image', source: 'x' }] },
    '.content.0.source: must be an object, got string',
  ],
  [{ type: 'tool_reference' }, '.tool_name: must be a string, got nothing'],
];

for (const [block, want] of BLOCKS) {
  test(`block: ${want}`, () => {
    assert.equal(
      said(() => checkContent([block], 'here')),
      `here.0${want}`,
    );
  });
}

for (const block of [
  { type: 'text', text: '', citations: [] },
  { type: 'image', source: { type: 'new' } },
  { type: 'document', title: null, context: null, source: { type: 'content', content: 'x' } },
  { type: 'search_result', title: '', source: '', content: [] },
  { type: 'thinking', thinking: '' },
  { type: 'redacted_thinking', data: 7 },
  { type: 'compaction', content: null },
  { type: 'tool_use', id: '', name: '', input: null },
  { type: 'tool_result', tool_use_id: '', content: null, is_error: null },
  { type: 'new', anything: [[{}]] },
]) {
  test(`block taken: ${JSON.stringify(block)}`, () => checkContent([block], 'here'));
}

test('blocks inside of blocks are bounded in depth', () => {
  let content: unknown = 'x';
  for (let level = 0; level < 511; level++)
    content = [{ type: 'tool_result', tool_use_id: 'a', content }];
  checkContent(content, 'here');
  const deeper = [{ type: 'document', source: { type: 'content', content } }];
  const evenDeeper = [{ type: 'tool_result', tool_use_id: 'a', content: deeper }];
  assert.match(
    said(() => checkContent(evenDeeper, 'here')),
    /is nested deeper than 512 levels$/,
  );
});

const OWNERS = [
  { check: checkTool, given: { type: 'mcp_toolset' }, want: 'nothing' },
  { check: checkTool, given: { type: 'custom' }, want: 'x.name: must be a string, got nothing' },
  {
    check: checkTool,
    given: { type: 'bash_20250124', name: 1 },
    want: 'x.name: must be a string, got number',
  },
  { check: checkTool, given: { name: 'T', input_schema: null }, want: 'nothing' },
  {
    check: checkTool,
    given: { name: 'T', input_schema: 'x' },
    want: 'x.input_schema: must be an object, got string',
  },
  { check: checkToolChoice, given: { type: 'none' }, want: 'nothing' },
  { check: checkToolChoice, given: { type: 'tool', name: 'T' }, want: 'nothing' },
  {
    check: checkToolChoice,
    given: { type: 'auto', disable_parallel_tool_use: null },
    want: 'nothing',
  },
  {
    check: checkToolChoice,
    given: { type: 'required' },
    want: 'x.type: must be auto, any, tool or none',
  },
  { check: checkThinking, given: { type: 'new', budget_tokens: null }, want: 'nothing' },
  { check: checkFormat, given: { type: 'yaml' }, want: 'nothing' },
  {
    check: checkFormat,
    given: { type: 'json_schema', schema: { n: Number.POSITIVE_INFINITY } },
    want: 'x.schema.n: is out of range',
  },
];

for (const { check, given, want } of OWNERS) {
  test(`${check.name} says of ${JSON.stringify(given)}: ${want}`, () => {
    assert.equal(
      said(() => check(given, 'x')),
      want,
    );
  });
}
