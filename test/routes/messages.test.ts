import assert from 'node:assert/strict';
import test from 'node:test';
import { message } from '../support/http-client.ts';
import { COMPLETION, road } from '../support/road.ts';

test('POST {anthropic}[/v1]/messages, with any query', async (t) => {
  const { ask, provider } = await road(t);
  const body = message('hi', { model: 'claude-opus-4-5' });
  for (const path of [
    '/anthropic/v1/messages',
    '/anthropic/v1/messages?beta=true',
    '/anthropic/messages',
    '/anthropic/messages?x=/openai',
  ]) {
    const answer = await ask(path, { body });
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers['content-type'], 'application/json');
    const { model, type, role, content } = JSON.parse(answer.text);
    assert.deepEqual([model, type, role], ['claude-opus-4-5', 'message', 'assistant']);
    assert.deepEqual(content, [{ type: 'text', text: COMPLETION }]);
  }
  assert.deepEqual(
    new Set(provider.received.map(({ path }) => path)),
    new Set(['/v1/chat/completions']),
  );
  assert.ok(provider.received.every(({ body: sent }) => JSON.parse(sent).model === 'glm-4.6'));
});

test('every answer says who served it, under one request id', async (t) => {
  const { ask, requestLine } = await road(t);
  const { headers } = await ask('/anthropic/v1/messages', { body: message('hi') });
  const told = Object.entries(headers).filter(([name]) => name.startsWith('x-cooldown-'));
  assert.deepEqual(Object.fromEntries(told.filter(([name]) => name !== 'x-cooldown-wait-ms')), {
    'x-cooldown-provider': 'p1',
    'x-cooldown-model': 'glm-4.6',
    'x-cooldown-key': 'k1',
    'x-cooldown-attempts': '1',
  });
  assert.match(String(headers['x-cooldown-wait-ms']), /^\d+$/);
  assert.equal((await requestLine()).request_id, headers['request-id']);
});

test('renamed endpoints', async (t) => {
  const { ask } = await road(t, {
    config: 'server: { anthropic_endpoint: /a/b, openai_endpoint: /o }',
  });
  assert.equal((await ask('/a/b/v1/messages', { body: message('x') })).status, 200);
  assert.equal((await ask('/o/v1/models')).status, 200);
  assert.equal((await ask('/anthropic/v1/messages', { body: message('x') })).status, 404);
  assert.equal((await ask('/openai/models')).status, 404);
});

test('a provider of the Messages protocol gets the request as it came', async (t) => {
  const said = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'glm-4.6',
    content: [{ type: 'text', text: 'hello' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 3, output_tokens: 2 },
  };
  const { ask, provider } = await road(t, {
    provider: '    protocol: anthropic',
    otherwise: [{ body: said }],
  });
  const body = message('hi', { model: 'claude-sonnet-4', thinking: { type: 'disabled' } });
  const headers = {
    'anthropic-version': '2023-06-01',
    'anthropic-beta': 'a,b',
    'x-api-key': 'of-the-client',
    authorization: 'Bearer of-the-client',
  };
  const answer = await ask('/anthropic/v1/messages?beta=true', { body, headers });
  assert.deepEqual(JSON.parse(answer.text), { ...said, model: 'claude-sonnet-4' });
  const sent = provider.received[0];
  assert.equal(sent?.path, '/v1/messages?beta=true');
  assert.deepEqual(JSON.parse(sent.body), { ...body, model: 'glm-4.6' });
  assert.equal(sent.headers['x-api-key'], 'key-secret-1-k1');
  assert.equal(sent.headers.authorization, undefined);
  assert.equal(sent.headers['anthropic-version'], '2023-06-01');
  assert.equal(sent.headers['anthropic-beta'], 'a,b');
});
