import assert from 'node:assert/strict';
import test from 'node:test';
import { chat, eventsOf } from '../support/http-client.ts';
import { road } from '../support/road.ts';
import { DONE, delta, sse, stream } from '../support/scripted.ts';

test('POST {openai}[/v1]/chat/completions: only model and key change', async (t) => {
  const { ask, provider } = await road(t);
  const body =
    '{ "temperature": 0.70, "model" : "gpt-4o-haiku",\n "messages":' +
    '[{"role":"user","content":"\\u0068i"}], "x": 1e2 }';
  for (const path of ['/openai/chat/completions', '/openai/v1/chat/completions?a=b']) {
    const answer = await ask(path, { body, method: 'POST' });
    assert.equal(answer.status, 200, path);
    assert.equal(JSON.parse(answer.text).model, 'gpt-4o-haiku');
    const sent = provider.received.at(-1);
    assert.equal(sent?.path, '/v1/chat/completions');
    assert.equal(sent.body, body.replace('gpt-4o-haiku', 'glm-4.5-air'));
    assert.equal(sent.headers.authorization, 'Bearer key-secret-1-k1');
  }
});

test('usage is asked for, and taken out again', async (t) => {
  const usage = sse({ id: 'x', choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } });
  const frames = stream(delta('hi'), delta('', 'stop'), usage, DONE);
  const { chat: complete, provider, requestLine } = await road(t, { answers: [frames, frames] });
  const plain = await complete(chat('x', { stream: true }));
  assert.match(String(provider.received[0]?.body), /"stream_options":\{"include_usage":true\}/);
  assert.ok(!plain.text.includes('prompt_tokens'));
  assert.equal(eventsOf(plain.text).at(-1)?.data, '[DONE]');
  const { input_tokens: input, output_tokens: output } = await requestLine();
  assert.deepEqual([input, output], [7, 3]);
  const options = { stream: true, stream_options: { include_usage: true } };
  assert.match((await complete(chat('x', options))).text, /"prompt_tokens":7/);
});
