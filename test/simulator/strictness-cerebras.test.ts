/** Does the cerebras dialect refuse what the real one does, by name, and nothing else? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cerebrasFault } from '../../lib/simulator/strictness-cerebras.ts';
import { chat } from './ask.ts';

const tool = (more: object = {}, made: object = {}): object => ({
  type: 'function',
  function: { name: 'f', description: 'd', parameters: { type: 'object' }, ...made },
  ...more,
});
const schema = (parameters: object): object => ({ tools: [tool({}, { parameters })] });
const asked = { role: 'user', content: 'x' };
const history = (message: object): object => ({ messages: [asked, message, asked] });
const image = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }];

for (const { name, more, vision = false } of [
  { name: 'a plain request', more: {} },
  {
    name: 'everything that is known',
    more: {
      max_completion_tokens: 5,
      temperature: 1.5,
      top_p: 1,
      stop: ['a', 'b', 'c', 'd'],
      seed: 1,
      stream: true,
      stream_options: { include_usage: true },
      tools: [tool()],
      tool_choice: 'required',
      parallel_tool_calls: true,
      reasoning_effort: 'none',
      prompt_cache_key: 'k',
      user: 'u',
    },
  },
  {
    name: 'reasoning sent back',
    more: history({ role: 'assistant', content: 'a', reasoning: 'r' }),
  },
  {
    name: 'a picture for a model that sees',
    more: { messages: [{ ...asked, content: image }] },
    vision: true,
  },
  {
    name: 'properties that are named like keywords',
    more: schema({
      type: 'object',
      properties: { format: { type: 'string', minimum: 1 }, pattern: {} },
    }),
  },
]) {
  test(`accepted: ${name}`, () => {
    assert.equal(cerebrasFault(chat('x', more as Record<string, unknown>), vision), undefined);
  });
}

for (const { name, more, param = 'validation_error', message } of [
  {
    name: 'a top-level field',
    more: { metadata: {} },
    message: "property 'metadata' is unsupported",
  },
  { name: 'thinking', more: { thinking: {} }, message: "property 'thinking' is unsupported" },
  {
    name: 'stream options',
    more: { stream_options: { x: 1 } },
    message: "property 'stream_options.x' is unsupported",
  },
  {
    name: 'reasoning_content sent back',
    more: history({ role: 'assistant', content: 'a', reasoning_content: 'r' }),
    message: "property 'messages.1.assistant.reasoning_content' is unsupported",
  },
  {
    name: 'cache_control on a part',
    more: {
      messages: [{ role: 'user', content: [{ type: 'text', text: 'x', cache_control: {} }] }],
    },
    message: 'messages.0.user.content.0.cache_control: property',
  },
  {
    name: 'a role',
    more: history({ role: 'robot', content: 'x' }),
    message: "'robot' is not a role",
  },
  { name: 'no content', more: history({ role: 'assistant' }), message: 'content: field required' },
  {
    name: 'a picture',
    more: { messages: [{ ...asked, content: image }] },
    message: 'images are not supported',
  },
  {
    name: 'a part of Anthropic',
    more: { messages: [{ role: 'user', content: [{ type: 'tool_result' }] }] },
    message: "'tool_result' is unsupported",
  },
  {
    name: 'arguments as an object',
    more: history({
      role: 'assistant',
      tool_calls: [{ id: 'a', function: { name: 'f', arguments: {} } }],
    }),
    message: 'must be strings',
  },
  {
    name: 'a tool name',
    more: { tools: [tool({}, { name: 'a b' })] },
    param: 'tools',
    message: 'does not match',
  },
  {
    name: 'a field in a tool',
    more: { tools: [tool({ defer_loading: true })] },
    message: "property 'tools.0.defer_loading' is unsupported",
  },
  {
    name: 'a keyword deep in a schema',
    more: schema({ properties: { a: { items: { minLength: 1 } } } }),
    param: 'tools',
    message: 'Unsupported JSON schema fields: minLength',
  },
  {
    name: 'mixed strict',
    more: { tools: [tool(), tool({}, { strict: true })] },
    param: 'tools',
    message: "mixed values for 'strict'",
  },
  {
    name: 'a format beside tools',
    more: { tools: [tool()], response_format: { type: 'json_object' } },
    param: 'response_format',
    message: 'cannot be used together',
  },
  {
    name: 'a choice without tools',
    more: { tool_choice: 'required' },
    param: 'tool_choice',
    message: 'needs tools',
  },
  { name: 'a maximum of 0', more: { max_completion_tokens: 0 }, message: 'positive integer' },
  { name: 'temperature', more: { temperature: 1.6 }, message: 'between 0 and 1.5' },
  { name: 'five stops', more: { stop: ['a', 'b', 'c', 'd', 'e'] }, message: 'at most 4' },
  { name: 'effort', more: { reasoning_effort: 'max' }, message: "'max' is not known" },
]) {
  test(`refused: ${name}`, () => {
    const fault = cerebrasFault(chat('x', more as Record<string, unknown>), false);
    assert.equal(fault?.param, param);
    assert.ok(fault.message.includes(message), fault.message);
  });
}
