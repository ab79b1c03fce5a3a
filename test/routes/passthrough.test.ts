import assert from 'node:assert/strict';
import test from 'node:test';
import { errorOf } from '../support/http-client.ts';
import { road } from '../support/road.ts';
import { sse, stream } from '../support/scripted.ts';

test('other POST paths with a model go to its provider, and come back as they are', async (t) => {
  const body = { object: 'list', data: [{ embedding: [0.1] }], model: 'glm-4.6' };
  const { ask, provider } = await road(t, { otherwise: [{ body }] });
  for (const { path, upstream } of [
    { path: '/openai/embeddings', upstream: '/v1/embeddings' },
    { path: '/openai/v1/embeddings?a=b', upstream: '/v1/embeddings' },
    { path: '/openai/completions', upstream: '/v1/completions' },
    { path: '/openai/v1/responses', upstream: '/v1/responses' },
    { path: '/openai/v1/audio/speech', upstream: '/v1/audio/speech' },
  ]) {
    const answer = await ask(path, { body: { model: 'claude-haiku', input: 'x' } });
    assert.equal(answer.status, 200, path);
    assert.deepEqual(JSON.parse(answer.text), { ...body, model: 'claude-haiku' });
    const sent = provider.received.at(-1);
    assert.equal(sent?.path, upstream);
    assert.deepEqual(JSON.parse(sent.body), { model: 'glm-4.5-air', input: 'x' });
  }
});

test('a stream of another path is relayed byte for byte', async (t) => {
  const usage = { input_tokens: 4, output_tokens: 2 };
  const frames = [
    `event: response.created\n${sse({ type: 'response.created' })}`,
    `event: response.completed\n${sse({ response: { usage } })}`,
  ];
  const { ask, requestLine } = await road(t, { answers: [stream(...frames)] });
  const body = { model: 'glm-4.6', input: 'x', stream: true };
  const answer = await ask('/openai/v1/responses', { body });
  assert.equal(answer.text, frames.join(''));
  const { input_tokens: input, output_tokens: output } = await requestLine();
  assert.deepEqual([input, output], [4, 2]);
});

test('a path that climbs out of the endpoint reaches no provider', async (t) => {
  const { ask, provider } = await road(t);
  for (const path of [
    '/openai/../admin',
    '/openai/v1/../../admin',
    '/openai/a/%2e%2E/b',
    '/openai/./x',
    '/openai//x',
    '/openai/..%2fx',
  ]) {
    const answer = await ask(path, { body: { model: 'glm-4.6' } });
    assert.equal(answer.status, 404, path);
    assert.equal(errorOf(answer).type, 'not_found_error');
  }
  assert.equal(provider.received.length, 0);
});

test('without a model: 400 that names it', async (t) => {
  const { ask } = await road(t);
  const answer = await ask('/openai/embeddings', { body: { input: 'x' } });
  assert.equal(answer.status, 400);
  assert.equal(errorOf(answer).param, 'model');
});
