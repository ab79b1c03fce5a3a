/** What do both dialects refuse, and does the answer on the wire have the dialect's shape? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findFault } from '../../lib/simulator/strictness.ts';
import { ask, chat, started, TOOLS } from './ask.ts';

const asked = { role: 'user', content: 'x' };
const calling = (...ids: string[]): object => ({
  role: 'assistant',
  tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })),
});
const result = (id: string): object => ({ role: 'tool', tool_call_id: id, content: 'r' });

for (const { name, body, message } of [
  { name: 'no object', body: [], message: 'not a JSON object' },
  { name: 'no model', body: { messages: [asked] }, message: 'model: field required' },
  { name: 'no messages', body: { model: 'm' }, message: 'messages: field required' },
  { name: 'empty messages', body: { model: 'm', messages: [] }, message: 'must not be empty' },
  {
    name: 'a result without a call',
    body: { model: 'm', messages: [asked, result('a')] },
    message: 'messages.1: tool_call_id a answers no open tool call',
  },
  {
    name: 'a call without a result',
    body: { model: 'm', messages: [asked, calling('a', 'b'), result('b'), asked] },
    message: 'messages.3: tool calls before it are not answered',
  },
  {
    name: 'a call at the end',
    body: { model: 'm', messages: [asked, calling('a')] },
    message: 'messages.1: tool calls are not answered',
  },
  {
    name: 'results in any order',
    body: { model: 'm', messages: [asked, calling('a', 'b'), result('b'), result('a')] },
    message: undefined,
  },
]) {
  for (const dialect of ['cerebras', 'zhipu'] as const) {
    test(`${dialect}: ${name}`, () => {
      const fault = findFault(dialect, body, { vision: false });
      if (message === undefined) assert.equal(fault, undefined);
      else assert.ok(fault?.message.includes(message), fault?.message);
    });
  }
}

test('cerebras tells it flat, without rate headers', async (t) => {
  const simulator = await started(t, { requestsPerMinute: 5 });
  const { status, headers, text } = await ask(simulator, chat('x', { top_k: 5 }));
  assert.equal(status, 400);
  assert.deepEqual(JSON.parse(text), {
    message: "top_k: property 'top_k' is unsupported",
    type: 'invalid_request_error',
    param: 'validation_error',
    code: 'wrong_api_format',
  });
  assert.equal(headers['x-ratelimit-limit-requests-minute'], undefined);
});

test('zhipu tells it wrapped, the code as text', async (t) => {
  const simulator = await started(t, { dialect: 'zhipu' });
  const body = chat('x', { tools: TOOLS, tool_choice: 'required' });
  const { status, text } = await ask(simulator, body);
  assert.equal(status, 400);
  assert.equal(JSON.parse(text).error.code, '1210');
});

test('a simulator that is not strict takes it', async (t) => {
  const simulator = await started(t, { strict: false });
  assert.equal((await ask(simulator, chat('x', { top_k: 5 }))).status, 200);
});
