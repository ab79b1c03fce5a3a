import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOf, good, warningsOf } from '../support/configs.ts';

const one = (keys: string) => `providers: [{ ${keys} }]`;
const provider = (keys: string) => good(one(keys)).providers[0]!;

for (const { keys, want } of [
  {
    keys: 'name: cerebras, api_key: k',
    want: ['cerebras', 'openai', 'https://api.cerebras.ai/v1'],
  },
  {
    keys: 'name: Zhipu, api_key: k',
    want: ['zhipu', 'openai', 'https://open.bigmodel.cn/api/paas/v4'],
  },
  {
    keys: 'name: x, preset: zai, api_key: k',
    want: ['zai', 'openai', 'https://api.z.ai/api/paas/v4'],
  },
  {
    keys: 'name: x, endpoint: "https://api.cerebras.ai/v1/", api_key: k',
    want: ['cerebras', 'openai', 'https://api.cerebras.ai/v1'],
  },
  {
    keys: 'name: x, endpoint: "https://API.Z.AI/api/anthropic", api_key: k',
    want: ['zai', 'anthropic', 'https://api.z.ai/api/anthropic'],
  },
  {
    keys: 'name: zhipu, endpoint: "https://open.bigmodel.cn/api/anthropic", api_key: k',
    want: ['zhipu', 'anthropic', 'https://open.bigmodel.cn/api/anthropic'],
  },
  {
    keys: 'name: x, endpoint: "https://api.z.ai/api/anthropic", protocol: openai, api_key: k',
    want: ['zai', 'openai', 'https://api.z.ai/api/anthropic'],
  },
  {
    keys: 'name: anthropic, api_key: k',
    want: ['anthropic', 'anthropic', 'https://api.anthropic.com'],
  },
  {
    keys: 'name: x, endpoint: "http://localhost:1//", models: [m]',
    want: ['generic', 'openai', 'http://localhost:1'],
  },
  {
    keys: 'name: x, endpoint: "https://eu.api.cerebras.ai/v1", models: [m]',
    want: ['generic', 'openai', 'https://eu.api.cerebras.ai/v1'],
  },
  {
    keys: 'name: cerebras, preset: generic, endpoint: "http://[::1]:1/v1", models: [m]',
    want: ['generic', 'openai', 'http://[::1]:1/v1'],
  },
]) {
  test(`preset, protocol, endpoint: ${keys}`, () => {
    const { preset, protocol, endpoint } = provider(keys);
    assert.deepEqual([preset.name, protocol, endpoint], want);
  });
}

for (const { name, keys, why } of [
  { name: 'no endpoint', keys: 'name: x, models: [m]', why: /endpoint: is missing/ },
  { name: 'relative', keys: 'name: x, endpoint: api.x.com/v1, models: [m]', why: /wants a URL/ },
  { name: 'another scheme', keys: 'name: x, endpoint: "ftp://x", models: [m]', why: /wants a URL/ },
  {
    name: 'query',
    keys: 'name: x, endpoint: "https://x/v1?a=b", models: [m]',
    why: /query or a fragment/,
  },
  {
    name: 'fragment',
    keys: 'name: x, endpoint: "https://x/v1#a", models: [m]',
    why: /query or a fragment/,
  },
  {
    name: 'user',
    keys: 'name: x, endpoint: "https://u:pw@x/v1", models: [m]',
    why: /holds a user name or password/,
  },
  {
    name: 'no name',
    keys: 'endpoint: "http://localhost", models: [m]',
    why: /providers\[0\]\.name: every provider needs/,
  },
  {
    name: 'odd name',
    keys: 'name: "a/b", endpoint: "http://localhost", models: [m]',
    why: /name: wants up to 64/,
  },
  {
    name: 'no models',
    keys: 'name: x, endpoint: "http://localhost"',
    why: /models: list at least one model/,
  },
  {
    name: 'margin',
    keys: 'name: cerebras, api_key: k, rate_limiting: { safety_margin: 1.1 }',
    why: /safety_margin: wants a number from 0 to 1, found 1.1/,
  },
  {
    name: 'timeout of 0',
    keys: 'name: cerebras, api_key: k, timeouts: { idle: 0 }',
    why: /idle: must be from 1ms to 1d/,
  },
  {
    name: 'strategy',
    keys: 'name: cerebras, api_key: k, load_balancing: { strategy: least-used }',
    why: /did you mean "least_used"/,
  },
  {
    name: 'preset',
    keys: 'name: x, preset: cerebra, api_key: k',
    why: /preset: must be one of.*did you mean "cerebras"/,
  },
  {
    name: 'clear text',
    keys: 'name: x, endpoint: "http://10.0.0.1/v1", models: [m]',
    why: /endpoint: is http to another machine.*say allow_insecure: true/,
  },
  {
    name: 'url',
    keys: 'name: x, url: "http://localhost", models: [m]',
    why: /did you mean "endpoint"/,
  },
  {
    name: 'keys in the wrong place',
    keys: 'name: cerebras, api_keys: [k]',
    why: /did you mean "load_balancing.api_keys"/,
  },
]) {
  test(`provider fault: ${name}`, () => {
    const faults = faultsOf(one(keys)).join('\n');
    assert.match(faults, why);
    assert.doesNotMatch(faults, /pw/);
  });
}

