/** Is a provider's message told from an error, and does only its model change? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relayMessage } from '../../../lib/translate/anthropic-anthropic/response.ts';

const relay = (body: string) =>
  relayMessage(Buffer.from(body), { askedModel: 'asked', estimatedInputTokens: 42 });

const message = (content: string) =>
  [
    `{"id":"msg_1","type":"message","role":"assistant","model":"up","content":${content},`,
    '"stop_reason":"end_turn","usage":{"input_tokens":5,"cache_read_input_tokens":7,',
    '"cache_creation_input_tokens":1,"output_tokens":3,',
    '"output_tokens_details":{"thinking_tokens":2}}, "n":1.0}',
  ].join('');

for (const { name, content, empty } of [
  { name: 'text', content: '[{"type":"text","text":"\\"model\\":\\"up\\""}]', empty: false },
  {
    name: 'a call',
    content: '[{"type":"tool_use","id":"toolu_1","name":"f","input":{}}]',
    empty: false,
  },
  {
    name: 'thinking only',
    content: '[{"type":"thinking","thinking":"hm","signature":"s"}]',
    empty: true,
  },
  { name: 'empty text', content: '[{"type":"text","text":""}]', empty: true },
  { name: 'nothing', content: '[]', empty: true },
]) {
  test(`message: ${name}`, () => {
    const told = relay(message(content));
    assert.ok('body' in told);
    assert.equal(told.body.toString(), message(content).replace('"up"', '"asked"'));
    assert.equal(told.empty, empty);
    assert.equal(told.stopReason, 'end_turn');
    assert.deepEqual(told.usage, {
      promptTokens: 13,
      cachedTokens: 7,
      outputTokens: 3,
      reasoningTokens: 2,
      reported: true,
    });
  });
}

test('without usage the numbers are estimates', () => {
  const told = relay('{"content":[{"type":"text","text":"hello"}]}');
  assert.ok('usage' in told);
  assert.deepEqual([told.usage.promptTokens, told.usage.reported], [42, false]);
});

for (const { name, body, kind, status } of [
  {
    name: 'an error',
    body: '{"type":"error","error":{"type":"rate_limit_error","message":"x"}}',
    ...{ kind: 'error', status: 429 },
  },
  {
    name: 'Z.ai',
    body: '{"code":500,"msg":"404 NOT_FOUND","success":false}',
    kind: 'error',
    status: 500,
  },
  { name: 'an error of OpenAI', body: '{"error":{"message":"x"}}', kind: 'error', status: 0 },
  { name: 'another protocol', body: '{"choices":[],"model":"x"}', kind: 'nonsense', status: 0 },
  { name: 'HTML', body: '<html>', kind: 'nonsense', status: 0 },
  { name: 'nothing', body: '', kind: 'nonsense', status: 0 },
]) {
  test(`fault: ${name}`, () => {
    const told = relay(body);
    assert.ok('kind' in told);
    assert.deepEqual([told.kind, told.status], [kind, status]);
  });
}
