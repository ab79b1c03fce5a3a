/** Is any body read without a throw, and what it asks for found? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readChat } from '../../lib/simulator/request.ts';

for (const body of [
  undefined,
  null,
  7,
  'x',
  [],
  {},
  { messages: 7, tools: {}, stop: 7, stream_options: [], response_format: 'x' },
  { messages: [null, 7, { content: [null, 7, { text: 7 }], tool_calls: [null] }], tools: [null] },
]) {
  test(`nonsense is read: ${JSON.stringify(body)}`, () => {
    const chat = readChat(body);
    assert.deepEqual([chat.model, chat.stream, chat.maxTokens], ['', false, undefined]);
  });
}

for (const { name, body, want } of [
  {
    name: 'the current name of the maximum',
    body: { max_completion_tokens: 7 },
    want: { maxTokens: 7 },
  },
  { name: 'the old name of the maximum', body: { max_tokens: 9 }, want: { maxTokens: 9 } },
  { name: 'one stop', body: { stop: 'x' }, want: { stops: ['x'] } },
  { name: 'stops', body: { stop: ['x', 'y', ''] }, want: { stops: ['x', 'y'] } },
  { name: 'no tools', body: { tools: [{}], tool_choice: 'none' }, want: { tools: [] } },
  {
    name: 'a named tool',
    body: { tool_choice: { type: 'function', function: { name: 'f' } } },
    want: { forcedTool: 'f' },
  },
  { name: 'any tool', body: { tool_choice: 'required' }, want: { forcedTool: 'required' } },
  { name: 'hidden reasoning', body: { reasoning_format: 'hidden' }, want: { thinking: false } },
  {
    name: 'any JSON',
    body: { response_format: { type: 'json_object' } },
    want: { jsonSchema: {} },
  },
  {
    name: 'a schema',
    body: { response_format: { type: 'json_schema', json_schema: { schema: { type: 'null' } } } },
    want: { jsonSchema: { type: 'null' } },
  },
  {
    name: 'parts of text',
    body: { messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }, { text: 'b' }] }] },
    want: { messages: [{ role: 'user', text: 'a\nb', calls: [], callId: undefined }] },
  },
]) {
  test(`read: ${name}`, () => {
    const chat = readChat(body);
    const seen = Object.fromEntries(Object.entries(chat).filter(([key]) => key in want));
    assert.deepEqual(seen, want);
  });
}