for (const { name, keys, why } of [
  {
    name: 'path of the call',
    keys: 'name: x, endpoint: "https://x/v1/chat/completions", models: [m], api_key: k',
    why: /endpoint: the path of the call/,
  },
  {
    name: 'clear text',
    keys: 'name: x, endpoint: "http://10.0.0.1/v1", models: [m], allow_insecure: true',
    why: /in the clear/,
  },
  {
    name: 'older type',
    keys: 'name: zai, api_key: k, rate_limiting: { type: tokens_per_minute, tokens_per_minute: 5 }',
    why: /type: "tokens_per_minute" is read as "fixed_rpm"/,
  },
  {
    name: 'limits nothing',
    keys: 'name: cerebras, api_key: k, rate_limiting: { type: fixed_rpm }',
    why: /limits nothing/,
  },
]) {
  test(`provider warning: ${name}`, () => assert.match(warningsOf(one(keys)).join('\n'), why));
}

test('the path of a call is cut off', () => {
  const { endpoint } = provider('name: x, endpoint: "https://x/v1/chat/completions/", models: [m]');
  assert.equal(endpoint, 'https://x/v1');
  const keys = 'name: anthropic, api_key: k, endpoint: "https://api.anthropic.com/v1/messages"';
  assert.equal(provider(keys).endpoint, 'https://api.anthropic.com');
});

test('defaults of a provider', () => {
  const found = provider('name: zhipu, api_key: k');
  const { strategy, rateLimiting, timeouts, headers } = found;
  assert.equal(strategy, 'least_used');
  assert.deepEqual(rateLimiting, {
    type: 'headers',
    safetyMargin: 0.2,
    backoffThreshold: 100,
    requestsPerMinute: 0,
    tokensPerMinute: 0,
    maxConcurrent: 0,
  });
  assert.deepEqual(timeouts, { connectMs: 10_000, firstByteMs: 300_000, idleMs: 300_000 });
  assert.deepEqual(headers, {});
  assert.deepEqual(found.errorRules, []);
  assert.equal(found.outputSizing, 'auto');
  assert.equal(found.affinityMaxWaitMs, 2_000);
});

test('output sizing and affinity', () => {
  const keys = 'name: zhipu, api_key: k, output_sizing: off, affinity_max_wait: 500ms';
  const { outputSizing, affinityMaxWaitMs } = provider(keys);
  assert.deepEqual([outputSizing, affinityMaxWaitMs], ['off', 500]);
  const fault = faultsOf(one('name: zhipu, api_key: k, output_sizing: on')).join();
  assert.match(fault, /output_sizing: must be one of auto, off/);
});

