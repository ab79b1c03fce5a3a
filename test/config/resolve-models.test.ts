import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PRESETS } from '../../lib/providers/index.ts';
import { faultsOf, good } from '../support/configs.ts';

const text = (models: string, provider = 'name: x, endpoint: "http://localhost/v1"') =>
  `providers: [{ ${provider}, models: ${models} }]`;

const models = (list: string, provider?: string) =>
  good(text(list, provider)).providers[0]?.models.map((model) => [
    model.id,
    model.upstream,
    model.contextWindow,
    model.maxOutputTokens,
    model.vision,
  ]);

for (const { name, list, provider, want } of [
  { name: 'unknown to all', list: '[my-model]', want: [['my-model', 'my-model', 0, 0, false]] },
  {
    name: 'known to its preset',
    list: '[glm-4.6]',
    provider: 'name: zai, api_key: k',
    want: [['glm-4.6', 'glm-4.6', 200_000, 131_072, false]],
  },
  {
    name: 'known to its preset, retired',
    list: '[glm-4.6]',
    provider: 'name: cerebras, api_key: k',
    want: [['glm-4.6', 'glm-4.6', 131_072, 40_960, false]],
  },
  {
    name: 'known to another preset',
    list: '[glm-4.6v]',
    want: [['glm-4.6v', 'glm-4.6v', 128_000, 32_768, true]],
  },
  {
    name: 'known by its upstream name',
    list: '[{ id: a, upstream: glm-4.6v }]',
    want: [['a', 'glm-4.6v', 128_000, 32_768, true]],
  },
  {
    name: 'said in full',
    list: '[{ id: a, upstream: b, context_window: 5, max_output_tokens: 6, vision: true }]',
    want: [['a', 'b', 5, 6, true]],
  },
  {
    name: 'said in part',
    list: '[{ id: glm-4.6v, vision: false }]',
    want: [['glm-4.6v', 'glm-4.6v', 128_000, 32_768, false]],
  },
  {
    name: 'an id with a slash',
    list: '[openai/gpt-oss-120b]',
    want: [['openai/gpt-oss-120b', 'openai/gpt-oss-120b', 0, 0, false]],
  },
]) {
  test(`model facts: ${name}`, () => {
    assert.deepEqual(models(list, provider), want);
  });
}

test('no models listed: those of the preset', () => {
  const config = good('providers: [{ name: cerebras, api_key: k }]');
  assert.deepEqual(config.providers[0]?.models, PRESETS.cerebras.models);
});

for (const { name, list, why } of [
  { name: 'listed twice', list: '[a, { id: A }]', why: /models\[1\]: model "A" is listed twice/ },
  { name: 'no id', list: '[{ upstream: a }]', why: /models\[0\]: has no id/ },
  { name: 'empty', list: '[""]', why: /1 to 256 visible/ },
  { name: 'blank', list: '["a b"]', why: /1 to 256 visible/ },
  { name: 'long', list: `[${'a'.repeat(257)}]`, why: /1 to 256 visible/ },
  { name: 'number', list: '[4]', why: /models\[0\]: wants a string, found a number/ },
  { name: 'nothing', list: '[]', why: /models: list at least one model/ },
  {
    name: 'negative window',
    list: '[{ id: a, context_window: -1 }]',
    why: /context_window: wants a whole/,
  },
  { name: 'unknown key', list: '[{ id: a, max_tokens: 5 }]', why: /unknown key "max_tokens"/ },
]) {
  test(`model fault: ${name}`, () => {
    const faults = faultsOf(text(list));
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] ?? '', why);
  });
}
