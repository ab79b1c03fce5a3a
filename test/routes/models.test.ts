import assert from 'node:assert/strict';
import test from 'node:test';
import { errorOf } from '../support/http-client.ts';
import { road } from '../support/road.ts';

const MODELS = '[glm-4.6, glm-4.5-air, { id: vendor/big, upstream: big-1 }]';

test('GET {anthropic}/v1/models: Anthropic’s shape, with claude-* aliases', async (t) => {
  const { ask } = await road(t, { models: MODELS });
  for (const path of [
    '/anthropic/v1/models',
    '/anthropic/v1/models?limit=1000',
    '/anthropic/models',
  ]) {
    const { status, text } = await ask(path);
    assert.equal(status, 200, path);
    const list = JSON.parse(text);
    const ids = list.data.map(({ id }: { id: string }) => id);
    assert.deepEqual(ids.slice(0, 3), ['glm-4.6', 'glm-4.5-air', 'vendor/big']);
    assert.deepEqual(ids.slice(3), ['claude-opus', 'claude-sonnet', 'claude-haiku']);
    assert.equal(list.has_more, false);
    assert.deepEqual([list.first_id, list.last_id], ['glm-4.6', 'claude-haiku']);
    for (const { type, display_name: name, created_at: created } of list.data) {
      assert.equal(type, 'model');
      assert.ok(name.length > 0);
      assert.match(created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    }
  }
});

test('GET {openai}/models: the shape of OpenAI', async (t) => {
  const { ask } = await road(t, { models: MODELS });
  for (const path of ['/openai/models', '/openai/v1/models']) {
    const list = JSON.parse((await ask(path)).text);
    assert.equal(list.object, 'list');
    assert.deepEqual(list.data[2], {
      id: 'vendor/big',
      object: 'model',
      created: list.data[2].created,
      owned_by: 'p1',
    });
    assert.ok(Number.isInteger(list.data[2].created));
  }
});

for (const { name, path, id } of [
  { name: 'anthropic', path: '/anthropic/v1/models/glm-4.6', id: 'glm-4.6' },
  {
    name: 'anthropic, an id with a slash',
    path: '/anthropic/v1/models/vendor/big',
    id: 'vendor/big',
  },
  { name: 'anthropic, encoded', path: '/anthropic/models/vendor%2Fbig', id: 'vendor/big' },
  {
    name: 'anthropic, an alias',
    path: '/anthropic/v1/models/claude-opus-4-5',
    id: 'claude-opus-4-5',
  },
  { name: 'openai', path: '/openai/v1/models/glm-4.5-air', id: 'glm-4.5-air' },
  { name: 'openai, an id with a slash', path: '/openai/models/vendor/big?x', id: 'vendor/big' },
  { name: 'openai, pinned', path: '/openai/models/p1/glm-4.6', id: 'p1/glm-4.6' },
]) {
  test(`one model: ${name}`, async (t) => {
    const { ask } = await road(t, { models: MODELS });
    const { status, text } = await ask(path);
    assert.equal(status, 200, text);
    assert.equal(JSON.parse(text).id, id);
    const head = await ask(path, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
  });
}

for (const path of ['/anthropic/v1/models/nope', '/openai/models/nope', '/openai/models/%zz']) {
  test(`no such model: ${path}`, async (t) => {
    const answer = await (await road(t)).ask(path);
    assert.equal(answer.status, 404);
    assert.equal(errorOf(answer).type, 'not_found_error');
  });
}