test('spill_after: 2s, or what the file says', () => {
  const queue = (text: string) =>
    good(`limits: { queue: { ${text} } }\n${one('name: zai, api_key: k')}`).limits;
  assert.equal(queue('').queue.spillAfterMs, 2_000);
  assert.equal(queue('spill_after: 0').queue.spillAfterMs, 0);
  assert.equal(queue('spill_after: 1m').queue.spillAfterMs, 60_000);
});

test('headers: names in lower case, values as they are', () => {
  const { headers } = provider(
    'name: cerebras, api_key: k, headers: { X-Title: " a b ", x-n: "1" }',
  );
  assert.deepEqual(headers, { 'x-title': ' a b ', 'x-n': '1' });
});

for (const { header, why } of [
  { header: 'Authorization: x', why: /"authorization" cannot be set here: use api_key/ },
  { header: 'x-api-key: x', why: /use api_key/ },
  { header: 'Host: x', why: /is set by the proxy itself/ },
  { header: 'content-length: "5"', why: /is set by the proxy itself/ },
  { header: 'Transfer-Encoding: x', why: /is set by the proxy itself/ },
  { header: '"a b": x', why: /not a header name/ },
  { header: 'x-a: "a\\r\\nb"', why: /cannot hold line breaks/ },
  { header: 'x-a: "a\\0"', why: /cannot hold line breaks/ },
  { header: 'x-a: "日本"', why: /cannot hold line breaks/ },
  { header: 'x-a: 5', why: /put it in quotes/ },
  { header: 'x-a: a, X-A: b', why: /the same header twice/ },
]) {
  test(`header fault: ${header}`, () => {
    const text = one(`name: cerebras, api_key: k, headers: { ${header} }`);
    assert.match(faultsOf(text).join('\n'), why);
  });
}

test('a mapping from name to provider is as good as a list', () => {
  const config = good(`providers:
  cerebras: { api_key: a }
  local:
    endpoint: http://localhost/v1
    models: [m]
`);
  assert.deepEqual(
    config.providers.map(({ name, preset }) => [name, preset.name]),
    [
      ['cerebras', 'cerebras'],
      ['local', 'generic'],
    ],
  );
  const text = 'providers:\n  cerebras: { name: other, api_key: a }';
  assert.match(faultsOf(text).join(), /^2:21: this name is not the key/);
  assert.match(faultsOf('providers:\n  cerebras:').join(), /no api_key/);
});

for (const { name, text, why } of [
  { name: 'none', text: 'server: {}', why: /^1:1: providers: list at least one/ },
  { name: 'empty list', text: 'providers: []', why: /^1:12: providers: list at least one/ },
  { name: 'a word', text: 'providers: cerebras', why: /^1:12: providers: wants a list/ },
  {
    name: 'an item that is a word',
    text: 'providers: [cerebras]',
    why: /providers\[0\]: wants a mapping/,
  },
  {
    name: 'twice',
    text: 'providers:\n - { name: cerebras, api_key: a }\n - { name: Cerebras, api_key: b }',
    why: /^3:12: providers\[1\].name: "Cerebras" is taken by the provider in line 2/,
  },
]) {
  test(`providers: ${name}`, () => assert.match(faultsOf(text).join('\n'), why));
}

test('anchors, aliases and merge keys give providers in common', () => {
  const config = good(`providers:
  - &base { name: a, endpoint: "http://localhost/v1", models: &m [x], timeouts: { idle: 1m } }
  - { <<: *base, name: b }
  - { name: c, endpoint: "http://localhost/v1", models: *m }
`);
  assert.deepEqual(
    config.providers.map(({ name, timeouts, models }) => [name, timeouts.idleMs, models[0]?.id]),
    [
      ['a', 60_000, 'x'],
      ['b', 60_000, 'x'],
      ['c', 300_000, 'x'],
    ],
  );
});
