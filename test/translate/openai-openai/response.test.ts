/** Is a provider's JSON answer told from an error, and does only its model change? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relayJson } from '../../../lib/translate/openai-openai/response.ts';

const relay = (body: string) =>
  relayJson(Buffer.from(body), { askedModel: 'asked', estimatedInputTokens: 42 });

function answer(body: string) {
  const told = relay(body);
  assert.ok(!('kind' in told), 'a fault');
  return told;
}

const CHAT = [
  '{ "id":"c", "object":"chat.completion","model":"up","choices":[{"index":0,"message":',
  '{"role":"assistant","content":"\\"model\\":\\"up\\""},"finish_reason":"stop"}],',
  '"usage":{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":',
  '{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":1}},"n":1.0 }',
].join('');

test('a chat answer', () => {
  const { body, usage, stopReason, empty } = answer(CHAT);
  assert.equal(body.toString(), CHAT.replace('"model":"up"', '"model":"asked"'));
  assert.deepEqual(usage, {
    promptTokens: 9,
    cachedTokens: 5,
    outputTokens: 4,
    reasoningTokens: 1,
    reported: true,
  });
  assert.deepEqual([stopReason, empty], ['', false], 'it is not looked at');
});

test('an answer of the asked model is the very bytes', () => {
  const bytes = Buffer.from(CHAT.replace('"up"', '"asked"'));
  const told = relayJson(bytes, { askedModel: 'asked', estimatedInputTokens: 0 });
  assert.ok('body' in told);
  assert.equal(told.body, bytes);
});

for (const { name, body, prompt, output } of [
  {
    name: 'embeddings',
    body: JSON.stringify({
      object: 'list',
      data: [{ embedding: [0.1, -0.002] }],
      model: 'up',
      usage: { prompt_tokens: 5, total_tokens: 5 },
    }),
    prompt: 5,
    output: 0,
  },
  {
    name: 'legacy completion',
    body: JSON.stringify({
      model: 'up',
      choices: [{ text: 'a', finish_reason: 'length' }],
      usage: { prompt_tokens: 5, completion_tokens: 1 },
    }),
    prompt: 5,
    output: 1,
  },
  {
    name: 'responses, also failed ones',
    body: JSON.stringify({
      object: 'response',
      status: 'failed',
      error: { code: 'server_error', message: 'x' },
      model: 'up',
      usage: { input_tokens: 3, output_tokens: 2 },
    }),
    prompt: 3,
    output: 2,
  },
  {
    name: 'an error that is null',
    body: JSON.stringify({
      error: null,
      model: 'up',
      choices: [{ message: { tool_calls: [{ id: '1' }] }, finish_reason: 'tool_calls' }],
    }),
    prompt: 42,
    output: 4,
  },
  {
    name: 'neither text nor call',
    body: JSON.stringify({
      model: 'up',
      choices: [{ message: { content: '', reasoning: 'hm' }, finish_reason: 'stop' }],
    }),
    prompt: 42,
    output: 3,
  },
  {
    name: 'odd choices',
    body: JSON.stringify({
      model: 7,
      choices: [null, { message: 3, finish_reason: 1 }],
      usage: 'none',
    }),
    prompt: 42,
    output: 1,
  },
]) {
  test(`answer: ${name}`, () => {
    const told = answer(body);
    assert.equal(told.usage.promptTokens, prompt);
    assert.equal(told.usage.outputTokens, output);
    assert.match(told.body.toString(), /"model":"asked"/);
  });
}

for (const { name, body, kind, status } of [
  { name: 'wrapped', body: '{"error":{"message":"x","code":"1302"}}', kind: 'error', status: 0 },
  { name: 'an empty error', body: '{"error":{},"status_code":429}', kind: 'error', status: 429 },
  {
    name: 'with a status',
    body: '{"error":{"message":"x"},"status_code":429}',
    kind: 'error',
    status: 429,
  },
  {
    name: 'a number as code',
    body: '{"error":{"code":502,"message":"x"}}',
    kind: 'error',
    status: 502,
  },
  { name: 'text', body: '{"error":"overloaded"}', kind: 'error', status: 0 },
  {
    name: 'flat',
    body: '{"message":"x","type":"t","param":"quota","code":"c"}',
    kind: 'error',
    status: 0,
  },
  {
    name: 'flat with object',
    body: '{"object":"error","message":"x","type":"t","code":400}',
    kind: 'error',
    status: 400,
  },
  { name: 'unwrapped Zhipu', body: '{"code":"1210","message":"x"}', kind: 'error', status: 0 },
  { name: 'HTML', body: '<html></html>', kind: 'nonsense', status: 0 },
  { name: 'nothing', body: '', kind: 'nonsense', status: 0 },
  { name: 'a list', body: '[]', kind: 'nonsense', status: 0 },
  { name: 'cut', body: CHAT.slice(0, -20), kind: 'nonsense', status: 0 },
]) {
  test(`fault: ${name}`, () => {
    const told = relay(body);
    assert.ok('kind' in told);
    assert.deepEqual([told.kind, told.status], [kind, status]);
    assert.equal(told.text, body);
  });
}
