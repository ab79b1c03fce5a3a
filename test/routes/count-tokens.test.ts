import assert from 'node:assert/strict';
import test from 'node:test';
import { errorOf, message } from '../support/http-client.ts';
import { road } from '../support/road.ts';
import { completion } from '../support/scripted.ts';

const PATH = '/anthropic/v1/messages/count_tokens';

test('tokens are counted here: no provider, no quota, no queue', async (t) => {
  const { ask, provider, messages } = await road(t, { keys: ['{ max_requests_per_minute: 1 }'] });
  await messages(message('x'));
  for (const path of [PATH, `${PATH}?beta=true`, '/anthropic/messages/count_tokens']) {
    const { status, text, headers } = await ask(path, { body: message('four words and more') });
    assert.equal(status, 200, path);
    const { input_tokens: tokens, ...rest } = JSON.parse(text);
    assert.ok(Number.isInteger(tokens) && tokens > 3 && tokens < 60, `${tokens}`);
    assert.deepEqual(rest, {});
    assert.match(String(headers['request-id']), /^req_/);
  }
  assert.equal(provider.received.length, 1);
});

test('more text, tools and system are more tokens', async (t) => {
  const { ask } = await road(t);
  const count = async (more: object): Promise<number> => {
    const { text } = await ask(PATH, { body: { ...message('x'), ...more } });
    return JSON.parse(text).input_tokens;
  };
  const plain = await count({});
  assert.ok((await count({ system: 'be brief and kind' })) > plain);
  const tools = [{ name: 'Read', description: 'reads a file', input_schema: { type: 'object' } }];
  assert.ok((await count({ tools })) > plain);
});

test('a model that nobody serves is counted too', async (t) => {
  const { ask } = await road(t);
  const { status, text } = await ask(PATH, { body: message('x', { model: 'nobody-has-it' }) });
  assert.equal(status, 200);
  assert.ok(JSON.parse(text).input_tokens > 0);
});

test('counts follow what the provider reports', async (t) => {
  const usage = { prompt_tokens: 100_000, completion_tokens: 1, total_tokens: 100_001 };
  const { ask, messages } = await road(t, { otherwise: [completion('x', { usage })] });
  const body = message('some words to count '.repeat(500));
  const count = async () => JSON.parse((await ask(PATH, { body })).text).input_tokens;
  const before = await count();
  for (let n = 0; n < 5; n++) await messages(body);
  assert.ok((await count()) > before);
});

test('a bad body is 400, and logged without its words', async (t) => {
  const { ask, requests } = await road(t);
  const answer = await ask(PATH, { body: { model: 'glm-4.6', messages: 'prompt-marker-77' } });
  assert.equal(answer.status, 400);
  assert.match(errorOf(answer).message, /^messages/);
  const [line] = requests();
  assert.deepEqual([line?.status, line?.endpoint, line?.path], [400, 'anthropic', PATH]);
});
