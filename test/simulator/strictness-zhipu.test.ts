/** Does the zhipu dialect refuse what the real one does, by code? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zhipuFault } from '../../lib/simulator/strictness-zhipu.ts';
import { chat } from './ask.ts';

const tool = (made: object = {}): object => ({
  type: 'function',
  function: { name: 'f', description: 'd', parameters: { type: 'object' }, ...made },
});
const parts = { messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] };

for (const { name, more, vision = false, code } of [
  { name: 'a plain request', more: {}, code: undefined },
  { name: 'unknown fields', more: { metadata: {}, seed: 1 }, code: undefined },
  {
    name: 'its own fields',
    more: {
      tools: [tool()],
      tool_choice: 'auto',
      tool_stream: true,
      thinking: { type: 'enabled' },
      user_id: 'abcdef',
      stop: ['x'],
    },
    code: undefined,
  },
  { name: 'parts for a model that sees', more: parts, vision: true, code: undefined },
  { name: 'parts for a text model', more: parts, code: '1210' },
  { name: 'another tool choice', more: { tool_choice: 'required' }, code: '1210' },
  { name: 'two stops', more: { stop: ['a', 'b'] }, code: '1210' },
  { name: 'a schema', more: { response_format: { type: 'json_schema' } }, code: '1210' },
  { name: 'temperature', more: { temperature: 1.1 }, code: '1210' },
  { name: 'top_p', more: { top_p: 0 }, code: '1210' },
  { name: 'a maximum over the most', more: { max_tokens: 131_073 }, code: '1210' },
  { name: 'a maximum that is text', more: { max_tokens: '5' }, code: '1210' },
  { name: 'a short user', more: { user_id: 'abc' }, code: '1210' },
  { name: 'nobody asks', more: { messages: [{ role: 'system', content: 'x' }] }, code: '1214' },
  { name: 'a role', more: { messages: [{ role: 'developer', content: 'x' }] }, code: '1214' },
  { name: 'no content', more: { messages: [{ role: 'user' }] }, code: '1214' },
  { name: 'a tool without words', more: { tools: [tool({ description: '' })] }, code: '1213' },
  {
    name: 'a tool without parameters',
    more: { tools: [tool({ parameters: null })] },
    code: '1213',
  },
  {
    name: 'too many tools',
    more: { tools: Array.from({ length: 129 }, () => tool()) },
    code: '1210',
  },
  {
    name: 'a newest model told not to think',
    more: { model: 'glm-5.3', thinking: { type: 'disabled' } },
    code: '1210',
  },
  {
    name: 'an effort the newest does not know',
    more: { model: 'glm-5.3', reasoning_effort: 'medium' },
    code: '1210',
  },
  {
    name: 'any effort for an older one',
    more: { model: 'glm-5.2', reasoning_effort: 'medium' },
    code: undefined,
  },
]) {
  test(`zhipu: ${name}: ${code ?? 'accepted'}`, () => {
    const body = chat('x', more as Record<string, unknown>);
    assert.equal(zhipuFault(body, vision)?.code, code);
  });
}
